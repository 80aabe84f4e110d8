package file_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

func TestSource_MakesRecords(t *testing.T) {
	t.Parallel()
	path := temp(t, "one\n")
	r := open(t, path, nil)
	before := time.Now().Add(-time.Second)
	records, err := r.task.Poll(t.Context())
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	rec := records[0]
	if rec.Time.Before(before) || rec.Time.After(time.Now()) {
		t.Errorf("timestamp %v is not now", rec.Time)
	}
	if rec.Topic != "t" || rec.Partition != connect.AnyPartition || !rec.Key.IsNull() || len(rec.Headers) != 0 {
		t.Errorf("record %+v", rec)
	}
	if !rec.Value.Schema.Equal(schema.Of(schema.String)) {
		t.Errorf("schema %+v", rec.Value.Schema)
	}
	if got, want := rec.Source.Partition.JSON(), fmt.Sprintf(`{"filename":%q}`, path); got != want {
		t.Errorf("partition %s, want %s", got, want)
	}
	if text, err := rec.Source.Position.JSON(); err != nil || string(text) != `{"position":4}` {
		t.Errorf("position %s, %v", text, err)
	}
}

// TestSource_CutsLines says when a line ends, in pieces as they are written to the file.
func TestSource_CutsLines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pieces []string
		want   [][]line
	}{
		"a carriage return waits": {
			[]string{"d\r", "\nx\n", "y\r", "z\n"},
			[][]line{nil, {{"d", int64(3)}, {"x", int64(5)}}, nil, {{"y", int64(7)}, {"z", int64(9)}}},
		},
		"every ending": {
			[]string{"a\nb\rc\r\nd\n\re\r\r\nf"},
			[][]line{{
				{"a", int64(2)}, {"b", int64(4)}, {"c", int64(7)}, {"d", int64(9)}, {"", int64(10)}, {"e", int64(12)}, {"", int64(14)},
			}},
		},
		"a character in pieces": {
			[]string{"\xe2", "\x82", "\xac", "\n"},
			[][]line{nil, nil, nil, {{"€", int64(2)}}},
		},
		"a pair counts two":     {[]string{"😀\nx\n"}, [][]line{{{"😀", int64(3)}, {"x", int64(5)}}}},
		"only carriage returns": {[]string{"\r\r\r", "a"}, [][]line{{{"", int64(1)}, {"", int64(2)}}, {{"", int64(3)}}}},
		"empty":                 {[]string{"", "\n"}, [][]line{nil, {{"", int64(1)}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := temp(t, "")
			r := open(t, path, nil)
			for i, piece := range c.pieces {
				grow(t, path, piece)
				if diff := cmp.Diff(c.want[i], r.poll()); diff != "" {
					t.Errorf("after piece %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

// TestSource_DecodesAsJava compares with what Java's reader made of 1370 malformed lines.
func TestSource_DecodesAsJava(t *testing.T) {
	t.Parallel()
	answers, err := os.Open("testdata/java-utf8.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	var content strings.Builder
	var want []line
	position := 0
	for scan := bufio.NewScanner(answers); scan.Scan(); {
		in, out, _ := strings.Cut(scan.Text(), " ")
		raw, err1 := hex.DecodeString(in)
		text, err2 := hex.DecodeString(out)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		content.Write(raw)
		var units []uint16
		for i := 0; i < len(text); i += 2 {
			units = append(units, uint16(text[i])<<8|uint16(text[i+1]))
		}
		position += len(units)
		want = append(want, line{strings.TrimSuffix(string(utf16.Decode(units)), "\n"), int64(position)})
	}
	path := temp(t, content.String())
	if diff := cmp.Diff(want, open(t, path, nil).poll()); diff != "" || len(want) < 1000 {
		t.Errorf("%d lines (-want +got):\n%s", len(want), diff)
	}
	for i := 0; i+1 < len(want); i += 97 {
		got := open(t, path, at(t, path, want[i].Position.(int64))).poll()
		if diff := cmp.Diff(want[i+1:], got); diff != "" {
			t.Fatalf("from line %d (-want +got):\n%s", i, diff)
		}
	}
}

// TestSource_ResumesFromEveryPosition takes a nasty file and goes on after every line, with what a user sees and with
// what this package keeps.
func TestSource_ResumesFromEveryPosition(t *testing.T) {
	t.Parallel()
	path := temp(t, "plain\n"+"żółć €😀\r\n"+"\r"+"\xed\xa0\x80\xe2\x82\n"+"\n"+"\xff\xfe\r"+strings.Repeat("€", 400_000)+"\n"+
		strings.Repeat("0123456789", 200_000)+"\n"+"😀😀\n"+"end\n"+"unfinished")
	all := open(t, path, nil).poll()
	if len(all) != 10 {
		t.Fatalf("%d lines", len(all))
	}
	one := open(t, path, nil, "batch.size", "1")
	for i := range all {
		if n, err := one.task.Poll(t.Context()); err != nil || len(n) != 1 {
			t.Fatal(n, err)
		}
		maps.Copy(one.kept, one.task.(connect.Positioner).Position())
		for kind, from := range map[string]stored{"kept": one.kept, "seen": at(t, path, all[i].Position.(int64))} {
			if diff := cmp.Diff(all[i+1:], open(t, path, from).poll()); diff != "" && i+1 < len(all) {
				t.Errorf("after line %d, from the position %s (-want +got):\n%.500s", i, kind, diff)
			}
		}
	}
}

func TestSource_ResumesInsideAPairBeforeIt(t *testing.T) {
	t.Parallel()
	path := temp(t, "a😀b\nc\n")
	got := open(t, path, at(t, path, 2)).poll()
	if diff := cmp.Diff([]line{{"😀b", int64(5)}, {"c", int64(7)}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSource_KeepsItsPlaceOnce(t *testing.T) {
	t.Parallel()
	path := temp(t, "one\ntwo\n")
	r := open(t, path, nil)
	r.want("one", "two")
	if p := r.task.(connect.Positioner).Position(); p != nil {
		t.Errorf("the place %v is told again though nothing was read", p)
	}
	next := open(t, path, r.kept)
	next.want()
	if len(next.kept) > 0 {
		t.Errorf("an idle invocation wants to store %v", next.kept)
	}
	grow(t, path, "three\n")
	next.want("three")
}

func TestSource_GivesAtMostABatch(t *testing.T) {
	t.Parallel()
	r := open(t, temp(t, strings.Repeat("x\n", 7)), nil, "batch.size", "3")
	var sizes []int
	for range 4 {
		records, err := r.task.Poll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(records))
	}
	if !slices.Equal(sizes, []int{3, 3, 1, 0}) {
		t.Errorf("batches of %v", sizes)
	}
}

func TestSource_BoundsTheMemoryOfABatch(t *testing.T) {
	t.Parallel()
	r := open(t, temp(t, strings.Repeat(strings.Repeat("x", 1<<20)+"\n", 20)), nil)
	records, err := r.task.Poll(t.Context())
	if err != nil || len(records) != 8 {
		t.Errorf("%d records of 1 MiB, %v", len(records), err)
	}
}

func TestSource_ReadsAVeryLongLine(t *testing.T) {
	t.Parallel()
	const n = 64 << 20
	r := open(t, temp(t, "a\n"+strings.Repeat("x", n)+"\nb\n"), nil)
	got := r.poll()
	if len(got) != 3 || len(got[1].Value) != n || got[2] != (line{"b", int64(n + 5)}) {
		t.Errorf("%d lines", len(got))
	}
}

func TestSource_StopsWhenToldTo(t *testing.T) {
	t.Parallel()
	path := temp(t, strings.Repeat("€\n", 1<<20))
	r := open(t, path, at(t, path, 1<<20))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if records, err := r.task.Poll(ctx); len(records) > 0 || err != nil && context.Cause(ctx) == nil {
		t.Error(len(records), err)
	}
	if got := len(r.poll()); got != 1<<19 {
		t.Errorf("%d lines after that", got)
	}
}

func TestSource_WaitsForTheFile(t *testing.T) {
	t.Parallel()
	path := temp(t, "")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	r := open(t, path, nil)
	r.want()
	r.want()
	if len(r.log.lines) != 1 {
		t.Errorf("said %q", r.log.lines)
	}
	r.warned("does not exist")
	write(t, path, "now\n")
	r.want("now")
}

func TestSource_RefusesADirectory(t *testing.T) {
	t.Parallel()
	r := open(t, t.TempDir(), nil)
	if _, err := r.task.Poll(t.Context()); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Error(err)
	}
}

func TestSource_RefusesAWrongOffset(t *testing.T) {
	t.Parallel()
	path := temp(t, "")
	p := partition(t, map[string]any{"filename": path})
	task := newSource(t, map[string]string{"file": path, "topic": "t"})
	err := task.Open(t.Context(), connect.Assignment{
		Log: &notes{}, Offsets: stored{p: connect.NewPosition(map[string]any{"position": "x"})},
	})
	if err == nil || err.Error() != "Offset position is the incorrect type" {
		t.Error(err)
	}
	if err := task.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestSource_PlansOneTask(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"file": "f", "topic": "t", "other": "x"}
	got, err := newSource(t, settings).(connect.Planner).Plan(t.Context(), settings, 3)
	if diff := cmp.Diff([]map[string]string{settings}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestSource_ChecksOffsets has Connect's own answers.
func TestSource_ChecksOffsets(t *testing.T) {
	t.Parallel()
	const stdin = "Offsets cannot be modified if the 'file' configuration is unspecified. " +
		"This is because stdin is used for input and offsets are not tracked."
	for _, c := range []struct{ file, partition, offset, want string }{
		{"f", `{"filename":"f"}`, `{"position":1}`, ""},
		{"f", `{"filename":"f"}`, `{"position":0,"more":"x"}`, ""},
		{"f", `{"filename":"g"}`, `{"position":1}`, ""},
		{"f", `{"other":"f"}`, `{"position":1}`, "Partition objects should contain the key 'filename'"},
		{"f", `{"other":"f"}`, `{"x":1}`, "Offset objects should either be null or contain the key 'position'"},
		{"f", `{"other":"f"}`, `{"position":-1}`, "The value for the 'position' key in the offset should be a non-negative value"},
		{"f", `{"filename":"f"}`, `{"position":"1"}`, "The value for the 'position' key in the offset is expected to be a Long value"},
		{"f", `{"filename":"f"}`, `{"position":1.5}`, "The value for the 'position' key in the offset is expected to be a Long value"},
		{"f", `{"filename":"f"}`, `{"position":null}`, "The value for the 'position' key in the offset is expected to be a Long value"},
		{"f", `{"other":"f"}`, ``, ""},
		{"", `{"filename":"f"}`, `{"position":1}`, stdin},
	} {
		p, err := connect.ParsePartition([]byte(c.partition))
		if err != nil {
			t.Fatal(err)
		}
		var at connect.Position
		if c.offset != "" {
			if at, err = connect.ParsePosition([]byte(c.offset)); err != nil {
				t.Fatal(err)
			}
		}
		task := newSource(t, map[string]string{"file": c.file, "topic": "t"})
		done, err := task.(connect.OffsetAlterer).AlterOffsets(t.Context(), connect.Offsets{p: at})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want || done != (c.want == "") {
			t.Errorf("%s → %s: %t %q, want %q", c.partition, c.offset, done, got, c.want)
		}
	}
}

func TestSource_AllocatesOnePerRecord(t *testing.T) {
	path := temp(t, strings.Repeat(strings.Repeat("x", 99)+"\n", 200_000))
	task := newSource(t, map[string]string{"file": path, "topic": "t"})
	if err := task.Open(t.Context(), connect.Assignment{Offsets: stored{}, Log: &notes{}}); err != nil {
		t.Fatal(err)
	}
	defer task.Close(t.Context())
	perPoll := testing.AllocsPerRun(50, func() {
		if records, err := task.Poll(t.Context()); err != nil || len(records) != 2000 {
			t.Fatal(len(records), err)
		}
	})
	if perRecord := perPoll / 2000; perRecord > 1.01 {
		t.Errorf("%.3f allocations per record", perRecord)
	}
}
