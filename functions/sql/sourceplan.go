package sql

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// Plan spreads the tables over tasks: as many to each, in the order of their names. A query is read by one.
func (s *sourceTask) Plan(ctx context.Context, settings map[string]string, limit int) (plan []map[string]string, err error) {
	if s.theQuery() != "" {
		task := maps.Clone(settings)
		task[tablesKey] = ""
		return []map[string]string{task}, nil
	}
	db, err := s.openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.close()) }()
	names, err := s.list(ctx, db)
	if err != nil {
		return nil, err
	}
	if same := ambiguous(names); len(same) > 0 {
		if s.aiven() {
			return []map[string]string{}, nil
		}
		return nil, refuse("The connector uses the unqualified table name as the topic name and has detected duplicate"+
			" unqualified table names. This could lead to mixed data types in the topic and downstream processing errors. To"+
			" prevent such processing errors, the JDBC Source connector fails to start when it detects duplicate table name"+
			" configurations. Update the connector's '%s' config to include exactly one table in each of the tables listed"+
			" below.\n\t%s", s.filter(), strings.Join(same, ", "))
	}
	groups := min(len(names), limit)
	plan = make([]map[string]string, groups)
	for i := range plan {
		// The first tasks get one more if it does not come out even.
		n := len(names) / (groups - i)
		if len(names)%(groups-i) > 0 {
			n++
		}
		quoted := make([]string, n)
		for j, name := range names[:n] {
			quoted[j] = db.quotedTable(name)
		}
		names = names[n:]
		plan[i] = maps.Clone(settings)
		plan[i][tablesKey] = strings.Join(quoted, ",")
	}
	return plan, nil
}

// list lists the tables that the filters let through.
func (s *sourceTask) list(ctx context.Context, db *database) ([]tableName, error) {
	f := tableFilter{types: make([]string, len(s.tableTypes))}
	for i, t := range s.tableTypes {
		f.types[i] = strings.ToUpper(t)
	}
	if s.hasCatalog && s.catalogPattern != "" {
		f.catalog = &s.catalogPattern
	}
	if s.hasSchema && s.schemaPattern != "" {
		f.schema = &s.schemaPattern
	}
	names, err := db.tables(ctx, f)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n tableName) bool { return !s.wants(db.dialect, n) })
	if s.qualified {
		return names, nil
	}
	for i := range names {
		names[i] = tableName{table: names[i].table}
	}
	slices.SortFunc(names, func(a, b tableName) int { return strings.Compare(a.table, b.table) })
	return slices.Compact(names), nil
}

// filter is the name of the setting that says which tables are read.
func (s *sourceTask) filter() string {
	switch {
	case len(s.blacklist) > 0:
		return "table.blacklist"
	case len(s.include) > 0:
		return "table.include.list"
	case len(s.exclude) > 0:
		return "table.exclude.list"
	}
	return "table.whitelist"
}

// ambiguous lists the tables that share their name with another one.
func ambiguous(names []tableName) []string {
	var same []string
	for _, n := range names {
		if slices.ContainsFunc(names, func(o tableName) bool { return o != n && o.table == n.table }) {
			same = append(same, n.String())
		}
	}
	return same
}

// ReplanEvery is how often to look for new tables.
func (s *sourceTask) ReplanEvery() time.Duration {
	if s.theQuery() != "" {
		return 0
	}
	return s.replanEvery
}

// parseTables reads names separated by commas.
func (d *dialect) parseTables(text string) ([]tableName, error) {
	var names []tableName
	for len(text) > 0 {
		end := 0
		for quoted := false; end < len(text) && (quoted || text[end] != ','); end++ {
			if text[end] == d.quote {
				quoted = !quoted
			}
		}
		name, err := d.parseTable(strings.TrimSpace(text[:end]))
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		text = text[min(end+1, len(text)):]
	}
	return names, nil
}
