package storage_test

import (
	"fmt"
	"testing"
)

// A record that is staged, or written at once, costs no memory of its own but what JSON takes for its text.
func TestSink_Allocations(t *testing.T) {
	const n = 1000
	for format, budget := range map[string]float64{"JsonFormat": 2.5, "AvroFormat": 0.3, "ParquetFormat": 1.5} {
		for flush, kind := range map[int]string{n: "written", n * 1000: "staged"} {
			w := newWorld(t, settings("format.class", format, "partitioner.class", "DefaultPartitioner", "flush.size", fmt.Sprint(flush)), n)
			sink, next := w.process(nil), int64(0)
			each := testing.AllocsPerRun(20, func() {
				for i := range w.records {
					w.records[i].Kafka.Offset = next
					next++
				}
				if err := sink.Put(t.Context(), w.records); err != nil {
					t.Fatal(err)
				}
			}) / n
			t.Logf("%s, %s: %.2f allocations for each record", format, kind, each)
			if each > budget {
				t.Errorf("%s, %s: %.2f allocations for each record, the budget is %.1f", format, kind, each, budget)
			}
		}
	}
}

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
