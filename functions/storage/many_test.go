package storage_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// crowd is a shelf of very many small files that exist only when they are looked at: as many in each of a hundred folders. It
// lists them as S3 does, a thousand at a time, from any name on.
type crowd struct {
	files, pages int
}

const crowdFolders = 100

func (c *crowd) name(i int) string {
	each := c.files / crowdFolders
	return fmt.Sprintf("topics/t/partition=%02d/t+%d+%010d.json", i/each, i/each, i%each)
}

func (c *crowd) Walk(string) storage.Walk { return &crowdWalk{crowd: c} }

func (*crowd) Read(context.Context, *storage.Entry, int64, int64) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("1\n")), nil
}

type crowdWalk struct {
	crowd *crowd
	next  int
	left  int // of the page
}

func (w *crowdWalk) Next(context.Context) (*storage.Entry, error) {
	if w.next >= w.crowd.files {
		return nil, io.EOF
	}
	if w.left == 0 {
		w.crowd.pages++
		w.left = 1000
	}
	name := w.crowd.name(w.next)
	w.next++
	w.left--
	return &storage.Entry{Name: name, ID: name, Version: "1", Size: 2, Modified: time.UnixMilli(1700000000000)}, nil
}

func (w *crowdWalk) Skip(name string) {
	if n := sort.Search(w.crowd.files, func(i int) bool { return w.crowd.name(i) > name }); n > w.next {
		w.next, w.left = n, 0
	}
}

// texts are the offsets of a table.
type texts map[connect.Partition][]byte

// Offsets implements connect.OffsetReader.
func (o texts) Offsets(_ context.Context, partitions ...connect.Partition) (connect.Offsets, error) {
	found := connect.Offsets{}
	for _, p := range partitions {
		if text, ok := o[p]; ok {
			at, err := connect.ParsePosition(text)
			if err != nil {
				return nil, err
			}
			found[p] = at
		}
	}
	return found, nil
}

// read has a task read all it can, and keeps where it is.
func (o texts) read(b *testing.B, shelf storage.Shelf) (records int) {
	b.Helper()
	c := &storage.ConfluentSource{Names: `(.+)\+(\d+)\+.+$`}
	if err := config.Parse(map[string]string{"format.class": "JsonFormat", "record.batch.max.size": "2000"}, c); err != nil {
		b.Fatal(err)
	}
	s, err := c.Source()
	if err != nil {
		b.Fatal(err)
	}
	s.Shelf = shelf
	s.Open(connect.Assignment{Connector: "c", Of: 1, Offsets: o, Log: quiet{}})
	for {
		batch, err := s.Poll(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for partition, at := range s.Position() {
			if o[partition], err = at.JSON(); err != nil {
				b.Fatal(err)
			}
		}
		if len(batch) == 0 {
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			return records
		}
		records += len(batch)
	}
}

// BenchmarkSource_ManyFiles reads many files in a hundred folders, and then looks again, in another process, when nothing
// came since: how long that takes, how many pages of a thousand names it asks for, how much memory it has in use, and how many
// offsets there are, of how many bytes the largest.
func BenchmarkSource_ManyFiles(b *testing.B) {
	for _, files := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("files=%d", files), func(b *testing.B) {
			shelf, offsets := &crowd{files: files}, texts{}
			begun := time.Now()
			if n := offsets.read(b, shelf); n != files {
				b.Fatalf("%d records", n)
			}
			speed := float64(files) / time.Since(begun).Seconds()
			largest := 0
			for _, text := range offsets {
				largest = max(largest, len(text))
			}
			shelf.pages = 0
			for b.Loop() {
				if n := offsets.read(b, shelf); n != 0 {
					b.Fatalf("%d records again", n)
				}
			}
			b.ReportMetric(float64(shelf.pages)/float64(b.N), "pages")
			b.ReportMetric(speed, "files/s")
			b.ReportMetric(float64(len(offsets)), "offsets")
			b.ReportMetric(float64(largest), "B/offset")
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapInuse)/(1<<20), "MB-heap")
		})
	}
}
