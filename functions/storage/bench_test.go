package storage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

const (
	benchEvent  = 1000 // records of an event
	benchEvents = 20   // in a file
)

// BenchmarkSink writes files beside a loop that only encodes the same records, a file at a time, and uploads them: files of
// an event, and files of twenty, whose records are staged. of-raw is its speed in terms of that loop's. The store is memory, which is the worst case:
// no upload takes time beside which the rest does not count.
func BenchmarkSink(b *testing.B) {
	for _, events := range []int{1, benchEvents} {
		b.Run(fmt.Sprintf("events=%d", events), func(b *testing.B) { benchSink(b, events) })
	}
}

func benchSink(b *testing.B, events int) {
	b.Helper()
	records := make([]connect.Record, benchEvent*benchEvents)
	for i := range records {
		records[i] = record(int64(i), "p")
	}
	for _, format := range []string{"JsonFormat", "AvroFormat", "ParquetFormat"} {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			var raw, whole time.Duration
			var written int
			for b.Loop() {
				begun := time.Now()
				n := 0
				for file := range slices.Chunk(records, benchEvent*events) {
					n += uploadRaw(b, format, file)
				}
				raw += time.Since(begun)
				begun = time.Now()
				if m := uploadSink(b, format, events, records); format == "JsonFormat" && m != n {
					b.Fatalf("the sink wrote %d bytes, the loop %d", m, n)
				}
				whole += time.Since(begun)
				written += n
			}
			b.SetBytes(int64(written / b.N))
			b.ReportMetric(float64(raw)/float64(whole), "of-raw")
			b.ReportMetric(float64(len(records)*b.N)/whole.Seconds(), "records/s")
		})
	}
}

func benchShape(b *testing.B, format string, events int) *storage.Shape {
	b.Helper()
	c := &storage.Confluent{}
	s := settings("format.class", format, "partitioner.class", "DefaultPartitioner", "flush.size", fmt.Sprint(benchEvent*events))
	if err := config.Parse(s, c); err != nil {
		b.Fatal(err)
	}
	shape, err := c.Shape(&storage.Codec{})
	if err != nil {
		b.Fatal(err)
	}
	return shape
}

// uploadRaw encodes and uploads one file.
func uploadRaw(b *testing.B, format string, records []connect.Record) int {
	b.Helper()
	shape, store := benchShape(b, format, 1), &storagetest.Store{}
	client := &storagetest.Client{Store: store}
	file := &storage.File{Topic: "t", Schema: valueSchema, Count: len(records)}
	pointers := make([]*connect.Record, len(records))
	for i := range records {
		pointers[i] = &records[i]
	}
	draft, err := client.Draft(b.Context(), "f", file)
	if err != nil {
		b.Fatal(err)
	}
	if assembler, ok := shape.Format.(storage.Assembler); ok {
		err = assembler.Assemble(draftWriter{b, draft}, file, strings.NewReader(""), pointers)
	} else {
		var data []byte
		if data, err = shape.Format.Append(nil, &storage.Stretch{File: file, Records: pointers, First: true, Last: true}); err == nil {
			err = draft.Append(b.Context(), data)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	handle, err := draft.Seal(b.Context())
	if err == nil {
		err = client.Publish(b.Context(), "f", handle, false)
	}
	if err != nil {
		b.Fatal(err)
	}
	return len(store.Text("f"))
}

// uploadSink puts records into files of some events, an event at a time.
func uploadSink(b *testing.B, format string, events int, records []connect.Record) int {
	b.Helper()
	store := &storagetest.Store{}
	sink := &storage.Sink{
		Connector: "c", Store: &storagetest.Client{Store: store}, State: &storagetest.StateClient{State: &storagetest.State{}},
		Log: quiet{}, Shape: benchShape(b, format, events), Staging: ".staging/c/",
	}
	for event := range slices.Chunk(records, benchEvent) {
		if err := sink.Put(b.Context(), event); err != nil {
			b.Fatal(err)
		}
	}
	total := 0
	for _, data := range store.Files() {
		total += len(data)
	}
	return total
}

type draftWriter struct {
	b     *testing.B
	draft storage.Draft
}

func (w draftWriter) Write(p []byte) (int, error) { return len(p), w.draft.Append(w.b.Context(), p) }

// A record that is read costs no more memory than its value and its place in the batch.
func TestSource_Allocations(t *testing.T) {
	const n = 1000
	for format, budget := range map[string]float64{"JsonFormat": 10, "AvroFormat": 7, "ParquetFormat": 8} {
		w := newWorld(t, settings("format.class", format, "partitioner.class", "DefaultPartitioner", "flush.size", fmt.Sprint(n)), n)
		if err := w.process(nil).Put(t.Context(), w.records); err != nil {
			t.Fatal(err)
		}
		r := newReader(t, "format.class", format, "record.batch.max.size", fmt.Sprint(n))
		r.shelf.PutAll(w.store.Files())
		each := testing.AllocsPerRun(5, func() {
			s := r.source(0)
			if records, err := s.Poll(t.Context()); err != nil || len(records) != n {
				t.Fatal(len(records), err)
			}
			_ = s.Close()
		}) / n
		t.Logf("%s: %.1f allocations for each record", format, each)
		if each > budget {
			t.Errorf("%s: %.1f allocations for each record, the budget is %.0f", format, each, budget)
		}
	}
}
