package sql

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// The modes of a source.
const (
	modeBulk          = "bulk"
	modeTimestamp     = "timestamp"
	modeIncrementing  = "incrementing"
	modeTimestampPlus = "timestamp+incrementing"
)

// The values of transaction.isolation.mode.
const (
	isolationDefault  = "DEFAULT"
	isolationSnapshot = "SQL_SERVER_SNAPSHOT"
)

func isolations() []string {
	return []string{isolationDefault, "READ_UNCOMMITTED", "READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE", isolationSnapshot}
}

// aivenPrefix is what the names of Aiven's classes begin with. Where their connector differs from Confluent's, it is
// followed if it was asked for by that name.
const aivenPrefix = "io.aiven."

// sourceSettings are the settings of a source.
type sourceSettings struct {
	connection
	class string

	mode                          string
	incrementing                  string
	incrementingMapping           []string
	timestamps                    []string
	timestampMapping              []string
	initialTime, initialMillis    any
	initialID                     int64
	nonNull                       bool
	whitelist, blacklist          []string
	include, exclude              []string
	tableTypes                    []string
	catalogPattern, schemaPattern string
	hasCatalog, hasSchema         bool
	query, querySuffix            string
	maskedQuery                   config.Secret
	topicPrefix                   string
	prefixGiven                   bool
	qualified                     bool
	batch                         int
	pollEvery, replanEvery        time.Duration
	delay                         time.Duration
	mapping                       string
	precisionMapping              bool
	granularity                   string
	types                         string
	horizon                       string
	horizonDelay                  time.Duration
	retries                       int
	isolation                     string

	// tables are those of a task, quoted, as its plan says.
	tables string
	// most is how many rows a LIMIT in query.suffix leaves, 0 if there is none; see limited.
	most int
}

// aiven tells whether the class is Aiven's.
func (s *sourceSettings) aiven() bool { return strings.HasPrefix(s.class, aivenPrefix) }

// extended tells whether values are carried that the originals fail on.
func (s *sourceSettings) extended() bool { return strings.EqualFold(s.types, "extended") }

// Define declares the settings, which are those of Confluent's connector and of Aiven's.
func (s *sourceSettings) Define(d *config.Def) {
	s.connection.Define(d)
	d.String(&s.class, "connector.class", "", "Tells Aiven's connector from Confluent's.", config.Borrowed())
	s.defineTables(d)
	s.defineMode(d)
	s.defineTypes(d)
	s.defineRunning(d)
	d.String(&s.tables, "tables", "", "The tables of a task, as planned.", config.Internal())
}

func (s *sourceSettings) defineTables(d *config.Def) {
	const group = "Database"
	list := func(p *[]string, name, doc string, order int, display string) {
		d.List(p, name, nil, doc, config.Medium, config.Group(group, order), config.WidthLong, config.Display(display))
	}
	list(&s.whitelist, "table.whitelist", "Tables to read: names, with schema or catalog or without.", 9, "Table Whitelist")
	list(&s.blacklist, "table.blacklist", "Tables not to read; all others are.", 10, "Table Blacklist")
	list(&s.include, "table.include.list", "Regular expressions for the full names of tables to read.", 11, "Table Include List")
	list(&s.exclude, "table.exclude.list", "Regular expressions for the full names of tables not to read.", 12, "Table Exclude List")
	d.String(&s.catalogPattern, "catalog.pattern", "", "The catalog to read tables from; MySQL calls it database.",
		config.NullDefault(), config.Given(&s.hasCatalog), config.Group(group, 13), config.Display("Schema pattern"))
	d.String(&s.schemaPattern, "schema.pattern", "", "Pattern, as of LIKE, for the schemas to read tables from.",
		config.NullDefault(), config.Given(&s.hasSchema), config.Group(group, 14), config.Display("Schema pattern"))
	d.List(&s.tableTypes, "table.types", []string{"TABLE"}, "Kinds of tables to read, such as TABLE and VIEW.",
		config.Low, config.Group("Connector", 4), config.Display("Table Types"))
	d.Bool(&s.qualified, "table.names.qualify", true, "Aiven's: whether tables are named with their schema or catalog. If not, the"+
		" database finds them, by PostgreSQL's search path say, and two of one name are one.",
		config.Low, config.Group(group, 15), config.Display("Qualify table names"))
}

func (s *sourceSettings) defineMode(d *config.Def) {
	const group = "Mode"
	d.String(&s.mode, "mode", "", "How to find out what to read: bulk (all, each time), incrementing (a column that grows),"+
		" timestamp (a column that says when a row changed) or timestamp+incrementing.",
		config.High, config.Group(group, 1), config.Display("Table Loading Mode"),
		config.Dependents("incrementing.column.name", "timestamp.column.name", "validate.non.null"))
	d.String(&s.incrementing, "incrementing.column.name", "", "The column that grows. By default the one by which the database numbers rows.",
		config.Group(group, 2), config.Display("Incrementing Column Name"))
	d.List(&s.timestamps, "timestamp.column.name", nil, "Columns that say when a row changed; the first that is not NULL counts.",
		config.Group(group, 3), config.Display("Timestamp Column Name"))
	d.List(&s.incrementingMapping, "incrementing.column.mapping", nil, "Columns that grow, per table: regular expression:column.",
		config.Group(group, 4), config.Display("Incrementing Column Mapping"))
	d.List(&s.timestampMapping, "timestamp.columns.mapping", nil, "Timestamp columns per table: regular expression:[column|column].",
		config.Group(group, 5), config.Display("Timestamp Columns Mapping"))
	d.Any(&s.initialTime, "timestamp.initial", config.TypeLong, nil,
		"Where to begin without an offset: milliseconds since 1970, or -1 for now. By default at 1970.",
		config.Low, config.Group(group, 6), config.Display("Unix time value of initial timestamp"))
	d.Any(&s.initialMillis, "timestamp.initial.ms", config.TypeLong, nil, "Aiven's name of timestamp.initial.",
		config.Low, config.Group(group, 7), config.Display("Initial timestamp"))
	d.Long(&s.initialID, "incrementing.initial", -1, "Where to begin without an offset: after this value.",
		config.Low, config.Group(group, 8), config.Display("Initial incrementing value"))
	d.Bool(&s.nonNull, "validate.non.null", true, "Whether to refuse columns that can be NULL as incrementing or timestamp column.",
		config.Low, config.Group(group, 9), config.Display("Validate Non Null"))
	d.String(&s.query, "query", "", "A query to read instead of tables. Unless the mode is bulk, a WHERE must fit behind it.",
		config.Group(group, 10), config.Display("Query"))
	d.Password(&s.maskedQuery, "query.masked", "The same as query, shown nowhere.", config.NullDefault(),
		config.Group(group, 11), config.Display("Query"))
	d.String(&s.querySuffix, "query.suffix", "", "What to put behind every query, such as a LIMIT.",
		config.Low, config.Group(group, 12), config.Display("Query suffix"))
	d.String(&s.isolation, "transaction.isolation.mode", isolationDefault, "The isolation of the transactions that read: "+
		strings.Join(isolations(), ", ")+". DEFAULT is the database's own.", config.Check(config.CaseInsensitiveIn(isolations()...)),
		config.Low, config.Group(group, 17), config.Display("Transaction Isolation Mode"))
	d.Int(&s.retries, "query.retry.attempts", -1, "How often to query a table again after an error that may go away, such as a lock"+
		" not got in time, before the task fails: the number of failures in a row that are too many; -1 and 0 for no end. An error"+
		" that the same query must meet again, such as a column that is missing, is not tried again.",
		config.Low, config.Group(group, 18), config.Display("Query Retry Attempts"))
}

func (s *sourceSettings) defineTypes(d *config.Def) {
	const group = "Mode"
	d.String(&s.mapping, "numeric.mapping", "", "What NUMERIC becomes: none (Decimal), precision_only, best_fit or best_fit_eager_double.",
		config.NullDefault(), config.Check(numericMappings()), config.Low, config.Group(group, 13), config.Display("Map Numeric Values, Integral or Decimal, By Precision and Scale"))
	d.Bool(&s.precisionMapping, "numeric.precision.mapping", false, "The older way to say numeric.mapping=precision_only.",
		config.Low, config.Group(group, 14), config.Display("Map Numeric Values By Precision"))
	d.String(&s.granularity, "timestamp.granularity", "connect_logical",
		"What timestamps become: connect_logical, or a number or text of micros or nanos.",
		config.Check(config.CaseInsensitiveIn("connect_logical", "micros_long", "micros_string", "micros_iso_datetime_string",
			"nanos_long", "nanos_string", "nanos_iso_datetime_string")),
		config.Low, config.Group(group, 15), config.Display("Timestamp granularity for timestamp columns"))
	d.String(&s.types, "sluice.types", "connect", "connect, or extended: then values are carried that the JDBC connectors leave out or"+
		" fail on, such as BIGINT UNSIGNED above 2⁶³, arrays, ranges, intervals and NUMERIC without scale.",
		config.Check(config.CaseInsensitiveIn("connect", "extended")), config.Low, config.Group(group, 16), config.Display("Types"))
}

func numericMappings() config.Validator {
	words := config.CaseInsensitiveIn("none", "precision_only", "best_fit", "best_fit_eager_double")
	return config.Func(words.String(), func(name string, value any) error {
		if value == nil {
			return nil
		}
		return words.EnsureValid(name, value)
	})
}

func (s *sourceSettings) defineRunning(d *config.Def) {
	const group = "Connector"
	d.String(&s.topicPrefix, "topic.prefix", "", "What the name of a table's topic begins with; the whole topic of a query.",
		config.Given(&s.prefixGiven), config.Check(config.Func("letters, digits, '.', '_' and '-'", checkPrefix)),
		config.High, config.Group(group, 1), config.Display("Topic Prefix"))
	d.Int(&s.batch, "batch.max.rows", 100, "Most rows read in one poll.", config.Check(config.AtLeast(1)),
		config.Low, config.Group(group, 2), config.Display("Max Rows Per Batch"))
	d.MillisInt(&s.pollEvery, "poll.interval.ms", 5*time.Second, "How often to look for rows in each table.",
		config.Check(config.AtLeast(0)), config.High, config.Group(group, 3), config.Display("Poll Interval (ms)"))
	d.Millis(new(time.Duration), "poll.linger.ms", 5*time.Second, "How long the original waits for a batch to fill. A poll here returns"+
		" what there is; the runtime waits, see sluice.source.idle.ms.", config.Check(config.AtLeast(0)),
		config.Low, config.Group(group, 9), config.Display("Poll Linger (ms)"))
	d.Millis(&s.replanEvery, "table.poll.interval.ms", time.Minute, "How often to look for new tables and such that are gone.",
		config.Check(config.AtLeast(0)), config.Low, config.Group(group, 5), config.Display("Metadata Change Monitoring Interval (ms)"))
	d.Millis(new(time.Duration), "table.monitoring.startup.polling.limit.ms", 10*time.Second, "How long the original waits for the"+
		" names of tables. They are read within the deadline here.", config.Internal())
	d.Millis(&s.delay, "timestamp.delay.interval.ms", 0, "How old a timestamp must be to be read.", config.Check(config.AtLeast(0)),
		config.High, config.Group(group, 6), config.Display("Delay Interval (ms)"))
	d.String(&s.horizon, "sluice.horizon", "database", "database: no row is read past that a transaction not yet ended may still"+
		" come before. none: rows are read as soon as they are seen, as the JDBC connectors do, which misses rows.",
		config.Check(config.CaseInsensitiveIn("database", "none")), config.Medium, config.Group(group, 7), config.Display("Horizon"))
	d.Millis(&s.horizonDelay, "sluice.incrementing.delay.ms", 5*time.Second, "How long to wait for transactions where the"+
		" database does not let its user see which ones are open.", config.Check(config.AtLeast(0)),
		config.Low, config.Group(group, 8), config.Display("Incrementing delay (ms)"))
}

// byID and byTime tell what rows are found by.
func (s *sourceSettings) byID() bool {
	return s.mode == modeIncrementing || s.mode == modeTimestampPlus
}

func (s *sourceSettings) byTime() bool { return s.mode == modeTimestamp || s.mode == modeTimestampPlus }

func (s *sourceSettings) theQuery() string { return either(s.query, s.maskedQuery.Reveal()) }

// limited finds a LIMIT in query.suffix.
func (s *sourceSettings) limited() int {
	found := regexp.MustCompile(`(?i)\b(?:limit|fetch\s+(?:first|next))\s+(\d+)`).FindStringSubmatch(s.querySuffix)
	if found == nil {
		return 0
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		return 0
	}
	return n
}

// initial is where to begin without an offset: milliseconds since 1970, -1 for now.
func (s *sourceSettings) initial() int64 {
	for _, v := range []any{s.initialTime, s.initialMillis} {
		if ms, ok := v.(int64); ok {
			return ms
		}
	}
	return 0
}

// numericMapping is numeric.mapping in lower case.
func (s *sourceSettings) numericMapping() string {
	switch {
	case s.mapping != "":
		return strings.ToLower(s.mapping)
	case s.precisionMapping:
		return "precision_only"
	}
	return "none"
}

// wants tells whether the filters let a table through. Names in the lists may be quoted, and may be the table's alone.
func (s *sourceSettings) wants(d *dialect, n tableName) bool {
	full := n.String()
	names := []string{n.table, full, d.quotedTable(n), d.quoted(n.table)}
	listed := func(list []string) bool {
		return slices.ContainsFunc(list, func(name string) bool { return slices.Contains(names, name) })
	}
	matched := func(list []string) bool {
		res, err := expressions(list)
		return err == nil && slices.ContainsFunc(res, func(re *regexp.Regexp) bool { return re.MatchString(full) })
	}
	switch {
	case len(s.whitelist) > 0:
		return listed(s.whitelist)
	case len(s.blacklist) > 0:
		return !listed(s.blacklist)
	}
	return (len(s.include) == 0 || matched(s.include)) && !matched(s.exclude)
}

// expressions compiles regular expressions that must match the whole of a name.
func expressions(list []string) ([]*regexp.Regexp, error) {
	out := make([]*regexp.Regexp, len(list))
	for i, text := range list {
		re, err := regexp.Compile("^(?:" + text + ")$")
		if err != nil {
			return nil, fmt.Errorf("%q is not a regular expression: %w", text, err)
		}
		out[i] = re
	}
	return out, nil
}

// columnMapping gives columns to the tables whose full name matches.
type columnMapping struct {
	tables  *regexp.Regexp
	columns []string
}

// columnMappings reads regular expression:column and regular expression:[column|column].
func columnMappings(list []string) ([]columnMapping, error) {
	var out []columnMapping
	for _, text := range list {
		i := strings.LastIndexByte(text, ':')
		if i < 0 {
			return nil, fmt.Errorf("%q is not regular expression:column", text)
		}
		res, err := expressions([]string{text[:i]})
		if err != nil {
			return nil, err
		}
		columns := strings.Split(strings.Trim(text[i+1:], "[] "), "|")
		for i := range columns {
			columns[i] = strings.TrimSpace(columns[i])
		}
		out = append(out, columnMapping{res[0], columns})
	}
	return out, nil
}

// columnsFor are the timestamp columns and the incrementing column of a table, as far as the settings say.
func (s *sourceSettings) columnsFor(n tableName) (times []string, id string) {
	times, id = s.timestamps, s.incrementing
	mapped := func(list []string) []string {
		mappings, err := columnMappings(list)
		if err != nil {
			return nil // checked by Validate
		}
		for _, m := range mappings {
			if m.tables.MatchString(n.String()) {
				return m.columns
			}
		}
		return nil
	}
	if columns := mapped(s.timestampMapping); columns != nil {
		times = columns
	}
	if columns := mapped(s.incrementingMapping); columns != nil {
		id = columns[0]
	}
	return times, id
}
