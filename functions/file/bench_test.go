package file_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// BenchmarkSource reads a file of about 64 MB over and over; MB/s are those of the file.
func BenchmarkSource(b *testing.B) {
	for name, text := range map[string]string{
		"100B":      strings.Repeat("x", 99),
		"1kB":       strings.Repeat("x", 999),
		"1kB-utf8":  strings.Repeat("zażółć gęślą ", 50) + "xyz",
		"1kB-wrong": strings.Repeat("zażółć gęślą ", 50) + "\xff",
		"1kB-crlf":  strings.Repeat("x", 998) + "\r",
		"100B-utf8": strings.Repeat("€x", 24) + "yyy",
	} {
		b.Run(name, func(b *testing.B) {
			path := temp(b, strings.Repeat(text+"\n", 64_000_000/(len(text)+1)))
			b.SetBytes(64_000_000)
			b.ReportAllocs()
			records := 0
			for b.Loop() {
				records = 0
				task := newSource(b, map[string]string{"file": path, "topic": "t"})
				if err := task.Open(b.Context(), connect.Assignment{Offsets: stored{}, Log: &notes{}}); err != nil {
					b.Fatal(err)
				}
				for {
					batch, err := task.Poll(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					if len(batch) == 0 {
						break
					}
					records += len(batch)
				}
				if err := task.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkSource_Resume finds the last position of a file of 64 MB by reading it, as after a change by the user.
func BenchmarkSource_Resume(b *testing.B) {
	for name, text := range map[string]string{"ascii": strings.Repeat("x", 999), "utf8": strings.Repeat("zażółć gęślą ", 50) + "xyz"} {
		b.Run(name, func(b *testing.B) {
			content := strings.Repeat(text+"\n", 64_000_000/(len(text)+1))
			path := temp(b, content)
			p, err := connect.NewPartition(map[string]any{"filename": path})
			if err != nil {
				b.Fatal(err)
			}
			from := stored{p: connect.At("position", int64(len([]rune(content))))}
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				task := newSource(b, map[string]string{"file": path, "topic": "t"})
				if err := task.Open(b.Context(), connect.Assignment{Offsets: from, Log: &notes{}}); err != nil {
					b.Fatal(err)
				}
				if records, err := task.Poll(b.Context()); err != nil || len(records) > 0 {
					b.Fatal(len(records), err)
				}
				if err := task.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSink appends batches of about 5 MB, with and without making them durable.
func BenchmarkSink(b *testing.B) {
	for _, size := range []int{100, 1000} {
		for _, flush := range []bool{false, true} {
			b.Run(fmt.Sprintf("%dB-flush=%t", size, flush), func(b *testing.B) {
				w := openSink(b, filepath.Join(b.TempDir(), "out"))
				records := texts(make([]any, 5_000_000/size)...)
				for i := range records {
					records[i].Value.Value = strings.Repeat("x", size-1)
				}
				b.SetBytes(5_000_000)
				b.ReportAllocs()
				for b.Loop() {
					if err := w.task.Put(b.Context(), records); err != nil {
						b.Fatal(err)
					}
					if !flush {
						continue
					}
					if err := w.task.(connect.Flusher).Flush(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(len(records))*float64(b.N)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}
