package aws_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/local/aws"
)

const (
	costs = "../../infra/COST.md"
	// defaultMemory is what the stack's parameters SourceMemory and SinkMemory default to.
	defaultMemory = 512
)

func measured(t *testing.T) aws.Measured {
	t.Helper()
	var all aws.Measured
	text, err := os.ReadFile("testdata/measured.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// The tables of COST.md are those that follow from what was measured and from the list prices.
func TestCost_TablesAreThoseOfWhatWasMeasured(t *testing.T) {
	t.Parallel()
	all := measured(t)
	cost, err := aws.Table(aws.List(), all, defaultMemory)
	if err != nil {
		t.Fatal(err)
	}
	quota := fmt.Sprintf("Share of a processor: memory / 1,769 MB, by %s.\n", all.Quota)
	text, err := os.ReadFile(costs)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, table := range map[string]string{"cost": "In US dollars a month, " + aws.List().As + ".\n\n" + cost, "memory": quota + "\n" + aws.MemoryTable(aws.List(), all)} {
		before, rest, ok := strings.Cut(want, "<!-- "+name+" -->\n")
		_, after, closed := strings.Cut(rest, "<!-- end -->")
		if !ok || !closed {
			t.Fatalf("%s has no place for the table of %s", costs, name)
		}
		want = before + "<!-- " + name + " -->\n" + table + "<!-- end -->" + after
	}
	if *update {
		if err := os.WriteFile(costs, []byte(want), 0o644); err != nil { //nolint:gosec // it is part of the tree
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(text), "\n")); diff != "" {
		t.Errorf("%s is not what follows now (-update writes it):\n%s", costs, diff)
	}
}

// One that is easy to reckon by hand.
func TestCost_OfOneRecordASecond(t *testing.T) {
	t.Parallel()
	p := aws.Prices{GBSecond: 1, Request: 100, Tick: 1000, Write: 0, Read: 0}
	m := aws.Memory{
		Megabytes: 1024,
		Source:    aws.Function{One: 1000, Many: 1000 + 10*99, Records: 100}, // a second, and 10 ms for each further record
		Sink:      aws.Function{One: 2000, Many: 2000, Records: 100},         // two seconds, however many
	}
	got := aws.Cost(p, m, 1)
	const ticks, batches = 730 * 60, 730 * 3600
	if want := ticks * (1.6 + 100 + 1000.0); got.Source < want*0.999 || got.Source > want*1.001 {
		t.Errorf("the source costs %f, want %f", got.Source, want)
	}
	if want := batches * (2 + 100.0); got.Sink < want*0.999 || got.Sink > want*1.001 {
		t.Errorf("the sink costs %f, want %f", got.Sink, want)
	}
	// A thousand a second are two full batches a second.
	if got, want := aws.Cost(p, m, 1000).Sink, 2*batches*(2+100.0); got < want*0.999 || got > want*1.001 {
		t.Errorf("at a thousand a second the sink costs %f, want %f", got, want)
	}
}
