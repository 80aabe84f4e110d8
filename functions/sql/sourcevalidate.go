package sql

import (
	"errors"
	"regexp"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
)

// The settings that say which tables to read, and by which columns: the older ones and the newer ones do not go together.
const (
	tableWhitelist, tableBlacklist      = "table.whitelist", "table.blacklist"
	tableInclude, tableExclude          = "table.include.list", "table.exclude.list"
	incrementingColumn, timestampColumn = "incrementing.column.name", "timestamp.column.name"
	incrementingByTable                 = "incrementing.column.mapping"
	timestampsByTable                   = "timestamp.columns.mapping"
)

// checkPrefix refuses what no topic's name may hold.
func checkPrefix(name string, value any) error {
	text, _ := value.(string)
	const longest = 249 // of a topic
	switch {
	case len(text) > longest:
		return config.Invalid(name, value, "it is longer than a topic's name may be, 249 characters")
	case strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "":
		return config.Invalid(name, value, "a topic's name has only ASCII letters and digits, '.', '_' and '-'")
	}
	return nil
}

// Validate checks what settings say together, as Confluent's connector does, or Aiven's.
func (s *sourceSettings) Validate() error {
	errs := []error{s.validateConnection(), s.validateMode()}
	if strings.EqualFold(s.isolation, isolationSnapshot) {
		errs = append(errs, config.Errorf("transaction.isolation.mode",
			"Isolation mode of `%s` can only be configured with a Sql Server Dialect", isolationSnapshot))
	}
	switch {
	case s.aiven() && !s.prefixGiven:
		errs = append(errs, config.Errorf("topic.prefix", "Missing required configuration \"topic.prefix\" which has no default value."))
	case s.theQuery() != "" && s.topicPrefix == "":
		errs = append(errs, config.Errorf("topic.prefix", "The topic of a query must be named."))
	}
	for name, list := range map[string][]string{tableInclude: s.include, tableExclude: s.exclude} {
		if _, err := expressions(list); err != nil {
			errs = append(errs, config.Invalid(name, list, err.Error()))
		}
	}
	for name, list := range map[string][]string{incrementingByTable: s.incrementingMapping, timestampsByTable: s.timestampMapping} {
		if _, err := columnMappings(list); err != nil {
			errs = append(errs, config.Invalid(name, list, err.Error()))
		}
	}
	return errors.Join(append(errs, s.validateTables())...)
}

// given are those of some settings that are not empty.
func (s *sourceSettings) given(names ...string) []string {
	values := map[string]bool{
		tableWhitelist: len(s.whitelist) > 0, tableBlacklist: len(s.blacklist) > 0, tableInclude: len(s.include) > 0,
		tableExclude: len(s.exclude) > 0, incrementingColumn: s.incrementing != "", timestampColumn: len(s.timestamps) > 0,
		incrementingByTable: len(s.incrementingMapping) > 0, timestampsByTable: len(s.timestampMapping) > 0,
	}
	var found []string
	for _, name := range names {
		if values[name] {
			found = append(found, name)
		}
	}
	return found
}

// validateTables checks what says which tables to read.
func (s *sourceSettings) validateTables() error {
	all := func(names []string, message string) error {
		errs := make([]error, len(names))
		for i, name := range names {
			errs[i] = config.Errorf(name, "%s", message)
		}
		return errors.Join(errs...)
	}
	filters := []string{tableWhitelist, tableBlacklist, tableInclude, tableExclude}
	older := s.given(tableWhitelist, tableBlacklist, incrementingColumn, timestampColumn)
	newer := s.given(tableInclude, tableExclude, incrementingByTable, timestampsByTable)
	switch {
	case s.theQuery() != "":
		return s.validateQuery(all, s.given(filters...))
	case len(older) > 0 && len(newer) > 0:
		return all(append(older, newer...), "Older and newer settings are not to be mixed: "+strings.Join(older, ", ")+" do not go with "+
			strings.Join(newer, ", ")+". Use either "+strings.Join([]string{tableWhitelist, tableBlacklist, incrementingColumn, timestampColumn}, ", ")+
			" or "+strings.Join([]string{tableInclude, tableExclude, incrementingByTable, timestampsByTable}, ", ")+".")
	case len(older)+len(newer) == 0 && !s.aiven():
		return all(filters, "At least one table filtering configuration is required. Provide one of: table.whitelist, table.blacklist,"+
			" table.include.list, or table.exclude.list.")
	case len(s.whitelist) > 0 && len(s.blacklist) > 0:
		return all(filters[:2], "table.whitelist and table.blacklist are exclusive.")
	case len(newer) == 0:
		return nil
	}
	return s.validateNewer()
}

// validateQuery checks a query, with the names of the filters that were given beside it.
func (s *sourceSettings) validateQuery(all func(names []string, message string) error, filters []string) error {
	which := "query"
	if s.query == "" {
		which = "query.masked"
	}
	switch {
	case s.query != "" && s.maskedQuery.Reveal() != "":
		return all([]string{"query", "query.masked"}, "Only one of query and query.masked may be given.")
	case len(filters) > 0:
		return all(append([]string{"query", "query.masked"}, filters...), "Do not specify table filtering configs with 'query'. Remove"+
			" table.whitelist / table.blacklist / table.include.list / table.exclude.list when using query mode"+
			" or 'query' when using table filtering mode.")
	case !s.aiven() && !regexp.MustCompile(`(?i)^\s*SELECT\b`).MatchString(s.theQuery()):
		return config.Errorf(which, "The query must begin with SELECT.")
	}
	return nil
}

// validateNewer checks the newer settings, which must say all there is to say.
func (s *sourceSettings) validateNewer() error {
	needs := func(used bool, list []string, what, name string) error {
		switch {
		case used && len(list) == 0:
			return config.Errorf("mode", "With the mode %s and the newer settings, %s must be given by %s.", s.mode, what, name)
		case !used && len(list) > 0:
			return config.Errorf("mode", "In the mode %s there is nothing that %s is for.", s.mode, name)
		}
		return nil
	}
	if len(s.exclude) > 0 && len(s.include) == 0 {
		return config.Errorf(tableExclude, "table.exclude.list takes tables away from those of table.include.list, which must be given.")
	}
	if err := needs(s.byTime(), s.timestampMapping, "timestamp columns", timestampsByTable); err != nil {
		return err
	}
	return needs(s.byID(), s.incrementingMapping, "incrementing columns", incrementingByTable)
}

func (s *sourceSettings) validateMode() error {
	switch s.mode {
	case modeBulk, modeIncrementing:
	case modeTimestamp, modeTimestampPlus:
		if len(s.timestamps)+len(s.timestampMapping)+len(s.include) == 0 {
			return config.Errorf(timestampColumn,
				"Timestamp column(s) must be specified when using mode %s: give timestamp.column.name or timestamp.columns.mapping.", s.mode)
		}
	case "":
		var errs []error
		for _, name := range []string{"mode", incrementingColumn, incrementingByTable, timestampColumn, timestampsByTable, "validate.non.null"} {
			errs = append(errs, config.Errorf(name, "Query mode must be specified"))
		}
		return errors.Join(errs...)
	default:
		return config.Invalid("mode", s.mode, "String must be one of: bulk, timestamp, incrementing, timestamp+incrementing")
	}
	if s.theQuery() != "" && s.byID() && s.incrementing == "" {
		return config.Errorf(incrementingColumn, "The incrementing column of a query must be named.")
	}
	return nil
}
