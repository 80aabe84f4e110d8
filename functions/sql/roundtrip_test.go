package sql_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/sql"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert"
)

// typed is a column of the table that goes round: its type, and literals of values. What Connect cannot carry is not among
// them: parts of a second below milliseconds, the offset of a time of day, and JsonConverter makes 0 of NaN.
type typed struct {
	typ    string
	values []string
}

func mysqlColumns() []typed {
	text := []string{"''", "'x'", "'héllo ☃ 😀'", `'a\'b"c\\d\n\t'`}
	return []typed{
		{"bit(1)", []string{"b'0'", "b'1'"}},
		{"bit(8)", []string{"b'0'", "b'1'", "b'10101010'", "b'11111111'"}},
		{"bit(5)", []string{"b'0'", "b'11111'"}},
		{"bit(64)", []string{"b'0'", "0xffffffffffffffff"}},
		{"tinyint", []string{"-128", "0", "127"}},
		{"tinyint unsigned", []string{"0", "255"}},
		{"boolean", []string{"true", "false"}},
		{"smallint", []string{"-32768", "32767"}},
		{"smallint unsigned", []string{"0", "65535"}},
		{"mediumint", []string{"-8388608", "8388607"}},
		{"mediumint unsigned", []string{"0", "16777215"}},
		{"int", []string{"-2147483648", "2147483647"}},
		{"int unsigned", []string{"0", "4294967295"}},
		{"bigint", []string{"-9223372036854775808", "9223372036854775807"}},
		{"bigint unsigned", []string{"0", "18446744073709551615"}},
		{"decimal(10,2)", []string{"0", "-99999999.99", "0.01"}},
		{"decimal(5,0)", []string{"99999", "-1"}},
		{"decimal(65,30)", []string{"99999999999999999999999999999999999.999999999999999999999999999999", "-0.000000000000000000000000000001"}},
		{"float", []string{"0", "-0.1", "3.402823e38", "1.17549435e-38", "16777216"}},
		{"double", []string{"0", "-0.1", "1.7976931348623157e308", "2.2250738585072014e-308", "9007199254740993"}},
		{"char(5)", []string{"''", "'ab'"}},
		{"varchar(50)", text},
		{"tinytext", text},
		{"text", text},
		{"longtext", text},
		{"binary(4)", []string{"x'00000000'", "x'01ff0304'"}},
		{"varbinary(16)", []string{"x''", "x'00ff'"}},
		{"blob", []string{"x''", "x'00ff5c270a'"}},
		{"longblob", []string{"x'ab'"}},
		{"enum('red','green')", []string{"'red'", "'green'"}},
		{"set('a','b','c')", []string{"''", "'a,c'"}},
		{"json", []string{"'[]'", `'{"k": [1, 2.5, null], "a": "b"}'`}},
		{"date", []string{"'1000-01-01'", "'1582-10-04'", "'1582-10-15'", "'9999-12-31'", "'2024-02-29'"}},
		{"time", []string{"'00:00:00'", "'-838:59:59'", "'838:59:59'"}},
		{"time(3)", []string{"'12:34:56.789'", "'-00:00:00.001'"}},
		{"datetime", []string{"'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'"}},
		{"datetime(3)", []string{"'1969-12-31 23:59:59.999'", "'2024-02-29 12:00:00.001'"}},
		{"timestamp null", []string{"'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"}},
		{"timestamp(6) null", []string{"'2024-02-29 23:59:58.654000'"}},
		{"year", []string{"1901", "2155"}},
	}
}

func postgresColumns() []typed {
	text := []string{"''", "'x'", "'héllo ☃ 😀'", `E'a''b"c\\d\n\r\t\\N'`}
	return []typed{
		{"boolean", []string{"true", "false"}},
		{"smallint", []string{"-32768", "32767"}},
		{"int", []string{"-2147483648", "2147483647"}},
		{"bigint", []string{"-9223372036854775808", "9223372036854775807"}},
		{"real", []string{"0", "-0.1", "3.4028235e38", "1e-45"}},
		{"double precision", []string{"0", "-0.1", "1.7976931348623157e308", "5e-324"}},
		{"numeric(10,2)", []string{"0", "-99999999.99"}},
		{"numeric(5,0)", []string{"99999"}},
		{"numeric", []string{"0", "123456789012345678901234567890.123456789", "1e-30", "'NaN'"}},
		{"money", []string{"0", "-12.34", "1234567.89"}},
		{"char(5)", []string{"''", "'ab'"}},
		{"varchar(50)", text},
		{"text", text},
		{"name", []string{"'nm'"}},
		{"bytea", []string{"''", `'\x00ff5c270a'`}},
		{"bit(1)", []string{"b'0'", "b'1'"}},
		{"bit(8)", []string{"b'10101010'"}},
		{"bit varying(9)", []string{"b''", "b'101'"}},
		{"date", []string{"'0001-01-01'", "'4713-01-01 BC'", "'1582-10-04'", "'1582-10-15'", "'5874897-12-31'", "'2024-02-29'"}},
		{"time", []string{"'00:00:00'", "'23:59:59.999'"}},
		{"timetz", []string{"'23:59:59.999+00'"}},
		{"timestamp", []string{"'0001-01-01 00:00:00'", "'4713-01-02 BC'", "'1582-10-04 01:02:03'", "'2024-02-29 23:59:58.123'", "'infinity'", "'-infinity'", "'294276-12-31 23:59:59.999'"}},
		{"timestamptz", []string{"'0001-01-02 00:00:00+00'", "'1582-10-04 01:02:03+00'", "'2024-02-29 23:59:58.123+02'", "'infinity'"}},
		{"interval", []string{"'0'", "'1 year 2 mons -3 days 04:05:06.7'"}},
		{"uuid", []string{"'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"}},
		{"json", []string{"'[]'", `'{"k": [1, 2.50, null], "a" : "b"}'`}},
		{"jsonb", []string{`'{"k": [1, 2.50, null], "a" : "b"}'`}},
		{"inet", []string{"'192.168.0.1/24'", "'::1'"}},
		{"cidr", []string{"'10.0.0.0/8'"}},
		{"macaddr", []string{"'08:00:2b:01:02:03'"}},
		{`"Colour"`, []string{"'red'", "'a, \"b\"'"}},
		{"posint", []string{"1"}},
		{"int[]", []string{"'{}'", "'{1,NULL,-3}'"}},
		{"text[]", []string{`'{"a","b c",NULL,"NULL","q\"\\"}'`}},
		{"numeric(6,2)[]", []string{"'{1.50,NULL}'"}},
		{"bytea[]", []string{`'{"\\x00ff","\\x"}'`}},
		{"boolean[]", []string{"'{t,f}'"}},
		{"date[]", []string{"'{2024-02-29}'"}},
		{"timestamp[]", []string{`'{"2024-02-29 23:59:58.123"}'`}},
		{"float8[]", []string{"'{0.1,NULL}'"}},
		{"point", []string{"'(1,2)'"}},
		{"oid", []string{"0", "4294967295"}},
		{"tsvector", []string{"'fat cat'"}},
		{"int4range", []string{"'[1,5)'", "'empty'"}},
	}
}

func sqliteColumns() []typed {
	return []typed{
		{"integer", []string{"-9223372036854775808", "9223372036854775807"}},
		{"bigint", []string{"0"}},
		{"smallint", []string{"-32768"}},
		{"tinyint", []string{"-128", "127"}},
		{"boolean", []string{"0", "1"}},
		{"real", []string{"0", "-0.1", "1.7976931348623157e308"}},
		{"text", []string{"''", "'héllo ☃ 😀'"}},
		{"varchar(10)", []string{"'x'"}},
		{"blob", []string{"x''", "x'00ff'"}},
		{"timestamp", []string{"1709251198123", "0", "-1"}},
		{"date", []string{"1709164800000"}},
	}
}

// Whatever is read from a table, put through JsonConverter with schemas and written to a table like it is there again, byte
// for byte: every type, its extremes, and NULLs.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		columns := map[string][]typed{"sqlite": sqliteColumns(), "postgresql": postgresColumns()}[s.system]
		if columns == nil {
			columns = mysqlColumns()
		}
		if s.system == "postgresql" {
			s.exec(t, `create type "Colour" as enum ('red', 'a, "b"')`, "create domain posint as int check (value > 0)")
		}
		var specs, names []string
		for i, c := range columns {
			names = append(names, fmt.Sprintf("c%d", i))
			specs = append(specs, names[i]+" "+c.typ)
		}
		for _, table := range []string{"from_here", "to_here"} {
			s.exec(t, "create table "+table+" (id int not null primary key, "+strings.Join(specs, ", ")+")")
		}
		rng := rand.New(rand.NewPCG(6, 7)) //nolint:gosec // the same values each time
		for id := range 30 {
			values := make([]string, len(columns))
			for i, c := range columns {
				values[i] = "NULL"
				if id < len(c.values) {
					values[i] = c.values[id] // each at least once
				} else if rng.IntN(4) > 0 {
					values[i] = c.values[rng.IntN(len(c.values))]
				}
			}
			s.exec(t, fmt.Sprintf("insert into from_here (id, %s) values (%d, %s)", strings.Join(names, ", "), id, strings.Join(values, ", ")))
		}
		records := carried(t, s.poll(t, "from_here"))
		put(t, s.openSink(t, false, "table.name.format", "to_here"), records...)
		for i, c := range columns {
			query := fmt.Sprintf("select id, %s from ", s.exactly(names[i]))
			if diff := cmp.Diff(s.content(t, query+"from_here"), s.content(t, query+"to_here")); diff != "" {
				t.Errorf("%s (-read +written):\n%s", c.typ, diff)
			}
		}
	})
}

// exactly is an expression that shows a column's value as it is.
func (s *server) exactly(column string) string {
	switch s.system {
	case "postgresql":
		return "cast(" + column + " as text)"
	case "sqlite":
		return "typeof(" + column + ") || quote(" + column + ")"
	}
	return "hex(" + column + "), cast(" + column + " as char)"
}

// nowhere is a connect.OffsetReader without offsets.
type nowhere struct{}

func (nowhere) Offsets(context.Context, ...connect.Partition) (connect.Offsets, error) {
	return nil, nil
}

// poll reads a table by the source.
func (s *server) poll(t *testing.T, table string) []connect.Record {
	t.Helper()
	all := maps.Clone(s.settings)
	maps.Copy(all, map[string]string{
		"mode": "bulk", "table.whitelist": table, "topic.prefix": "", "sluice.types": "extended", "name": "c",
		"connector.class": sql.Source.Class, "batch.max.rows": "7", "poll.linger.ms": "0",
	})
	if name := s.name(); name != nil {
		all["catalog.pattern"] = *name
	}
	parsed := func(settings map[string]string) connect.SourceTask {
		task := sql.Source.New()
		if err := config.Parse(settings, task); err != nil {
			t.Fatal(err)
		}
		return task
	}
	tasks, err := parsed(all).(connect.Planner).Plan(t.Context(), all, 1)
	if err != nil || len(tasks) != 1 {
		t.Fatalf("planning: %v, %v", tasks, err)
	}
	task := parsed(tasks[0])
	if err := task.Open(t.Context(), connect.Assignment{Connector: "c", Of: 1, Offsets: nowhere{}, Log: quiet{}}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := task.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	var records []connect.Record
	for {
		some, err := task.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(some) == 0 {
			return records
		}
		records = append(records, some...)
	}
}

// carried puts values through the bytes of a topic.
func carried(t *testing.T, records []connect.Record) []connect.Record {
	t.Helper()
	for _, p := range convert.Converters() {
		if p.Class != "org.apache.kafka.connect.json.JsonConverter" {
			continue
		}
		c := p.New()
		if err := config.Parse(map[string]string{"converter.type": "value"}, c); err != nil {
			t.Fatal(err)
		}
		out := make([]connect.Record, len(records))
		for i, r := range records {
			b, err := c.Encode(t.Context(), "t", r.Value)
			if err != nil {
				t.Fatal(err)
			}
			out[i] = connect.Record{Topic: "t", Kafka: connect.Kafka{Topic: "t", Offset: int64(i)}}
			if out[i].Value, err = c.Decode(t.Context(), "t", b); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	t.Fatal("there is no JsonConverter")
	return nil
}
