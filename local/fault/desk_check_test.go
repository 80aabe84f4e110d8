//go:build unix

package fault_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// compare checks what the desk left behind: the source's file against the topic, and that against the sink's file.
func (d *desk) compare(ctx context.Context) error {
	return d.look(ctx, func(brokers string, position int64) error {
		if position != d.in.position() {
			return fmt.Errorf("at the end position %d of %d is committed", position, d.in.position())
		}
		if err := d.askWhyItGaveUp(); err != nil {
			return err
		}
		records, err := readTopic(ctx, brokers, d.name)
		if err != nil {
			return err
		}
		sent, err := numbers(records)
		if err != nil {
			return err
		}
		lines, err := d.in.linesAt(d.starts)
		if err != nil {
			return err
		}
		if d.gaveUp != "" {
			lines = withFalls(sent, lines)
		}
		if err := compare(sent, upTo(len(d.in.ends)), lines); err != nil {
			said, _ := os.ReadFile(d.path(filepath.Join("data", "logs", d.name+"-source.log")))
			return fmt.Errorf("in the topic: %w; the source's log:\n%s", err, said[max(0, len(said)-20_000):])
		}
		got, err := readFile(d.path("out"))
		if err != nil {
			return err
		}
		if err := compare(got, sent, d.restarts); err != nil {
			return fmt.Errorf("in the file of the sink: %w", err)
		}
		d.repeated = len(got) - len(d.in.ends)
		return nil
	})
}

// askWhyItGaveUp notes whether an invocation of the source ended before Kafka had acknowledged what it sent, or could not keep
// its lease, as one may on a machine that has much else to do.
func (d *desk) askWhyItGaveUp() error {
	said, err := os.ReadFile(d.path(filepath.Join("data", "logs", d.name+"-source.log")))
	for _, sign := range []string{"waiting for Kafka to acknowledge", kafka.ErrDeliveryTimeout.Error(), `"did":"fenced"`} {
		if bytes.Contains(said, []byte(sign)) {
			d.gaveUp = sign
		}
	}
	return err
}

// withFalls adds to the starts that are known those that are not: after an invocation that gave up, the next one starts at
// what it had committed, and nobody sees that from outside. It is not before what was committed when the desk was killed.
func withFalls(sent, starts []int) []int {
	var all []int
	used, last := 0, 0
	for _, n := range sent {
		if n-1 < last {
			known := slices.Index(starts[used:], n-1)
			switch {
			case known >= 0:
				all = append(all, starts[used:used+known+1]...)
				used += known + 1
			case used == 0 || n-1 >= starts[used-1]:
				all = append(all, n-1)
			}
		}
		last = n
	}
	return append(all, starts[used:]...)
}

func TestWithFalls(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		sent, starts []int
		good         bool
	}{
		{"none", []int{1, 2, 3}, nil, true},
		{"a known one", []int{1, 2, 2, 3}, []int{1}, true},
		{"an unknown one", []int{1, 2, 2, 3}, nil, true},
		{"unknown after known", []int{1, 2, 2, 3, 3, 4}, []int{1}, true},
		{"unknown before known", []int{1, 2, 2, 3, 3, 4}, []int{2}, true},
		{"before what was committed", []int{1, 2, 3, 3, 4, 1, 2, 3, 4}, []int{2}, false},
		{"a gap", []int{1, 2, 4}, nil, false},
		{"a gap after a fall", []int{1, 2, 1, 3, 4}, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			most := slices.Max(test.sent)
			if err := compare(test.sent, upTo(most), withFalls(test.sent, test.starts)); (err == nil) != test.good {
				t.Error(err)
			}
		})
	}
}

// readFile returns the numbers of a file's lines.
func readFile(path string) ([]int, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var out []int
	for text := range strings.Lines(string(content)) {
		n, err := numberOf(strings.TrimSuffix(text, "\n"))
		if err != nil {
			return nil, fmt.Errorf("line %d of %s: %w", len(out)+1, path, err)
		}
		out = append(out, n)
	}
	if len(content) > 0 && content[len(content)-1] != '\n' {
		return nil, fmt.Errorf("%s ends in a torn line", path)
	}
	return out, nil
}
