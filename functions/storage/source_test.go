package storage_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// reader is a connector that reads a shelf, and its table.
type reader struct {
	t        *testing.T
	shelf    storagetest.Shelf
	settings map[string]string
	change   func(s *storage.Source)
	stored   map[connect.Partition]connect.Position // as the private positions
	public   map[connect.Partition]connect.Position
	now      time.Time
	of       int
}

func newReader(t *testing.T, extra ...string) *reader {
	t.Helper()
	return &reader{
		t: t, stored: map[connect.Partition]connect.Position{}, public: map[connect.Partition]connect.Position{}, now: time.Now(), of: 1,
		settings: with(map[string]string{"format.class": "JsonFormat", "record.batch.max.size": "7"}, extra...),
	}
}

// Offsets implements connect.OffsetReader.
func (r *reader) Offsets(_ context.Context, partitions ...connect.Partition) (connect.Offsets, error) {
	found := connect.Offsets{}
	for _, p := range partitions {
		if at, ok := r.stored[p]; ok {
			found[p] = at
		}
	}
	return found, nil
}

// source starts a task: one without memory.
func (r *reader) source(task int) *storage.Source {
	r.t.Helper()
	var s *storage.Source
	var err error
	if strings.Contains(r.settings["connector.class"], "aiven") {
		a := &storage.AivenSource{Bucket: "b", Folder: "topics/"}
		if err = config.Parse(r.settings, a); err == nil {
			s, err = a.Source()
		}
	} else {
		c := &storage.ConfluentSource{Names: `(.+)\+(\d+)\+.+$`}
		if err = config.Parse(r.settings, c); err == nil {
			s, err = c.Source()
		}
	}
	if err != nil {
		r.t.Fatal(err)
	}
	s.Shelf, s.Now = &r.shelf, func() time.Time { return r.now }
	if r.change != nil {
		r.change(s)
	}
	s.Open(connect.Assignment{Connector: "c", Task: task, Of: r.of, Offsets: r, Log: quiet{}})
	return s
}

// poll polls once and stores what the runtime would.
func (r *reader) poll(s *storage.Source) []connect.Record {
	r.t.Helper()
	records, err := s.Poll(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	r.keep(s, records)
	return records
}

func (r *reader) keep(s *storage.Source, records []connect.Record) {
	committed := connect.Offsets{}
	for _, record := range records {
		if at := record.Source; !at.Position.IsZero() {
			r.public[at.Partition], r.stored[at.Partition], committed[at.Partition] = at.Position, at.Position, at.Position
		}
	}
	for partition, at := range s.Position() {
		text, err := at.JSON()
		if err != nil {
			r.t.Fatal(err)
		}
		if r.stored[partition], err = connect.ParsePosition(text); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := s.Commit(r.t.Context(), committed); err != nil {
		r.t.Fatal(err)
	}
}

// drain reads all there is in one task.
func (r *reader) drain(s *storage.Source) []connect.Record {
	r.t.Helper()
	var all []connect.Record
	for {
		records := slices.Clone(r.poll(s))
		if len(records) == 0 {
			if err := s.Close(); err != nil {
				r.t.Error(err)
			}
			return all
		}
		all = append(all, records...)
	}
}

// read starts a task and drains it.
func (r *reader) read() []string {
	r.t.Helper()
	texts := []string{}
	for _, record := range r.drain(r.source(0)) {
		texts = append(texts, text(record))
	}
	return texts
}

func text(r connect.Record) string {
	if b, ok := r.Value.Value.([]byte); ok {
		return string(b)
	}
	return schema.Text(r.Value.Value)
}

func (r *reader) want(got []string, want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		r.t.Errorf("records (-want +got):\n%s", diff)
	}
}

// numbers are lines of JSON.
func numbers(from, to int) []byte {
	var out strings.Builder
	for n := from; n < to; n++ {
		fmt.Fprintln(&out, n)
	}
	return []byte(out.String())
}

func counted(from, to int) []string {
	var all []string
	for n := from; n < to; n++ {
		all = append(all, fmt.Sprint(n))
	}
	return all
}

// name is a file of the sink's.
func name(partition, start int) string {
	return fmt.Sprintf("topics/t/partition=%d/t+%d+%010d.json", partition, partition, start)
}

func TestSource_GoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	r.shelf.Put(name(0, 0), numbers(0, 20))
	r.shelf.Put(name(0, 20), numbers(20, 40))
	var got []string
	for range 20 { // a process for every poll
		s := r.source(0)
		for _, record := range r.poll(s) {
			if record.Topic != "t" || record.Partition != 0 {
				t.Errorf("a record for %s-%d", record.Topic, record.Partition)
			}
			got = append(got, text(record))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r.want(got, counted(0, 40)...)
	want := connect.NewPosition(map[string]any{"lastFileRead": name(0, 20), "fileOffset": "0", "eof": "true"})
	for partition, at := range r.public {
		if partition.JSON() != `{"folder":"topics/t/partition=0/"}` || !cmp.Equal(want.Fields(), at.Fields()) {
			t.Errorf("the offset of %s is %v", partition.JSON(), at.Fields())
		}
	}
}

// A file that comes late is read once, whatever its name, also when only some were read since.
func TestSource_LateFiles(t *testing.T) {
	t.Parallel()
	r := newReader(t, "mode", "GENERIC", "topic.regex.list", "t:.*")
	for _, n := range []int{1, 3, 5} {
		r.shelf.Put(fmt.Sprintf("topics/f%d.json", n), numbers(n*10, n*10+2))
	}
	r.want(r.read(), "10", "11", "30", "31", "50", "51")
	for _, n := range []int{0, 2, 4, 6} {
		r.shelf.Put(fmt.Sprintf("topics/f%d.json", n), numbers(n*10, n*10+2))
	}
	s := r.source(0)
	var got []string
	for _, record := range r.poll(s) { // seven of eight
		got = append(got, text(record))
	}
	got = append(got, r.read()...)
	r.want(got, "0", "1", "20", "21", "40", "41", "60", "61")
	r.want(r.read())
}

// An offset without details, such as one of Confluent's connector, is understood.
func TestSource_OffsetsOfUsers(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	for start := 0; start < 40; start += 10 {
		r.shelf.Put(name(0, start), numbers(start, start+10))
	}
	partition, err := connect.NewPartition(map[string]any{"folder": "topics/t/partition=0/"})
	if err != nil {
		t.Fatal(err)
	}
	r.stored[partition] = connect.NewPosition(map[string]any{"lastFileRead": name(0, 20), "fileOffset": "15", "eof": "false"})
	r.want(r.read(), counted(25, 40)...)
	r.stored[partition] = connect.NewPosition(map[string]any{"lastFileRead": name(0, 20), "fileOffset": int64(30), "eof": true})
	r.want(r.read(), counted(30, 40)...)
	c := &storage.ConfluentSource{}
	for _, bad := range []map[string]any{{"eof": "true"}, {"lastFileRead": "f", "fileOffset": "x"}} {
		if err := c.CheckOffsets(connect.Offsets{partition: connect.NewPosition(bad)}); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	if err := c.CheckOffsets(connect.Offsets{partition: r.public[partition]}); err != nil {
		t.Error(err)
	}
}

// Of many files a few offsets are kept, and few of them are listed again.
func TestSource_ManyFilesAreFewOffsets(t *testing.T) {
	t.Parallel()
	r := newReader(t, "record.batch.max.size", "100", "sluice.late.files", "50")
	const files = 400
	for i := range files {
		r.shelf.Put(name(i%2, i), numbers(i, i+1))
	}
	if got := r.read(); len(got) != files {
		t.Fatalf("%d records", len(got))
	}
	if len(r.stored) != 2 {
		t.Errorf("%d offsets", len(r.stored))
	}
	for _, at := range r.stored {
		if text, _ := at.JSON(); len(text) > 2000 {
			t.Errorf("an offset has %d bytes", len(text))
		}
	}
	r.shelf.Listed = 0
	r.shelf.Put(name(0, files), numbers(files, files+1))
	r.want(r.read(), fmt.Sprint(files))
}

// Tasks share out folders, and each file is read by one of them.
func TestSource_TasksShareFiles(t *testing.T) {
	t.Parallel()
	for _, settings := range [][]string{
		{},
		{"connector.class", "aiven", "file.name.template", ".*", "topic", "t", "input.format", "jsonl"},
		{"connector.class", "aiven", "file.name.template", `{{topic}}\+{{partition}}\+{{start_offset}}`, "input.format", "jsonl", "distribution.type", "partition"},
	} {
		r := newReader(t, settings...)
		want := 36
		for p := range 12 {
			r.shelf.Put(name(p, p), numbers(p*3, p*3+3))
		}
		for of := 3; of > 1; of-- { // another number of tasks reads nothing again
			r.of = of
			read, busy := 0, 0
			for task := range r.of {
				n := len(r.drain(r.source(task)))
				read += n
				busy += min(n, 1)
			}
			if read != want || of == 3 && busy < 2 {
				t.Errorf("%v: %d records of %d by %d tasks of %d", settings, read, want, busy, of)
			}
			want = 0
		}
	}
}

func TestSource_GrowingFiles(t *testing.T) {
	t.Parallel()
	r := newReader(t, "mode", "GENERIC", "topic.regex.list", "t:.*")
	r.change = func(s *storage.Source) { s.Growing, s.Settle = true, time.Minute }
	r.shelf.Grow("topics/a.json", numbers(0, 3), r.now)
	r.shelf.Grow("topics/b.json", []byte("10\n11\n1"), r.now)
	r.want(r.read(), "0", "1", "2", "10", "11")
	r.want(r.read())
	r.shelf.Grow("topics/a.json", numbers(3, 5), r.now)
	r.shelf.Grow("topics/b.json", []byte("2\n13"), r.now)
	r.want(r.read(), "3", "4", "12")
	r.shelf.Rename("topics/a.json", "topics/c.json")
	r.want(r.read())
	r.shelf.Grow("topics/c.json", numbers(5, 6), r.now)
	r.want(r.read(), "5")
	r.now = r.now.Add(time.Hour) // nothing more comes
	r.want(r.read(), "13")
	r.shelf.Put("topics/c.json", numbers(70, 72)) // another file of the same name
	r.want(r.read(), "70", "71")
	r.want(r.read())
}

// A file that is replaced while it is read is read from its start.
func TestSource_ReplacedWhileRead(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	r.shelf.Put(name(0, 0), numbers(0, 20))
	s := r.source(0)
	r.poll(s)
	r.shelf.Put(name(0, 0), numbers(100, 110))
	r.want(r.read(), counted(100, 110)...)
}

func TestSource_LostConnections(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	r.shelf.Torn = 5
	r.shelf.Put(name(0, 0), numbers(0, 30))
	r.want(r.read(), counted(0, 30)...)
}

// removing removes files after some failures.
type removing struct {
	shelf *storagetest.Shelf
	fail  int
}

func (r *removing) Dispose(_ context.Context, e *storage.Entry) error {
	if r.fail--; r.fail >= 0 {
		return errors.New("not now")
	}
	r.shelf.Remove(e.Name)
	return nil
}

// Files are removed when their records are committed, not before, and also when that failed or was never tried.
func TestSource_DisposesOfWhatItRead(t *testing.T) {
	t.Parallel()
	r := newReader(t)
	disposal := &removing{shelf: &r.shelf}
	r.change = func(s *storage.Source) { s.Disposal = disposal }
	r.shelf.Put(name(0, 0), numbers(0, 3))
	r.shelf.Put(name(0, 3), numbers(3, 20))
	s := r.source(0)
	records, err := s.Poll(t.Context())
	if err != nil || len(records) != 7 {
		t.Fatal(len(records), err)
	}
	if n := len(r.shelf.Names()); n != 2 {
		t.Errorf("%d files before a commit", n)
	}
	r.keep(s, records)
	if diff := cmp.Diff([]string{name(0, 3)}, r.shelf.Names()); diff != "" {
		t.Error(diff)
	}
	r.want(r.read(), counted(7, 20)...)
	if got := r.shelf.Names(); len(got) > 0 {
		t.Errorf("files are left: %q", got)
	}
	r.shelf.Put(name(0, 30), numbers(30, 31))
	killed := r.source(0)
	if records, err = killed.Poll(t.Context()); err != nil || len(records) != 1 {
		t.Fatal(len(records), err)
	}
	maps.Copy(r.stored, killed.Position()) // committed, and then it was killed
	disposal.fail = 1
	if _, err := r.source(0).Poll(t.Context()); err == nil {
		t.Error("a failure to remove a file went by")
	}
	r.want(r.read())
	if got := r.shelf.Names(); len(got) > 0 {
		t.Errorf("files are left: %q", got)
	}
}

func TestSource_RecordsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, tolerant := range []string{"FAIL", "IGNORE"} {
		r := newReader(t, "behavior.on.error", tolerant)
		r.shelf.Put(name(0, 0), []byte("1\n{\n3\n"))
		r.shelf.Put(name(0, 3)+".gz", []byte("no gzip"))
		r.shelf.Put(name(0, 4), []byte("4\n"))
		if tolerant == "IGNORE" {
			r.want(r.read(), "1", "3", "4")
			continue
		}
		s := r.source(0)
		r.poll(s)
		if _, err := s.Poll(t.Context()); err == nil || !strings.Contains(err.Error(), name(0, 0)) || !strings.Contains(err.Error(), "offset 2") {
			t.Errorf("%v", err)
		}
	}
	r := newReader(t)
	r.shelf.Put("topics/t/partition=0/odd.json", numbers(0, 1))
	if _, err := r.source(0).Poll(t.Context()); err == nil || !strings.Contains(err.Error(), "odd.json") {
		t.Errorf("%v", err)
	}
}
