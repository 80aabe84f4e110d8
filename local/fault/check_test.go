//go:build unix

package fault_test

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kgo"
)

// line is the text of a number: of changing length, now and then long, and not all of it ASCII.
func line(n int) string {
	words := n * 7919 % 13
	if n%101 == 0 {
		words = 3000
	}
	return fmt.Sprintf("%d %s%s.", n, strings.Repeat("abcdefg ", words), [...]string{"", "é", "€", "😀"}[n%4])
}

// numberOf is the number of a text, if it is a whole line.
func numberOf(text string) (int, error) {
	digits, _, _ := strings.Cut(text, " ")
	n, err := strconv.Atoi(digits)
	if err != nil || text != line(n) {
		return 0, fmt.Errorf("this is no line: %q", text)
	}
	return n, nil
}

// input is a file that grows by numbered lines, from 1.
type input struct {
	path string
	ends []int64 // the position behind each line, in UTF-16 units
}

// grow adds n lines in one write.
func (in *input) grow(n int) error {
	var b strings.Builder
	position := in.position()
	for range n {
		text := line(len(in.ends)+1) + "\n"
		b.WriteString(text)
		position += int64(len(utf16.Encode([]rune(text))))
		in.ends = append(in.ends, position)
	}
	f, err := os.OpenFile(in.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(b.String())
	return errors.Join(err, f.Close())
}

// position is that of the end.
func (in *input) position() int64 {
	if len(in.ends) == 0 {
		return 0
	}
	return in.ends[len(in.ends)-1]
}

// lineAt is how many lines end before a position.
func (in *input) lineAt(position int64) (int, error) {
	if position == 0 {
		return 0, nil
	}
	i := sort.Search(len(in.ends), func(i int) bool { return in.ends[i] >= position })
	if i == len(in.ends) || in.ends[i] != position {
		return 0, fmt.Errorf("position %d is not the end of a line", position)
	}
	return i + 1, nil
}

// linesAt is how many lines end before each of these positions.
func (in *input) linesAt(positions []int64) ([]int, error) {
	lines := make([]int, len(positions))
	for i, position := range positions {
		var err error
		if lines[i], err = in.lineAt(position); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// numbers are those of a topic's records, of one partition.
func numbers(records []*kgo.Record) ([]int, error) {
	out := make([]int, len(records))
	for i, r := range records {
		n, err := numberOf(string(r.Value))
		if err != nil {
			return nil, fmt.Errorf("record %d of %s-%d: %w", r.Offset, r.Topic, r.Partition, err)
		}
		out[i] = n
	}
	return out, nil
}

// compare checks what arrived against what was sent, in order. A later attempt may begin anew at an earlier place: restarts
// are the places in sent from which the attempts went on, in order. Nothing else may come twice, and nothing may be missing.
func compare(got, sent, restarts []int) error {
	// Where the same value was sent more than once there may be several ways to explain what arrived: from the place in
	// sent of the next value to the number of restarts used up, the least.
	ways := map[int]int{0: 0}
	for i, n := range got {
		next := map[int]int{}
		reach := func(place, used int) {
			if sent[place] != n {
				return
			}
			if least, ok := next[place+1]; !ok || used < least {
				next[place+1] = used
			}
		}
		for place, used := range ways {
			if place < len(sent) {
				reach(place, used)
			}
			for r := used; r < len(restarts); r++ {
				if restarts[r] < place {
					reach(restarts[r], r+1)
				}
			}
		}
		if len(next) == 0 {
			return fmt.Errorf("at place %d there is %d (…%v); by what was sent there could be %s, and attempts began at %v",
				i, n, got[max(0, i-5):i], expected(ways, sent), restarts)
		}
		ways = next
	}
	if _, ok := ways[len(sent)]; !ok {
		return fmt.Errorf("after %d of %d something is missing: %s should follow", len(got), len(sent), expected(ways, sent))
	}
	return nil
}

// expected names what could come next.
func expected(ways map[int]int, sent []int) string {
	var out []string
	for place, used := range ways {
		what := "the end"
		if place < len(sent) {
			what = strconv.Itoa(sent[place])
		}
		out = append(out, fmt.Sprintf("%s (%d of %d sent, %d attempts used up)", what, place, len(sent), used))
	}
	return strings.Join(out, " or ")
}

// upTo are the numbers from 1 to n.
func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		got, sent []int
		restarts  []int
		good      bool
	}{
		{"exact", []int{1, 2, 3}, []int{1, 2, 3}, nil, true},
		{"nothing", nil, nil, nil, true},
		{"again from a restart", []int{1, 2, 2, 3}, []int{1, 2, 3}, []int{0, 1}, true},
		{"a restart without effect", []int{1, 2, 3}, []int{1, 2, 3}, []int{0, 1, 2}, true},
		{"again without a restart", []int{1, 2, 2, 3}, []int{1, 2, 3}, []int{0}, false},
		{"again from before the restart", []int{1, 2, 3, 1, 2, 3}, []int{1, 2, 3}, []int{1}, false},
		{"restarts in another order", []int{1, 2, 3, 2, 3, 1, 2, 3}, []int{1, 2, 3}, []int{0, 1}, false},
		{"a restart ahead", []int{1, 3}, []int{1, 2, 3}, []int{2}, false},
		{"lost", []int{1, 3}, []int{1, 2, 3}, nil, false},
		{"lost at the end", []int{1, 2}, []int{1, 2, 3}, nil, false},
		{"lost at the end after a restart", []int{1, 2, 3, 2}, []int{1, 2, 3}, []int{1}, false},
		{"swapped", []int{2, 1, 3}, []int{1, 2, 3}, []int{0}, false},
		{"never sent", []int{1, 2, 3, 4}, []int{1, 2, 3}, []int{0}, false},
		{"sent twice", []int{1, 2, 1, 2, 1, 2, 3}, []int{1, 2, 1, 2, 3}, []int{2}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := compare(test.got, test.sent, test.restarts); (err == nil) != test.good {
				t.Error(err)
			}
		})
	}
}
