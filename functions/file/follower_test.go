package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// replace puts another file in the place of path and returns where the old one went.
func replace(t *testing.T, path, content string) (old string) {
	t.Helper()
	old = path + ".1"
	if err := os.Rename(path, old); err != nil {
		t.Fatal(err)
	}
	write(t, path, content)
	return old
}

func TestFollower_SeesTheFileGrow(t *testing.T) {
	t.Parallel()
	path := temp(t, "one\ntw")
	r := open(t, path, nil)
	r.want("one")
	grow(t, path, "o\nthree\nfo")
	r.want("two", "three")
	if len(r.log.lines) > 0 {
		t.Errorf("said %q", r.log.lines)
	}
}

func TestFollower_ReadsARotatedFileToItsEnd(t *testing.T) {
	t.Parallel()
	path := temp(t, "one\n")
	r := open(t, path, nil)
	r.want("one")
	old := replace(t, path, "four\n")
	grow(t, old, "two\nthree\nunfinished")
	r.want("two", "three", "four")
	r.warned("replaced")
	r.warned("10") // the bytes of the unfinished line
	open(t, path, r.kept).want()
}

func TestFollower_StaysWithAFileThatWasMovedAway(t *testing.T) {
	t.Parallel()
	path := temp(t, "one\n")
	r := open(t, path, nil)
	r.want("one")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	grow(t, path+".1", "two\n")
	r.want("two")
	write(t, path, "three\n")
	r.want("three")
}

// TestFollower_RemembersAReplacement has a new file without a whole line yet: the next invocation must not look for the
// old file's position in it.
func TestFollower_RemembersAReplacement(t *testing.T) {
	t.Parallel()
	path := temp(t, "one\ntwo\n")
	r := open(t, path, nil)
	r.want("one", "two")
	replace(t, path, "thr")
	r.want()
	grow(t, path, "ee is longer than what was read\n")
	next := open(t, path, r.kept)
	next.want("three is longer than what was read")
}

func TestFollower_StartsOverInATruncatedFile(t *testing.T) {
	t.Parallel()
	path := temp(t, "one\ntwo\n")
	r := open(t, path, nil)
	r.want("one", "two")
	write(t, path, "x\n") // the same file, shorter
	r.want("x")
	r.warned("from its start")
	grow(t, path, "y\n")
	r.want("y")
}

func TestFollower_GoesOnWhenAnUnfinishedLineIsTakenBack(t *testing.T) {
	t.Parallel()
	path := temp(t, "one\ntwo\nthr")
	r := open(t, path, nil)
	r.want("one", "two")
	if err := os.Truncate(path, 8); err != nil {
		t.Fatal(err)
	}
	r.want()
	grow(t, path, "four\n")
	r.want("four")
	if len(r.log.lines) > 0 {
		t.Errorf("said %q", r.log.lines)
	}
}

// TestFollower_KnowsAnotherFile is about what happens between two invocations.
func TestFollower_KnowsAnotherFile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a line of a log\n", 100)
	for name, c := range map[string]struct {
		before string
		change func(t *testing.T, path string)
		want   []string
		warns  bool
	}{
		"appended":        {"one\n", func(t *testing.T, p string) { grow(t, p, "two\n") }, []string{"two"}, false},
		"copied":          {"one\n", func(t *testing.T, p string) { replace(t, p, "one\ntwo\n") }, []string{"two"}, false},
		"replaced, short": {"one\n", func(t *testing.T, p string) { replace(t, p, "x\n") }, []string{"x"}, true},
		"replaced, long":  {"one\n", func(t *testing.T, p string) { replace(t, p, "new\nand\nlonger\n") }, []string{"new", "and", "longer"}, true},
		"overwritten":     {"one\n", func(t *testing.T, p string) { write(t, p, "new\nmore\n") }, []string{"new", "more"}, true},
		"truncated":       {"one\n", func(t *testing.T, p string) { write(t, p, "") }, nil, true},
		"same end, other beginning": {
			"first\n" + long,
			func(t *testing.T, p string) { write(t, p, "other\n"+long[:len(long)-16]+"a line of a log\n") }, nil, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := temp(t, c.before)
			r := open(t, path, nil)
			r.poll()
			c.change(t, path)
			next := open(t, path, r.kept)
			got := next.poll()
			if c.want == nil && c.before != "one\n" {
				if len(got) != 101 {
					t.Errorf("%d lines, want the whole file again", len(got))
				}
			} else {
				var values []string
				for _, l := range got {
					values = append(values, l.Value)
				}
				if diff := cmp.Diff(c.want, values); diff != "" {
					t.Error(diff)
				}
			}
			if c.warns != (len(next.log.lines) > 0) {
				t.Errorf("said %q", next.log.lines)
			}
			// And it says so once.
			again := open(t, path, next.kept)
			if len(next.kept) > 0 {
				again.want()
				if len(again.log.lines) > 0 {
					t.Errorf("said again %q", again.log.lines)
				}
			}
		})
	}
}

func TestFollower_StartsOverWhenThePositionIsBehindTheEnd(t *testing.T) {
	t.Parallel()
	path := temp(t, "one\ntwo\n")
	r := open(t, path, at(t, path, 9))
	r.want("one", "two")
	r.warned("from its start")
	open(t, path, at(t, path, 8)).want()
}

func TestFollower_ReadsASymbolicLink(t *testing.T) {
	t.Parallel()
	path := temp(t, "one\n")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	r := open(t, link, nil)
	r.want("one")
	grow(t, path, "two\n")
	r.want("two")
}

func TestFollower_HasNoPlaceBeforeItIsOpen(t *testing.T) {
	t.Parallel()
	r := open(t, filepath.Join(t.TempDir(), "none"), nil)
	if p := r.task.(connect.Positioner).Position(); p != nil {
		t.Error(p)
	}
}
