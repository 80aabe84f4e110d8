package transform_test

import (
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

func TestTimestampConverter_ReadsWhatCalendarsNeedSeldom(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ format, text, want string }{
		"second Tuesday of a month":    {"E F MMM yyyy", "Tue 2 Nov 2023", "2023-11-14T00:00:00Z"},
		"last Tuesday of a month":      {"E F MMM yyyy", "Tue -1 Nov 2023", "2023-11-28T00:00:00Z"},
		"weekday of a week of a month": {"E W MMM yyyy", "Tue 3 Nov 2023", "2023-11-14T00:00:00Z"},
		"exponent":                     {"yyyy", "2E3", "2000-01-01T00:00:00Z"},
		"week year with odd weekday":   {"YYYY ww u", "2024 09 8", "2024-03-04T00:00:00Z"},
		"zone":                         {"yyyy-MM-dd HH:mm z", "2024-02-29 12:34 PST", "2024-02-29T20:34:00Z"},
		"before the reform":            {"yyyy-MM-dd", "1582-10-04", "1582-10-14T00:00:00Z"},
		"before Christ":                {"yyyy G", "1 BC", "-0001-12-30T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := connect.Record{Value: connect.Datum{Value: c.text}}
			apply(t, &r, "TimestampConverter$Value", "target.type=Timestamp", "format="+c.format)
			at, ok := r.Value.Value.(time.Time)
			if got := at.UTC().Format(time.RFC3339); !ok || got != c.want {
				t.Errorf("%q is %s, want %s", c.text, got, c.want)
			}
		})
	}
}

func TestTimestampConverter_WritesTheZoneThatItRead(t *testing.T) {
	t.Parallel()
	for format, text := range map[string]string{
		"yyyy-MM-dd HH:mm z":  "2024-02-29 12:34 PST",
		"HH:mm zzzz":          "12:34 Pacific Standard Time",
		"HH:mm z XXX":         "12:34 PST -08:00",
		"HH:mm z Z":           "12:34 PST -0800",
		"yyyy-MM-dd HH:mm zz": "2024-02-29 12:34 UTC",
	} {
		r := connect.Record{Value: connect.Datum{Value: text}}
		apply(t, &r, "TimestampConverter$Value", "target.type=string", "format="+format)
		if got := r.Value.Value; got != text {
			t.Errorf("%s: %q became %q", format, text, got)
		}
	}
}

func TestTimestampRouter_ShowsARecordWithoutATimestamp(t *testing.T) {
	t.Parallel()
	s := schema.Of(schema.String)
	r := connect.Record{
		Topic: "t", Partition: connect.AnyPartition, Value: connect.Datum{Schema: s, Value: "v"},
		Headers: []connect.Header{{Key: "h", Value: connect.Datum{Schema: s, Value: "x"}}},
	}
	_, err := made(t, "TimestampRouter").Apply(&r)
	want := "Timestamp missing on record: SourceRecord{sourcePartition=null, sourceOffset=null} ConnectRecord{topic='t', " +
		"kafkaPartition=null, key=null, keySchema=null, value=v, valueSchema=Schema{STRING}, timestamp=null, " +
		"headers=ConnectHeaders(headers=[ConnectHeader(key=h, value=x, schema=Schema{STRING})])}"
	if err == nil || err.Error() != want {
		t.Errorf("\n got: %v\nwant: %s", err, want)
	}
}
