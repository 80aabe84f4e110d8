package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// BenchmarkStart measures from starting a function's process to its first request for work, as median of 41, with the
// memory it has then and the size of its binary.
func BenchmarkStart(b *testing.B) {
	for _, kind := range []string{"source", "sink", "sink" + registry} {
		b.Run(kind, func(b *testing.B) {
			r := newRig(b)
			bootstrap := filepath.Join(r.dir, "file", kind, "bootstrap")
			info, err := os.Stat(bootstrap)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				var took []time.Duration
				var memory []int64
				for i := range 41 {
					name := fmt.Sprintf("start-%d", i)
					r.deploy(b, name, kind)
					r.invoke(b, name, []byte(`{"control":"describe"}`))
					report := r.last()
					took, memory = append(took, report.Init), append(memory, report.MaxRSS)
					r.functions.Remove(name)
				}
				b.ReportMetric(float64(median(took).Microseconds())/1000, "ms-to-next")
				b.ReportMetric(float64(median(memory))/1e6, "MB-rss")
				b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
			}
		})
	}
}

// prepared is an event of n records with values of the given size, not more than a trigger can send.
func prepared(b *testing.B, n, size int) ([]byte, int) {
	b.Helper()
	var e kafka.Encoder
	value := []byte(strings.Repeat("x", size))
	for i := range n {
		m := &kafka.Message{Offset: int64(i), Timestamp: 1700000000000, TimestampType: kafka.CreateTime, Value: value}
		if !e.Add("in", 0, m) {
			break
		}
	}
	return e.Bytes(), e.Len()
}

// BenchmarkEvent measures whole warm invocations of the file sink with events of two sizes: decoding, converting,
// writing, and both ways over the runtime API.
func BenchmarkEvent(b *testing.B) {
	for _, c := range []struct{ n, size int }{{100, 1000}, {3500, 1090}, {10_000, 100}} {
		b.Run(fmt.Sprintf("%dx%dB", c.n, c.size), func(b *testing.B) {
			r := newRig(b)
			r.connector(b, "sink", "sink", map[string]string{"topics": "in", "file": os.DevNull})
			payload, n := prepared(b, c.n, c.size)
			r.invoke(b, "sink", payload)
			var took []time.Duration
			for b.Loop() {
				r.invoke(b, "sink", payload)
				took = append(took, r.last().Duration)
			}
			mid := median(took)
			b.ReportMetric(float64(mid.Microseconds())/1000, "ms/event")
			b.ReportMetric(median(r.decode), "ms-decode")
			b.ReportMetric(float64(n)/mid.Seconds(), "records/s")
			b.ReportMetric(float64(len(payload))/1e6, "MB/event")
			b.ReportMetric(float64(r.last().MaxRSS)/1e6, "MB-rss")
		})
	}
}

// BenchmarkSink measures the file sink's function on prepared events of 100-byte records, written to a real file.
func BenchmarkSink(b *testing.B) {
	r := newRig(b)
	out := filepath.Join(b.TempDir(), "out.txt")
	r.connector(b, "sink", "sink", map[string]string{"topics": "in", "file": out})
	payload, n := prepared(b, 10_000, 100)
	r.invoke(b, "sink", payload)
	start, before := time.Now(), cpu(filepath.Join(r.dir, "file", "sink"))
	var events int
	for b.Loop() {
		r.invoke(b, "sink", payload)
		events++
	}
	took, used := time.Since(start), cpu(filepath.Join(r.dir, "file", "sink"))-before
	info, err := os.Stat(out)
	if err != nil {
		b.Fatal(err)
	}
	if want := int64(events+1) * int64(n) * 101; info.Size() != want {
		b.Fatalf("the file has %d bytes and not %d", info.Size(), want)
	}
	b.ReportMetric(float64(events*n)/took.Seconds(), "records/s")
	if used > 0 {
		b.ReportMetric(float64(events*n)/used.Seconds(), "records/CPU-s")
	}
}
