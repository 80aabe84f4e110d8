package sql_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// counting are records whose fields at and text count from 1970.
func counting(at, text any) connect.Record {
	v := schema.StructOf([]schema.Field{
		schema.F("id", schema.Of(schema.Int32)), schema.F("at", schema.Of(schema.Int64, schema.Optional())),
		schema.F("text", schema.Of(schema.String, schema.Optional())), schema.F("other", schema.Of(schema.Int64, schema.Default(int64(7)))),
		schema.F("begun", schema.Of(schema.Int64, schema.Default(int64(86400_000_000)))),
	})
	return connect.Record{
		Topic: "t", Kafka: connect.Kafka{Topic: "t"},
		Value: connect.Datum{Schema: v, Value: schema.StructFrom(v, []any{int32(1), at, text, nil, nil})},
	}
}

func TestSink_WritesCountsAsTimestamps(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		const list = "text, at,begun,not_there"
		micros := s.openSink(t, false, "auto.create", "true", "timestamp.fields.list", list)
		put(t, micros, counting(int64(1_700_000_000_123_456), "1700000000123456"), counting(int64(-1), "-1000001"), counting(nil, nil))
		nanos := s.openSink(t, false, "auto.create", "true", "timestamp.fields.list", list, "timestamp.precision.mode", "nanoseconds",
			"table.name.format", "fine", "db.timezone", "Europe/Berlin")
		put(t, nanos, counting(int64(1_700_000_000_123_456_789), "253402214400000000000"))
		if s.system == "sqlite" { // milliseconds, as JDBC's driver stores them
			s.want(t, "select at, text, begun, other from t", "-1|-1001|86400000|7", "1700000000123|1700000000123|86400000|7", "NULL|NULL|86400000|7")
			s.want(t, "select at, text from fine", "1700000000123|253402214400000")
			return
		}
		form := map[string]string{"postgresql": "to_char(%, 'YYYY-MM-DD HH24:MI:SS.US')"}[s.system]
		if form == "" {
			form = "date_format(%, '%Y-%m-%d %H:%i:%s.%f')"
		}
		shown := func(column string) string { return strings.Replace(form, "%", column, 1) }
		s.want(t, "select "+shown("at")+", "+shown("text")+", "+shown("begun")+", other from t",
			"1969-12-31 23:59:59.999999|1969-12-31 23:59:58.999999|1970-01-02 00:00:00.000000|7",
			"2023-11-14 22:13:20.123456|2023-11-14 22:13:20.123456|1970-01-02 00:00:00.000000|7", "NULL|NULL|1970-01-02 00:00:00.000000|7")
		s.want(t, "select "+shown("at")+", "+shown("text")+" from fine", "2023-11-14 23:13:20.123457|9999-12-31 01:00:00.000000")
	})
}

func TestSink_RefusesCountsThatAreNone(t *testing.T) {
	t.Parallel()
	s := fresh(t, "sqlite")
	task := s.openSink(t, true, "auto.create", "true", "timestamp.fields.list", "text")
	err := task.Put(t.Context(), []connect.Record{counting(nil, "1"), counting(nil, "noon"), counting(nil, strings.Repeat("9", 40))})
	batch, ok := errors.AsType[*connect.BatchError](err)
	if !ok || len(batch.Failed) != 2 || batch.Failed[1] == nil || batch.Failed[2] == nil {
		t.Fatalf("Put: %v", err)
	}
	s.want(t, "select id, text from t", "1|0")
}

// Settings about fields mean nothing where values are text.
func TestSink_RefusesSettingsOfFieldsForText(t *testing.T) {
	t.Parallel()
	s := fresh(t, "sqlite")
	for settings, names := range map[string]string{
		"fields.whitelist=a": "[fields.whitelist]",
		"timestamp.fields.list=a|timestamp.precision.mode=microseconds":             "[timestamp.fields.list, timestamp.precision.mode]",
		"timestamp.precision.mode=NANOSECONDS|string.output.value.column.name=else": "[timestamp.precision.mode]",
	} {
		all := []string{"auto.create", "true", "string.output.value.column.name", "text"}
		for pair := range strings.SplitSeq(settings, "|") {
			name, value, _ := strings.Cut(pair, "=")
			all = append(all, name, value)
		}
		r := row(0, 1, "a", int64(1))
		r.Value = connect.Datum{Schema: schema.Of(schema.String), Value: "text"}
		err := s.openSink(t, false, all...).Put(t.Context(), []connect.Record{r})
		if err == nil || !strings.Contains(err.Error(), names+", which are not applicable to String values") {
			t.Errorf("%s: %v", settings, err)
		}
	}
}

// A day before the reform of 1582 is another instant in Java's older calendar, and the same day in the database.
func TestSink_DaysOfBothCalendars(t *testing.T) {
	t.Parallel()
	days := schema.StructOf([]schema.Field{
		schema.F("day", schema.DateOf()), schema.F("at", schema.TimestampOf()), schema.F("late", schema.DateOf()),
	})
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		s.exec(t, "create table t (day date, at "+map[bool]string{true: "timestamp(3)", false: "datetime(3)"}[s.system == "postgresql"]+", late date)")
		record := func(day time.Time) connect.Record {
			v := schema.StructFrom(days, []any{day, day.Add(12 * time.Hour), time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)})
			return connect.Record{Topic: "t", Kafka: connect.Kafka{Topic: "t"}, Value: connect.Datum{Schema: days, Value: v}}
		}
		put(t, s.openSink(t, false), record(time.Date(1500, 1, 10, 0, 0, 0, 0, time.UTC)))
		put(t, s.openSink(t, false, "date.calendar.system", "PROLEPTIC_GREGORIAN"), record(time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC)))
		if got := s.content(t, "select distinct day, at, late from t"); len(got) != 1 || s.system != "sqlite" && !strings.HasPrefix(got[0], "1500-01-01") {
			t.Errorf("the days are %v", got)
		}
		for system, want := range map[string]time.Time{
			"LEGACY": time.Date(1500, 1, 10, 0, 0, 0, 0, time.UTC), "PROLEPTIC_GREGORIAN": time.Date(1500, 1, 1, 0, 0, 0, 0, time.UTC),
		} {
			s.reads(t, map[string]string{"mode": "bulk", "table.whitelist": "t", "poll.interval.ms": "3600000", "date.calendar.system": system}).tick(func(records []connect.Record) {
				for _, r := range records {
					v := r.Value.Value.(*schema.Struct)
					if !v.At(0).(time.Time).Equal(want) || !v.At(1).(time.Time).Equal(want.Add(12*time.Hour)) ||
						!v.At(2).(time.Time).Equal(time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)) {
						t.Errorf("%s: %v, want %v", system, v, want)
					}
				}
			})
		}
	})
}
