package storage_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// What a sink wrote the source reads, in every format and compression, from pieces of several events, resumed after every
// poll.
func TestRoundTrip_Confluent(t *testing.T) {
	t.Parallel()
	const n = 30
	for name, s := range map[string]map[string]string{
		"json": {"format.class": "JsonFormat"}, "json gzip": {"format.class": "JsonFormat", "test.codec": "gzip"},
		"avro": {"format.class": "AvroFormat"}, "avro deflate": {"format.class": "AvroFormat", "avro.codec": "deflate"},
		"avro snappy": {"format.class": "AvroFormat", "avro.codec": "snappy"}, "avro zstandard": {"format.class": "AvroFormat", "avro.codec": "zstandard"},
		"parquet": {"format.class": "ParquetFormat"}, "parquet none": {"format.class": "ParquetFormat", "parquet.codec": "none"},
		"parquet gzip": {"format.class": "ParquetFormat", "parquet.codec": "gzip"}, "parquet zstd": {"format.class": "ParquetFormat", "parquet.codec": "zstd"},
		"parquet brotli": {"format.class": "ParquetFormat", "parquet.codec": "brotli"}, "parquet lz4": {"format.class": "ParquetFormat", "parquet.codec": "lz4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, with(s, "flush.size", fmt.Sprint(n)), 0)
			all := typed(n)
			for begin := 0; begin < n; begin += 7 {
				if err := w.process(nil).Put(t.Context(), slices.Clone(all[begin:min(n, begin+7)])); err != nil {
					t.Fatal(err)
				}
			}
			r := newReader(t, "format.class", s["format.class"])
			r.shelf.PutAll(w.store.Files())
			i := 0
			for range n {
				task := r.source(0)
				for _, got := range r.poll(task) {
					compare(t, s["format.class"] == "JsonFormat", all[i].Value, got.Value)
					i++
				}
				if err := task.Close(); err != nil {
					t.Error(err)
				}
			}
			if i != n {
				t.Errorf("%d records of %d", i, n)
			}
		})
	}
}

// compare compares a value with what was read again. JSON has no schema, so that there its text counts.
func compare(t *testing.T, loose bool, want, got connect.Datum) {
	t.Helper()
	if loose {
		fields, ok := got.Value.(*schema.Map)
		if !ok {
			t.Fatalf("%T", got.Value)
		}
		s := want.Value.(*schema.Struct)
		for i, f := range s.Schema().Fields {
			if f.Name == "i64" {
				if v, _ := fields.Get("i64"); v != s.Raw(i) {
					t.Errorf("i64 is %v, want %v", v, s.Raw(i))
				}
			}
		}
		return
	}
	if !got.Schema.Equal(want.Schema) {
		t.Errorf("the schema is %v, want %v", got.Schema, want.Schema)
	}
	if diff := cmp.Diff(schema.Text(want.Value), schema.Text(got.Value)); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
}

// Formats of texts and bytes.
func TestRoundTrip_Texts(t *testing.T) {
	t.Parallel()
	for _, class := range []string{"ByteArrayFormat", "StringFormat"} {
		w := newWorld(t, map[string]string{"format.class": class, "flush.size": "3"}, 0)
		var all []connect.Record
		for i := range 3 {
			var v any = fmt.Sprint("value ", i)
			if class == "ByteArrayFormat" {
				v = []byte(fmt.Sprint("value ", i))
			}
			all = append(all, connect.Record{Topic: "t", Kafka: connect.Kafka{Topic: "t", Offset: int64(i)}, Value: connect.Datum{Value: v}})
		}
		if err := w.process(nil).Put(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		r := newReader(t, "format.class", class)
		r.shelf.PutAll(w.store.Files())
		r.want(r.read(), "value 0", "value 1", "value 2")
	}
}

// What Aiven's sink wrote Aiven's source reads.
func TestRoundTrip_Aiven(t *testing.T) {
	t.Parallel()
	for _, output := range []string{"jsonl", "json", "csv", "avro", "parquet"} {
		for _, codec := range []string{"none", "gzip", "snappy", "zstd"} {
			if output == "avro" && codec != "none" {
				continue
			}
			t.Run(output+" "+codec, func(t *testing.T) {
				t.Parallel()
				settings := map[string]string{"format.output.type": output, "file.compression.type": codec, "format.output.fields": "key,value,offset,timestamp,headers"}
				read := aivenTrip(t, settings)
				if output != "csv" {
					for i, r := range read {
						if string(r.Key.Value.([]byte)) != "topics/t-0-0" && len(r.Key.Value.([]byte)) == 0 {
							t.Errorf("the key is %s", r.Key.Value)
						}
						if want := fmt.Sprint("v", i); !containsText(r.Value.Value, want) {
							t.Errorf("the value is %s, which has no %s", schema.Text(r.Value.Value), want)
						}
					}
					return
				}
				for i, r := range read {
					if string(r.Key.Value.([]byte)) != fmt.Sprint("k", i) || string(r.Value.Value.([]byte)) != fmt.Sprint("v", i) ||
						!r.Time.Equal(time.UnixMilli(1700000000123)) || len(r.Headers) != 1 || r.Headers[0].Key != "h" || string(r.Headers[0].Value.Value.([]byte)) != "x" {
						t.Errorf("record %d: %v", i, r)
					}
				}
			})
		}
	}
}

func containsText(v any, want string) bool {
	switch v := v.(type) {
	case *schema.Map:
		got, _ := v.Get("value")
		return schema.Text(got) == want || containsText(got, want)
	case *schema.Struct:
		got, _ := v.Get("value")
		b, ok := got.([]byte)
		return ok && string(b) == want || schema.Text(got) == want
	}
	return schema.Text(v) == want
}

func aivenTrip(t *testing.T, settings map[string]string) []connect.Record {
	t.Helper()
	const n = 40
	a := &storage.Aiven{Folder: "topics/", AvroCodec: "null"}
	if err := config.Parse(settings, a); err != nil {
		t.Fatal(err)
	}
	shape, err := a.Shape()
	if err != nil {
		t.Fatal(err)
	}
	var store storagetest.Store
	sink := &storage.Sink{
		Connector: "c", Store: &storagetest.Client{Store: &store}, State: &storagetest.StateClient{State: &storagetest.State{}},
		Log: quiet{}, Shape: shape, Staging: ".staging/c/",
	}
	var value any
	var all []connect.Record
	for i := range n {
		s := schema.Of(schema.String)
		value = fmt.Sprint("v", i)
		if settings["format.output.type"] == "csv" {
			s, value = schema.Of(schema.Bytes), []byte(fmt.Sprint("v", i))
		}
		all = append(all, connect.Record{
			Topic: "t", Kafka: connect.Kafka{Topic: "t", Offset: int64(i)}, Time: time.UnixMilli(1700000000123),
			Key: connect.Datum{Schema: schema.Of(schema.String), Value: fmt.Sprint("k", i)}, Value: connect.Datum{Schema: s, Value: value},
			Headers: []connect.Header{{Key: "h", Value: connect.Datum{Schema: schema.Of(schema.String), Value: "x"}}},
		})
	}
	if err := sink.Put(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	source := map[string]string{"connector.class": "aiven", "file.name.template": "{{topic}}-{{partition}}-{{start_offset}}", "input.format": settings["format.output.type"], "max.poll.records": "9"}
	maps.Copy(source, map[string]string{"format.output.fields": settings["format.output.fields"]})
	r := newReader(t)
	r.settings = source
	r.shelf.PutAll(store.Files())
	var read []connect.Record
	for range n {
		task := r.source(0)
		read = append(read, slices.Clone(r.poll(task))...)
		if err := task.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(read) != n {
		t.Fatalf("%d records of %d in %q", len(read), n, r.shelf.Names())
	}
	return read
}
