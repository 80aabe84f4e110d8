package sql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// sqlType is the type that a column for values of a schema gets in a new table.
func (w *sinkWriter) sqlType(s *schema.Schema) (string, error) {
	types := w.types
	if types.logical[s.Name] != "" {
		if s.Name != schema.DecimalName {
			return types.logical[s.Name], nil
		}
		scale, err := schema.DecimalScale(s)
		if err != nil {
			return "", err
		}
		return strings.ReplaceAll(types.logical[s.Name], "%d", fmt.Sprint(scale)), nil
	}
	if t := types.plain[s.Type]; t != "" {
		return t, nil
	}
	if s.Type == schema.Array && types.arrays {
		element, err := w.sqlType(s.Value)
		return element + "[]", err
	}
	return "", connectError("%s (%s) type doesn't have a mapping to the SQL database column type", either(s.Name, "null"), s.Type)
}

// columnSpec is what a CREATE or ALTER says of a column.
func (w *sinkWriter) columnSpec(f field) (string, error) {
	typ, err := w.sqlType(f.schema)
	if f.unit > 0 {
		typ = w.types.fine
	}
	if err != nil {
		return "", fmt.Errorf("choosing a type for the column %s: %w", f.name, err)
	}
	spec := w.db.quoted(w.db.fold(f.name)) + " " + typ
	switch {
	case f.schema.Default != nil:
		literal, err := w.literal(f.schema)
		if err != nil {
			return "", fmt.Errorf("writing the default of the column %s: %w", f.name, err)
		}
		return spec + " DEFAULT " + literal, nil
	case f.schema.Optional && !f.key:
		return spec + " NULL", nil
	case f.schema.Optional: // a key has no NULLs
		return spec, nil
	}
	return spec + " NOT NULL", nil
}

// literal writes a schema's default. No database takes bound values in a CREATE TABLE, so that here, and nowhere else, a value
// becomes text of a statement.
func (w *sinkWriter) literal(s *schema.Schema) (string, error) {
	switch v := s.Default.(type) {
	case bool:
		return w.boolean[v], nil
	case int8, int16, int32, int64, float32, float64:
		if text := schema.Text(v); !strings.ContainsAny(text, "NI") { // NaN, Infinity
			return text, nil
		}
	case []byte:
		return fmt.Sprintf(w.binary, v), nil
	case schema.Decimal:
		return v.PlainString(), nil
	}
	text, err := w.zones.text(nil, s, nil, s.Default)
	return w.quotedText(string(text)), err
}

// create makes the table of some fields.
func (w *sinkWriter) create(ctx context.Context, name tableName, f fields) error {
	var specs, keys []string
	for _, one := range f.all {
		spec, err := w.columnSpec(one)
		if err != nil {
			return err
		}
		specs = append(specs, spec)
	}
	for _, k := range f.keys {
		keys = append(keys, w.db.fold(k.name))
	}
	if len(keys) > 0 {
		specs = append(specs, "PRIMARY KEY("+w.db.quotedAll(keys)+")")
	}
	statement := "CREATE TABLE " + w.db.quotedTable(name) + " (" + strings.Join(specs, ",") + ")"
	w.log.Info("creating a table", "table", name.String(), "statement", statement)
	return w.exec(ctx, statement)
}

// target makes sure that a table has columns for all fields, and returns what the catalog says of it then.
func (w *sinkWriter) target(ctx context.Context, name tableName, f fields) (*target, error) {
	t, err := w.describe(ctx, name)
	if err != nil {
		return nil, err
	}
	if t == nil {
		if !w.settings.create {
			return nil, alterError("Table %s is missing and auto-creation is disabled", w.shown(name))
		}
		failed := w.create(ctx, name, f)
		// Somebody else, another task perhaps, may have made it at this very moment.
		t, err = w.describe(ctx, name)
		switch {
		case failed != nil && t == nil:
			return nil, fmt.Errorf("creating the table %s: %w", name, failed)
		case err != nil:
			return nil, err
		case t == nil:
			return nil, fmt.Errorf("creating the table %s: it is not there, although it was just created", name)
		}
	}
	return w.amend(ctx, t, f)
}

// amend adds the columns that a table lacks.
func (w *sinkWriter) amend(ctx context.Context, t *target, f fields) (*target, error) {
	missing := w.missing(t, f)
	if len(missing) == 0 {
		return t, nil
	}
	shown := make([]string, len(missing))
	for i, m := range missing {
		shown[i] = m.String()
	}
	list := "[" + strings.Join(shown, ", ") + "]"
	if t.kind == "VIEW" {
		return nil, alterError("View %s is missing fields (%s) and ALTER VIEW is unsupported", w.shown(t.name), list)
	}
	for _, m := range missing {
		if !m.schema.Optional && m.schema.Default == nil {
			return nil, alterError("Cannot ALTER TABLE %s to add missing field %s, as the field is not optional and does not have a default value",
				w.shown(t.name), m)
		}
	}
	if !w.settings.evolve {
		return nil, alterError("Table %s is missing fields (%s) and auto-evolution is disabled", w.shown(t.name), list)
	}
	err := w.alter(ctx, t.name, missing)
	again, described := w.describe(ctx, t.name)
	switch {
	case described != nil:
		return nil, errors.Join(err, described)
	case again != nil && len(w.missing(again, f)) == 0: // by us, or by somebody else at this very moment
		return again, nil
	case err != nil:
		return nil, fmt.Errorf("adding columns to %s: %w", t.name, err)
	}
	return nil, fmt.Errorf("adding columns to %s: it lacks %s, although they were just added", t.name, list)
}

// missing are the fields without a column, upper and lower case being the same.
func (w *sinkWriter) missing(t *target, f fields) []field {
	return slices.DeleteFunc(slices.Clone(f.all), func(one field) bool { return w.columnOf(t, one.name) != nil })
}

// columnOf finds a field's column: that of the same name, or one that differs in upper and lower case only.
func (w *sinkWriter) columnOf(t *target, name string) *column {
	name = w.db.fold(name)
	if c := t.column(name); c != nil {
		return c
	}
	if i := slices.IndexFunc(t.columns, func(c column) bool { return strings.EqualFold(c.name, name) }); i >= 0 {
		return &t.columns[i]
	}
	return nil
}

// alter adds columns, in one statement where the system has such.
func (w *sinkWriter) alter(ctx context.Context, name tableName, missing []field) error {
	head := "ALTER TABLE " + w.db.quotedTable(name) + " "
	var specs []string
	for _, m := range missing {
		spec, err := w.columnSpec(m)
		if err != nil {
			return err
		}
		specs = append(specs, "ADD "+spec)
	}
	statements := []string{head + strings.Join(specs, ",")}
	if w.alterOne {
		statements = statements[:0]
		for _, s := range specs {
			statements = append(statements, head+s)
		}
	}
	for _, s := range statements {
		w.log.Info("adding columns to a table", "table", name.String(), "statement", s)
		if err := w.exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// alterError is the exception of Confluent's connector about a table that does not fit.
func alterError(format string, args ...any) error {
	return schema.NewError("io.confluent.connect.jdbc.sink.TableAlterOrCreateException", fmt.Sprintf(format, args...), nil)
}
