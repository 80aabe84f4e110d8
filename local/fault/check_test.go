//go:build unix

package fault_test

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/twmb/franz-go/pkg/kgo"
)

// line is the text of a number: of changing length, and not all of it ASCII.
func line(n int) string {
	return fmt.Sprintf("%d %s%s.", n, strings.Repeat("abcdefg ", n*7919%13), [...]string{"", "é", "€", "😀"}[n%4])
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

// compare checks the numbers at the destination of one source partition: 1 to last, in order, where a later attempt may
// fall back to behind what it started from, one attempt after the other. It returns how many came more than once.
func compare(got []int, last int, starts []int) (repeated int, err error) {
	high, attempt := 0, 0
	for i, n := range got {
		if n > last || n < 1 {
			return 0, fmt.Errorf("%d at place %d was never written", n, i)
		}
		if i > 0 && n == got[i-1]+1 || i == 0 && n == 1 {
			if n <= high {
				repeated++
			}
			high = max(high, n)
			continue
		}
		if n > high+1 {
			return 0, fmt.Errorf("%d follows %d at place %d: lines are lost or out of order (starts %v)", n, got[max(0, i-1)], i, starts)
		}
		for attempt++; attempt < len(starts) && starts[attempt] != n-1; attempt++ {
		}
		if attempt >= len(starts) {
			return 0, fmt.Errorf("%d follows %d at place %d, and no further attempt started there (starts %v)", n, got[max(0, i-1)], i, starts)
		}
		repeated++
	}
	if high != last {
		return 0, fmt.Errorf("%d lines of %d arrived", high, last)
	}
	return repeated, nil
}
