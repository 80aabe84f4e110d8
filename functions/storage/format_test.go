package storage_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// everything is a struct with every type and every logical type, each required and optional.
func everything() *schema.Schema {
	nested := schema.StructOf([]schema.Field{schema.F("a", schema.Of(schema.Int32)), schema.F("b", schema.Of(schema.String, schema.Optional()))}, schema.Named("nested"))
	kinds := []schema.Field{
		schema.F("i8", schema.Of(schema.Int8)), schema.F("i16", schema.Of(schema.Int16)), schema.F("i32", schema.Of(schema.Int32)),
		schema.F("i64", schema.Of(schema.Int64)), schema.F("f32", schema.Of(schema.Float32)), schema.F("f64", schema.Of(schema.Float64)),
		schema.F("ok", schema.Of(schema.Boolean)), schema.F("text", schema.Of(schema.String)), schema.F("raw", schema.Of(schema.Bytes)),
		schema.F("dec", schema.DecimalOf(2)), schema.F("day", schema.DateOf()), schema.F("time", schema.TimeOf()), schema.F("at", schema.TimestampOf()),
		schema.F("list", schema.ArrayOf(schema.Of(schema.Int64))), schema.F("map", schema.MapOf(schema.Of(schema.String), schema.Of(schema.Float64))),
		schema.F("structs", schema.ArrayOf(nested)), schema.F("nested", nested),
	}
	for _, f := range slices.Clip(kinds) {
		kinds = append(kinds, schema.F("o_"+f.Name, f.Schema.With(schema.Optional())))
	}
	return schema.StructOf(kinds, schema.Named("everything"), schema.Versioned(1))
}

// filled is a value of everything; of every second one, what is optional is null.
func filled(s *schema.Schema, i int) *schema.Struct {
	nested := s.Field("nested").Schema
	m := schema.NewMap(1)
	m.Set("k", float64(i)/4)
	inner := func(n int, b any) *schema.Struct { return schema.StructFrom(nested, []any{int32(n), b}) }
	values := []any{
		int8(-i), int16(i), int32(i * 1000), int64(i) << 40, float32(i) / 2, float64(i) / 8, i%2 == 0, fmt.Sprintf("text %d ä", i),
		[]byte{byte(i), 0xff},
		schema.NewDecimal(int64(i)*100+7, 2), time.Date(2024, 2, 28+i, 0, 0, 0, 0, time.UTC), time.UnixMilli(int64(i) * 61_001).UTC(),
		time.UnixMilli(1700000000123 + int64(i)).UTC(),
		[]any{int64(1), int64(i)},
		m,
		[]any{inner(i, "b"), inner(i, nil)},
		inner(i, "n"),
	}
	for _, v := range slices.Clone(values) {
		if inner, ok := v.(*schema.Struct); ok {
			v = schema.StructFrom(s.Field("o_nested").Schema, []any{inner.Raw(0), inner.Raw(1)})
		}
		if i%2 == 1 {
			v = nil
		}
		values = append(values, v)
	}
	return schema.StructFrom(s, values)
}

func typed(n int) []connect.Record {
	s := everything()
	all := make([]connect.Record, n)
	for i := range all {
		all[i] = connect.Record{
			Topic: "t", Kafka: connect.Kafka{Topic: "t", Offset: int64(i)}, Time: time.UnixMilli(1700000000000),
			Value: connect.Datum{Schema: s, Value: filled(s, i)},
		}
	}
	return all
}

// Avro and Parquet with every type and codec, made of pieces of several events and of what is at hand, are read by other
// people's programs.
func TestFormats_AreReadByOthers(t *testing.T) {
	t.Parallel()
	if os.Getenv(storagetest.EnvPython) == "" && os.Getenv("SLUICE_CI") != "1" {
		t.Skipf("%s says no Python with pyarrow and fastavro", storagetest.EnvPython)
	}
	const n = 7
	kinds := map[string]map[string]string{
		"avro": {"format.class": "AvroFormat"}, "avro deflate": {"format.class": "AvroFormat", "avro.codec": "deflate"},
		"avro snappy": {"format.class": "AvroFormat", "avro.codec": "snappy"}, "avro zstandard": {"format.class": "AvroFormat", "avro.codec": "zstandard"},
		"parquet": {"format.class": "ParquetFormat"}, "parquet none": {"format.class": "ParquetFormat", "parquet.codec": "none"},
		"parquet gzip": {"format.class": "ParquetFormat", "parquet.codec": "gzip"}, "parquet zstd": {"format.class": "ParquetFormat", "parquet.codec": "zstd"},
		"parquet brotli": {"format.class": "ParquetFormat", "parquet.codec": "brotli"}, "parquet lz4": {"format.class": "ParquetFormat", "parquet.codec": "lz4"},
	}
	var names []string
	var files [][]byte
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		w := newWorld(t, with(kinds[name], "flush.size", fmt.Sprint(n)), 0)
		all := typed(n)
		for _, cut := range [][2]int{{0, 2}, {2, 3}, {3, n}} {
			if err := w.process(nil).Put(t.Context(), all[cut[0]:cut[1]]); err != nil {
				t.Fatal(name, err)
			}
		}
		for _, data := range w.store.Files() {
			names, files = append(names, name), append(files, data)
		}
	}
	if len(files) != len(kinds) {
		t.Fatalf("files of %q", names)
	}
	contents, ok, err := storagetest.ReadBack(t.Context(), files...)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for f, content := range contents {
		got, _ := content["rows"].([]any)
		if len(got) != n {
			t.Fatalf("%s: %d rows", names[f], len(got))
		}
		for i := range got {
			if diff := cmp.Diff(asOthersSee(i, strings.HasPrefix(names[f], "parquet")), got[i]); diff != "" {
				t.Errorf("%s: row %d (-want +got):\n%s", names[f], i, diff)
			}
		}
	}
}

func with(s map[string]string, extra ...string) map[string]string {
	s = maps.Clone(s)
	for i := 0; i+1 < len(extra); i += 2 {
		s[extra[i]] = extra[i+1]
	}
	return s
}

// asOthersSee is a row as Python's json writes it, with str for what it does not know.
func asOthersSee(i int, parquet bool) map[string]any {
	at := time.UnixMilli(1700000000123 + int64(i)).UTC()
	last := fmt.Sprintf("\\x%02x", i)
	if i == 0 {
		last = "\\x00"
	}
	clock := time.UnixMilli(int64(i) * 61_001).UTC()
	clockText := clock.Format("15:04:05")
	if clock.Nanosecond() > 0 {
		clockText = clock.Format("15:04:05.000000")
	}
	nested := func(n int, b any) map[string]any { return map[string]any{"a": float64(n), "b": b} }
	row := map[string]any{
		"i8": float64(-i), "i16": float64(i), "i32": float64(i * 1000), "i64": float64(int64(i) << 40), "f32": float64(i) / 2, "f64": float64(i) / 8,
		"ok": i%2 == 0, "text": fmt.Sprintf("text %d ä", i), "raw": "b'" + last + "\\xff'", "dec": fmt.Sprintf("%d.07", i),
		"day": time.Date(2024, 2, 28+i, 0, 0, 0, 0, time.UTC).Format("2006-01-02"), "time": clockText,
		"at": at.Format("2006-01-02 15:04:05.000000") + "+00:00", "list": []any{float64(1), float64(i)}, "map": map[string]any{"k": float64(i) / 4},
		"structs": []any{nested(i, "b"), nested(i, nil)}, "nested": nested(i, "n"),
	}
	if parquet { // pyarrow makes pairs of a map
		row["map"] = []any{[]any{"k", float64(i) / 4}}
	}
	for name, v := range maps.Clone(row) {
		if i%2 == 1 {
			v = nil
		}
		row["o_"+name] = v
	}
	return row
}

func TestCodec_ReadsWhatItWrote(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"none", "gzip", "snappy", "zstd"} {
		c := storage.Codec{Name: name}
		var all []byte
		var want strings.Builder
		for i := range 5 {
			text := strings.Repeat(fmt.Sprintf("stretch %d ", i), 10_000*i)
			want.WriteString(text)
			var err error
			if all, err = c.Append(all, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		r, err := (&storage.Codec{Name: name}).Reader(bytes.NewReader(all))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || string(got) != want.String() {
			t.Errorf("%s: %d bytes of %d, %v", name, len(got), want.Len(), err)
		}
	}
}

func FuzzCodec_Reader(f *testing.F) {
	for _, name := range []string{"gzip", "snappy", "zstd"} {
		c := storage.Codec{Name: name}
		text, err := c.Append(nil, []byte("some text some text"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, text)
	}
	f.Fuzz(func(_ *testing.T, name string, data []byte) {
		if r, err := (&storage.Codec{Name: name}).Reader(bytes.NewReader(data)); err == nil {
			_, _ = io.CopyN(io.Discard, r, 1<<20) // whatever it is, it ends
			_ = r.Close()
		}
	})
}

// Records that no file can take are reported each time their event comes, and the others are not written twice.
func TestSink_RefusesRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings("flush.size", "4"), 10)
	w.records[2].Value = connect.Datum{}                         // a tombstone
	w.records[5].Value.Value = "no struct has no field to go by" // and this has another schema
	w.records[5].Value.Schema = schema.Of(schema.String)         //
	for range 2 {
		err := w.process(nil).Put(t.Context(), slices.Clone(w.records))
		bad, ok := errors.AsType[*connect.BatchError](err)
		if !ok || len(bad.Failed) != 2 || bad.Failed[2] == nil || bad.Failed[5] == nil {
			t.Fatalf("%v", err)
		}
	}
	w.records[5] = record(5, "p1") // repaired
	if err := w.process(nil).Put(t.Context(), slices.Clone(w.records[3:])); err != nil {
		t.Fatal(err)
	}
	w.finish()
	var all []int64
	for name, data := range w.store.Files() {
		all = append(all, w.decode(name, data)...)
	}
	slices.Sort(all)
	if diff := cmp.Diff([]int64{0, 1, 3, 4, 5, 6, 7, 8, 9}, all); diff != "" {
		t.Error(diff)
	}
}

// Files that are open when settings change are completed as they were begun.
func TestSink_SettingsChangeUnderOpenFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings("flush.size", "100"), 20)
	if err := w.process(nil).Put(t.Context(), slices.Clone(w.records[:10])); err != nil {
		t.Fatal(err)
	}
	w.settings = settings("flush.size", "10", "partitioner.class", "DefaultPartitioner", "topics.dir", "other")
	if err := w.process(nil).Put(t.Context(), slices.Clone(w.records[10:])); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"other/t/partition=0/t+0+0000000010.json", "topics/t/p=p0/t+0+0000000000.json", "topics/t/p=p1/t+0+0000000001.json", "topics/t/p=p2/t+0+0000000002.json",
	}
	if diff := cmp.Diff(want, w.store.Names()); diff != "" {
		t.Error(diff)
	}
	w.whole()
}

func TestSink_KeysAndHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings("flush.size", "2", "partitioner.class", "DefaultPartitioner", "store.kafka.keys", "true", "store.kafka.headers", "true",
		"behavior.on.null.values", "write"), 4)
	w.records[0].Headers = []connect.Header{{Key: "h", Value: connect.Datum{Schema: schema.Of(schema.String), Value: "v"}}}
	w.records[3].Value = connect.Datum{}
	w.decode = func(string, []byte) []int64 { return nil }
	if err := w.process(nil).Put(t.Context(), slices.Clone(w.records)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"topics/t/partition=0/t+0+0000000000.keys.json":    "\"k0\"\n\"k1\"\n",
		"topics/t/partition=0/t+0+0000000000.headers.json": "[{\"key\":\"h\",\"value\":\"v\"}]\n[]\n",
		"topics/t/tombstone/t+0+0000000003.keys.json":      "\"k3\"\n",
	}
	for name, text := range want {
		if got := w.store.Text(name); got != text {
			t.Errorf("%s: %q, want %q; files %q", name, got, text, w.store.Names())
		}
	}
	if got := w.store.Names(); slices.Contains(got, "topics/t/tombstone/t+0+0000000003.json") {
		t.Errorf("a file of values that are none: %q", got)
	}
}

// A new version of the schema completes files or is projected onto theirs, as schema.compatibility says.
func TestSink_SchemaCompatibility(t *testing.T) {
	t.Parallel()
	v2 := schema.StructOf([]schema.Field{
		schema.F("id", schema.Of(schema.Int64)), schema.F("p", schema.Of(schema.String)), schema.F("pad", schema.Of(schema.String, schema.Default(""))), schema.F("more", schema.Of(schema.String, schema.Default("d"))),
	}, schema.Named("rec"), schema.Versioned(2))
	for mode, want := range map[string][]string{
		"NONE": {"0", "1", "2", "3"}, "BACKWARD": {"0", "1"}, "FORWARD": {"0"}, "FULL": {"0", "1"},
	} {
		w := newWorld(t, settings("partitioner.class", "DefaultPartitioner", "flush.size", "100", "schema.compatibility", mode), 4)
		for _, i := range []int{1, 3} { // versions 1, 2, 1, 2
			w.records[i].Value = connect.Datum{Schema: v2, Value: schema.StructFrom(v2, []any{int64(i), "p0", "", "x"})}
		}
		if err := w.process(nil).Put(context.Background(), slices.Clone(w.records)); err != nil {
			t.Fatal(mode, err)
		}
		w.finish()
		var names []string
		for _, start := range want {
			names = append(names, "topics/t/partition=0/t+0+000000000"+start+".json")
		}
		if diff := cmp.Diff(names, w.store.Names()); diff != "" {
			t.Errorf("%s: %s", mode, diff)
		}
	}
}
