package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// Events of a hundred records fill files of a hundred thousand, each by a process of its own now and then.
func TestSink_FilesOfAThousandEvents(t *testing.T) {
	t.Parallel()
	const size, files = 100_000, 2
	w := newWorld(t, settings("flush.size", fmt.Sprint(size), "partitioner.class", "DefaultPartitioner"), 0)
	var sink *storage.Sink
	event := make([]connect.Record, 100)
	for begin := 0; begin < size*files+50; begin += len(event) {
		if begin%10_000 == 0 {
			sink = w.process(nil)
		}
		for i := range event {
			event[i] = record(int64(begin+i), "p")
		}
		if err := sink.Put(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"topics/t/partition=0/t+0+0000000000.json", "topics/t/partition=0/t+0+0000100000.json"}, w.store.Names()); diff != "" {
		t.Fatal(diff)
	}
	for name, data := range w.store.Files() {
		if n := len(w.decode(name, data)); n != size {
			t.Errorf("%s has %d records", name, n)
		}
	}
	if pieces, drafts := w.store.Hidden(); pieces != 1 || drafts != 0 {
		t.Errorf("%d pieces and %d drafts are left", pieces, drafts)
	}
}

// Ticks remove pieces and drafts that killed attempts left behind, when they are old, and no others.
func TestSink_SweepsWhatKilledAttemptsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t, settings("flush.size", "100"), 20)
	writes := 0
	killed := w.process(func(step string) error {
		if step == "before put" {
			writes++
			if writes == 3 { // the ledger, behind the two entries of the index
				return errKilled
			}
		}
		if writes >= 3 {
			return errKilled
		}
		return nil
	})
	if err := killed.Put(t.Context(), w.records[:10]); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	if err := w.process(nil).Put(t.Context(), w.records[:10]); err != nil {
		t.Fatal(err)
	}
	pieces := w.store.Under(".staging/c/")
	if len(pieces) != 2 {
		t.Fatalf("pieces %q", pieces)
	}
	shelf := &storagetest.Shelf{}
	at := connect.TopicPartition{Topic: "other", Partition: 3}
	draft := func() string { return storage.DraftName(".staging/c/", &storage.File{Origin: at}) }
	named, orphan := draft(), draft()
	book := fmt.Sprintf(`{"v":1,"attempt":"x","next":5,"closing":[{"name":"f","handle":"{\"p\":\"/%s\"}"}]}`, named)
	state := &storagetest.StateClient{State: &w.state}
	if _, err := state.Put(t.Context(), at.Topic, at.Partition, []byte(book), 0); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{named, orphan} {
		if err := (&storagetest.Client{Store: &w.store}).Stage(t.Context(), name, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range append(pieces, ".staging/c/x.ledger", named, orphan) {
		shelf.Grow(name, []byte("x"), w.now().Add(-25*time.Hour))
	}
	shelf.Grow(".staging/c/young.piece", []byte("x"), w.now().Add(-time.Hour))
	tick := w.process(nil)
	tick.Leftovers = shelf
	if err := tick.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := w.store.Under(".staging/c/"); len(left) != 2 || !slices.Contains(left, named) {
		t.Errorf("%q are left, the draft in the ledger is %s", left, named)
	}
	w.finish()
	if n := len(w.store.Files()); n != 3 {
		t.Errorf("%d files", n)
	}
}

func FuzzAiven_Template(f *testing.F) {
	for _, text := range []string{"{{topic}}-{{partition}}-{{start_offset:padding=true}}", "{{ key }}", "{{timestamp:unit=yyyy}}{{topic}}{{partition}}{{start_offset}}", "{{", "}}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := &storage.Aiven{}
		if err := config.Parse(map[string]string{"file.name.template": text}, a); err != nil {
			return
		}
		shape, err := a.Shape()
		if err != nil {
			return
		}
		r := record(7, "p")
		if _, err := shape.Layout.Place(&r, time.UnixMilli(0), storage.Open{Heads: map[string]int64{}, Count: func(string) int { return 0 }}); err != nil {
			t.Error(err)
		}
	})
}

// What is staged of a Parquet file comes from a ledger's pieces; whatever is there, reading it ends with an error at worst.
func FuzzParquet_Staged(f *testing.F) {
	c := &storage.Confluent{}
	if err := config.Parse(settings("format.class", "ParquetFormat", "partitioner.class", "DefaultPartitioner"), c); err != nil {
		f.Fatal(err)
	}
	shape, err := c.Shape(&storage.Codec{})
	if err != nil {
		f.Fatal(err)
	}
	r := record(1, "p")
	file := &storage.File{Topic: "t", Schema: valueSchema}
	staged, err := shape.Format.Append(nil, &storage.Stretch{File: file, Records: []*connect.Record{&r, &r}, First: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(staged)
	f.Fuzz(func(_ *testing.T, staged []byte) {
		_ = shape.Format.(storage.Assembler).Assemble(io.Discard, file, bytes.NewReader(staged), nil)
	})
}

// Stored offsets come from a table that users can write to.
func FuzzSource_Offsets(f *testing.F) {
	f.Add("AQEBYQFiAgAAAAA=", "f", "1", "false")
	f.Add("", "f", "-1", "x")
	f.Fuzz(func(t *testing.T, detail, last, offset, eof string) {
		partition, err := connect.NewPartition(map[string]any{"folder": "f"})
		if err != nil {
			t.Fatal(err)
		}
		at := connect.NewPosition(map[string]any{"lastFileRead": last, "fileOffset": offset, "eof": eof, "detail": detail})
		_ = (&storage.ConfluentSource{}).CheckOffsets(connect.Offsets{partition: at})
	})
}

// Whatever a file holds, reading it ends.
func FuzzSource_Files(f *testing.F) {
	for _, format := range []string{"AvroFormat", "ParquetFormat", "JsonFormat"} {
		c := &storage.Confluent{}
		if err := config.Parse(settings("format.class", format, "partitioner.class", "DefaultPartitioner"), c); err != nil {
			f.Fatal(err)
		}
		shape, err := c.Shape(&storage.Codec{})
		if err != nil {
			f.Fatal(err)
		}
		store := storagetest.Store{}
		sink := &storage.Sink{Store: &storagetest.Client{Store: &store}, State: &storagetest.StateClient{State: &storagetest.State{}}, Log: quiet{}, Shape: shape}
		var all []connect.Record
		for i := range 10 {
			all = append(all, record(int64(i), "p"))
		}
		if err := sink.Put(f.Context(), all); err != nil {
			f.Fatal(err)
		}
		for _, data := range store.Files() {
			f.Add(format, data)
		}
	}
	f.Fuzz(func(t *testing.T, format string, data []byte) {
		extension := map[string]string{"AvroFormat": ".avro", "ParquetFormat": ".parquet", "JsonFormat": ".json"}[format]
		if extension == "" {
			return
		}
		r := newReader(t, "format.class", format, "behavior.on.error", "IGNORE")
		r.shelf.Put("topics/t/partition=0/t+0+0000000000"+extension, data)
		s := r.source(0)
		for range 10_000 {
			records, err := s.Poll(t.Context())
			if err != nil || len(records) == 0 {
				break
			}
		}
		_ = s.Close()
	})
}
