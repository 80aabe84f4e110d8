package sql

import (
	"errors"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

// insertMode is how rows are written.
type insertMode string

const (
	modeInsert insertMode = "insert"
	modeUpsert insertMode = "upsert"
	modeUpdate insertMode = "update"
)

// pkMode is where the primary key comes from.
type pkMode string

const (
	pkNone        pkMode = "none"
	pkKafka       pkMode = "kafka"
	pkRecordKey   pkMode = "record_key"
	pkRecordValue pkMode = "record_value"
)

// kafkaKeys are the columns of pk.mode=kafka when pk.fields names no others.
func kafkaKeys() []string {
	return []string{"__connect_topic", "__connect_partition", "__connect_offset"}
}

// sinkSettings are the settings of the sink.
type sinkSettings struct {
	connection

	name, class string // borrowed

	insertModeText, pkModeText string
	batchSize                  int
	deletes                    bool
	tableTypes                 []string

	tableFormat    string
	normalize      bool
	tables         []string // topic:table
	pkFields       []string
	whitelist      []string
	stringColumn   string
	timeFields     []string
	timePrecision  string
	precisionGiven bool
	nullToDefault  bool
	dateZone       string
	create, evolve bool

	maxRetries   int
	retryBackoff time.Duration

	exactlyOnce bool
	deleteOrder string
}

// The groups of the sink's settings.
const (
	groupWrites  = "Writes"
	groupMapping = "Data Mapping"
	groupDDL     = "DDL Support"
	groupRetries = "Retries"
	groupOwn     = "Sluice"
)

// Define declares the settings.
func (s *sinkSettings) Define(d *config.Def) {
	d.String(&s.name, "name", "", "Names the connector in messages and in sluice_offsets.", config.Borrowed())
	d.String(&s.class, "connector.class", "", "Tells Aiven's connector from Confluent's.", config.Borrowed())
	s.connection.Define(d)
	s.defineWrites(d)
	s.defineMapping(d)
	d.Bool(&s.create, "auto.create", false, "Whether to create tables that are missing, after the schemas of the records.",
		config.Group(groupDDL, 1), config.WidthShort, config.Display("Auto-Create"))
	d.Bool(&s.evolve, "auto.evolve", false, "Whether to add columns that are missing. They must be optional or have a default.",
		config.Group(groupDDL, 2), config.WidthShort, config.Display("Auto-Evolve"))
	d.Bool(new(bool), "mssql.use.merge.holdlock", true, "SQL Server's; there is no difference here.",
		config.Low, config.Group("DML Support", 1), config.WidthMedium, config.Display("SQL Server - Use HOLDLOCK in MERGE"))
	d.Int(&s.maxRetries, "max.retries", 10, "How often to try again after an error before the task fails. An error that the same"+
		" records must meet again, such as a value that is too long, is not tried again.",
		config.Check(config.AtLeast(0)), config.Group(groupRetries, 1), config.WidthShort, config.Display("Maximum Retries"))
	d.MillisInt(&s.retryBackoff, "retry.backoff.ms", 3*time.Second, "Pause before trying again.",
		config.Check(config.AtLeast(0)), config.Group(groupRetries, 2), config.WidthShort, config.Display("Retry Backoff (millis)"))
	d.Bool(&s.exactlyOnce, "sluice.exactly.once", false, "Whether to write the offsets of records into the table sluice_offsets of the"+
		" same database, in the transaction that writes the records, and to skip records that it says are written.",
		config.Group(groupOwn, 1), config.WidthShort)
	d.String(&s.deleteOrder, "sluice.delete.order", "", "When a batch of Aiven's connector deletes: last, after everything it writes,"+
		" as the original does, so that a row that was deleted and written again within a batch is gone; or offset, in the order of"+
		" the records. Confluent's knows only offset. Empty means what the original does.",
		config.Check(config.CaseInsensitiveIn("", "offset", "last")), config.Low, config.Group(groupOwn, 2), config.WidthShort)
}

func (s *sinkSettings) defineWrites(d *config.Def) {
	d.String(&s.insertModeText, "insert.mode", "insert", "insert; upsert, which changes the row with the same key if there is one; or"+
		" update, which changes only rows that are there. Aiven's multi is insert.",
		config.Check(enumerator("insert", "upsert", "update", "multi")),
		config.High, config.Group(groupWrites, 1), config.WidthMedium, config.Display("Insert Mode"))
	d.Int(&s.batchSize, "batch.size", 3000, "Most rows of one statement.", config.Check(config.AtLeast(0)),
		config.Group(groupWrites, 2), config.WidthShort, config.Display("Batch Size"))
	d.Bool(&s.deletes, "delete.enabled", false, "Whether a null value deletes the row with the record's key. Needs pk.mode=record_key.",
		config.Group(groupWrites, 3), config.WidthShort, config.Display("Enable deletes"))
	d.List(&s.tableTypes, "table.types", []string{"TABLE"}, "The types of tables that may be written: TABLE, PARTITIONED TABLE, VIEW.",
		config.Low, config.Group(groupWrites, 4), config.WidthMedium, config.Display("Table Types"))
}

func (s *sinkSettings) defineMapping(d *config.Def) {
	d.String(&s.tableFormat, "table.name.format", "${topic}", "The table's name, in which ${topic} stands for the topic. A dot parts the"+
		" schema or database from the table.", config.Check(config.NonEmpty()),
		config.Group(groupMapping, 1), config.WidthLong, config.Display("Table Name Format"))
	d.String(&s.pkModeText, "pk.mode", "none", "Where the primary key comes from: none; kafka, the topic, partition and offset;"+
		" record_key; or record_value.", config.Check(enumerator("none", "kafka", "record_key", "record_value")),
		config.High, config.Group(groupMapping, 2), config.WidthMedium, config.Display("Primary Key Mode"))
	d.List(&s.pkFields, "pk.fields", nil, "The primary key's fields. kafka: three column names, or none for __connect_topic,"+
		" __connect_partition and __connect_offset. record_key and record_value: some fields, or none for all; one column's name if"+
		" the key is no struct.",
		config.Group(groupMapping, 3), config.WidthLong, config.Display("Primary Key Fields"))
	d.List(&s.whitelist, "fields.whitelist", nil, "The fields of the value to write, besides the primary key. None means all.",
		config.Group(groupMapping, 4), config.WidthLong, config.Display("Fields Whitelist"))
	d.Bool(&s.nullToDefault, "replace.null.with.default", true, "Whether a field that is null is written as its schema's default.",
		config.Low, config.Group(groupMapping, 5), config.WidthShort, config.Display("Replace null with default"))
	d.String(&s.stringColumn, "string.output.value.column.name", "", "The column for values that are strings and no structs.",
		config.Low, config.Group(groupMapping, 6), config.WidthMedium, config.Display("String output value column name"))
	d.String(&s.dateZone, "date.timezone", "DB_TIMEZONE", "The time zone in which a Date's midnight is taken for a day: DB_TIMEZONE, that"+
		" of db.timezone, as ever; or UTC, which never changes the day.",
		config.Check(config.CaseInsensitiveIn("DB_TIMEZONE", "UTC")),
		config.Group(groupMapping, 7), config.WidthMedium, config.Display("DATE Time Zone"))
	d.List(&s.timeFields, "timestamp.fields.list", nil, "Fields of type INT64 or STRING that count from 1970 in the units of"+
		" timestamp.precision.mode, and are written as timestamps.",
		config.Group(groupMapping, 10), config.WidthLong, config.Display("Timestamp Fields List"))
	d.String(&s.timePrecision, "timestamp.precision.mode", "microseconds", "What the fields of timestamp.fields.list count:"+
		" microseconds or nanoseconds.", config.Given(&s.precisionGiven), config.Check(enumerator("microseconds", "nanoseconds")),
		config.Group(groupMapping, 11), config.WidthMedium, config.Display("Timestamp Precision Mode"))
	d.Bool(&s.normalize, "table.name.normalize", false, "Aiven's: whether characters of the topic other than letters, digits and _"+
		" become _ in table names.", config.Low, config.Group(groupMapping, 8), config.WidthShort, config.Display("Table Name Normalize"))
	d.List(&s.tables, "topics.to.tables.mapping", nil, "Aiven's: tables of topics, as topic:table,topic:table.",
		config.Check(config.Func("topic:table,...", checkTables)),
		config.Low, config.Group(groupMapping, 9), config.WidthLong, config.Display("Topics To Tables Mapping"))
}

// enumerator allows words in lower or in upper case, as the original does.
func enumerator(words ...string) config.Validator {
	return config.Func("["+strings.Join(words, ", ")+"]", func(name string, value any) error {
		text, _ := value.(string)
		for _, w := range words {
			if text == w || text == strings.ToUpper(w) {
				return nil
			}
		}
		return config.Invalid(name, value, "Invalid enumerator")
	})
}

func checkTables(name string, value any) error {
	list, _ := value.([]string)
	for _, entry := range list {
		if topic, table, ok := strings.Cut(entry, ":"); !ok || topic == "" || table == "" {
			return config.Invalid(name, value, "Invalid topics to tables mapping")
		}
	}
	return nil
}

// aiven tells whether the connector was called by Aiven's name.
func (s *sinkSettings) aiven() bool { return strings.HasPrefix(s.class, "io.aiven.") }

func (s *sinkSettings) insertMode() insertMode {
	if m := insertMode(strings.ToLower(s.insertModeText)); m != "multi" {
		return m
	}
	return modeInsert
}

func (s *sinkSettings) pkMode() pkMode { return pkMode(strings.ToLower(s.pkModeText)) }

// deletesLast tells whether a batch's deletes come after all it writes.
func (s *sinkSettings) deletesLast() bool {
	return strings.EqualFold(s.deleteOrder, "last") || s.deleteOrder == "" && s.aiven()
}

// zones are the time zones of times and of dates.
func (s *sinkSettings) zones() zones {
	times, err := zone(s.timezone)
	if err != nil {
		times = time.UTC // checked when the settings were parsed
	}
	z := zones{times: times, dates: times, gregorian: s.gregorian()}
	if strings.EqualFold(s.dateZone, "UTC") {
		z.dates = time.UTC
	}
	return z
}

// Validate judges settings that depend on each other.
func (s *sinkSettings) Validate() error {
	errs := []error{s.validateConnection()}
	wrongDelete := s.deletes && s.pkMode() != pkRecordKey
	switch {
	case wrongDelete && s.aiven():
		errs = append(errs, config.Errorf("delete.enabled", "Delete support only works with pk.mode=record_key"))
	case wrongDelete:
		const text = "Deletes are only supported for pk.mode record_key"
		errs = append(errs, config.Errorf("delete.enabled", text), config.Errorf("pk.mode", text))
	}
	if s.pkMode() == pkKafka && len(s.pkFields) != 3 && (s.aiven() || len(s.pkFields) > 0) {
		errs = append(errs, config.Errorf("pk.fields",
			"Primary key fields must be set with three fields (topic, partition, offset) when pkMode is 'kafka'."))
	}
	for _, t := range s.tableTypes {
		switch strings.ToUpper(t) {
		case "TABLE", "PARTITIONED TABLE", "VIEW":
		default:
			errs = append(errs, config.Invalid("table.types", s.tableTypes, "Invalid enumerator"))
		}
	}
	return errors.Join(errs...)
}

// tableOf is the name of a topic's table, as the settings have it.
func (s *sinkSettings) tableOf(topic string) string {
	for _, entry := range s.tables {
		if t, table, _ := strings.Cut(entry, ":"); t == topic {
			return table
		}
	}
	name := strings.ReplaceAll(strings.TrimSpace(s.tableFormat), "${topic}", topic)
	if !s.normalize {
		return name
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, name)
}
