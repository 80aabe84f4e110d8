package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// account is what is known of a connector's running, fed by the metrics its functions print and by the table.
type account struct {
	Name, Kind, State string
	In, Out, Dead     int64
	Rate              float64 // records out per second, over the last few seconds
	Lag               int64   // of a sink; -1 if not known
	Note              string  // what it waits for, if it does
	// LastError is the last failure in one line, with the time it was last seen. Next is when the next attempt is due, zero
	// if none is known of. Failing tells that it has not done well since.
	LastError   string
	LastErrorAt time.Time
	Next        time.Time
	Failing     bool
	// Counters are sums over the lines of metrics, by task and by name; Gauges are the last line's.
	Counters, Gauges map[series]float64

	tasks    map[int]offset.Count // by number
	sample   int64
	sampleAt time.Time
}

// series is a number of a task that changes with time.
type series struct{ Task, Name string }

// tally adds to what a task did.
func (a *account) tally(task int, in, out int64) {
	if a.tasks == nil {
		a.tasks = map[int]offset.Count{}
	}
	c := a.tasks[task]
	if c.Since.IsZero() {
		c.Since = time.Now()
	}
	c.In, c.Out = c.In+in, c.Out+out
	a.tasks[task] = c
}

// ledger keeps the accounts of all connectors.
type ledger struct {
	mu  sync.Mutex
	all map[string]*account
}

func newLedger() *ledger { return &ledger{all: map[string]*account{}} }

// update changes a connector's account, making it if need be.
func (l *ledger) update(name string, change func(*account)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.all[name]
	if a == nil {
		a = &account{Name: name, Lag: -1}
		l.all[name] = a
	}
	change(a)
}

// fail notes a failure at a time and tells whether it is news: a failure that repeats itself is not, until the connector
// did well again.
func (l *ledger) fail(name, text string, at time.Time) (news bool) {
	text = oneLine(text)
	l.update(name, func(a *account) {
		news = !a.Failing || a.LastError != text
		a.Failing, a.LastError, a.LastErrorAt = true, text, at
	})
	return news
}

// recover notes that a connector does well and tells whether that is news.
func (l *ledger) recover(name string) (news bool) {
	l.update(name, func(a *account) {
		news = a.Failing
		a.Failing, a.Next = false, time.Time{}
	})
	return news
}

// oneLine is a text's first line, which says what is wrong; a stack trace may follow.
func oneLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}

func (l *ledger) remove(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, name)
}

// snapshot returns copies of all accounts by name, with their rates since the last call at least a second ago.
func (l *ledger) snapshot(now time.Time) []account {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]account, 0, len(l.all))
	for _, name := range slices.Sorted(maps.Keys(l.all)) {
		a := l.all[name]
		if span := now.Sub(a.sampleAt); span >= time.Second {
			if !a.sampleAt.IsZero() {
				// Half of what was, so that what comes every other second does not jump.
				a.Rate = (a.Rate + float64(a.Out-a.sample)/span.Seconds()) / 2
			}
			a.sample, a.sampleAt = a.Out, now
		}
		copied := *a
		copied.Counters, copied.Gauges = maps.Clone(a.Counters), maps.Clone(a.Gauges)
		out = append(out, copied)
	}
	return out
}

// metricsTap copies what a function prints to its log and reads the lines of metrics on the way.
type metricsTap struct {
	log    io.Writer
	ledger *ledger
	// failed hears of failures as they are reported.
	failed func(connector, text string)
	// did hears of invocations that did what they should.
	did func(connector string)
}

// Write implements io.Writer; it is given whole lines.
func (t *metricsTap) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if bytes.HasPrefix(line, []byte(`{"_aws":`)) {
			t.read(line)
		}
	}
	return t.log.Write(p)
}

func (t *metricsTap) read(line []byte) {
	var m map[string]any
	if json.Unmarshal(line, &m) != nil {
		return
	}
	text := func(name string) string { s, _ := m[name].(string); return s }
	name := text("connector")
	if name == "" {
		return
	}
	t.ledger.update(name, func(a *account) {
		a.count(text("task"), text("did"), m)
	})
	switch {
	case text("error") != "":
		t.failed(name, text("error"))
	case text("did") == "ran":
		t.did(name)
	}
}

// count adds a line of metrics to the account.
func (a *account) count(task, did string, line map[string]any) {
	number := func(name string) float64 { n, _ := line[name].(float64); return n }
	in := int64(number("source-record-poll-total") + number("sink-record-read-total"))
	out := int64(number("source-record-write-total") + number("sink-record-send-total"))
	a.In, a.Out = a.In+in, a.Out+out
	if id, err := strconv.Atoi(task); err == nil {
		a.tally(id, in, out)
	}
	a.Dead += int64(number("dead-letter-write-total"))
	if a.Counters == nil {
		a.Counters, a.Gauges = map[series]float64{}, map[series]float64{}
	}
	a.Counters[series{task, "invocations:" + did}]++
	for _, m := range exported {
		n, ok := line[m.name].(float64)
		switch {
		case !ok:
		case m.counter:
			a.Counters[series{task, m.name}] += n
		default:
			a.Gauges[series{task, m.name}] = n
		}
	}
}
