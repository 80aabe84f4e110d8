package main

import (
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// live redraws an account of all connectors in place, for a person at a terminal.
type live struct {
	out    *os.File
	colour bool

	mu     sync.Mutex
	events []string
	drawn  int // lines of the last drawing
}

func newLive(out *os.File) *live {
	return &live{out: out, colour: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (l *live) started(w welcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	b.WriteString("Sluice is up. Ctrl-C ends it; the next start goes on where this one ended.\n\n")
	fmt.Fprintf(&b, "  Kafka  %s\n  REST   http://%s\n", w.Kafka, w.REST)
	if w.Registry != "" {
		fmt.Fprintf(&b, "  schema registry  %s\n", w.Registry)
	}
	fmt.Fprintf(&b, "  data   %s\n  logs   %s\n\n", w.Data, w.Logs)
	switch {
	case w.Sink != "":
		fmt.Fprintf(&b, "This is the demo: lines of a growing file go to the topic %q, and from there to another file.\n\n", demoTopic)
		fmt.Fprintf(&b, "  from  %s\n  to    %s\n\n", w.Source, w.Sink)
		fmt.Fprintf(&b, "Try in another terminal:\n\n  tail -f %s\n  echo hello >> %s\n\n", w.Sink, w.Source)
		b.WriteString("To run your own connectors: sluice up connector.json …\n\n")
	case w.Running == 0:
		b.WriteString("There are no connectors. Create some by REST, or end this and run: sluice up connector.json …\n\n")
	}
	l.write(b.String())
}

// write is for somebody who looks. A terminal that is gone must not end what runs.
func (l *live) write(text string) { _, _ = l.out.WriteString(text) }

// keptEvents is how many of the last events stay on the screen.
const keptEvents = 5

// event keeps what does not concern a connector alone; those have a place of their own.
func (l *live) event(level slog.Level, text string, args ...any) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", time.Now().Format(time.TimeOnly), text)
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == "connector" {
			return
		}
		fmt.Fprintf(&b, "  %v: %v", args[i], args[i+1])
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, oneLine(b.String()))
	if len(l.events) > keptEvents {
		l.events = l.events[len(l.events)-keptEvents:]
	}
}

func (l *live) accounts(all []account, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	width, height, err := term.GetSize(int(l.out.Fd()))
	if err != nil || width < 20 || height < 5 {
		width, height = 80, 24
	}
	rows := l.rows(all, width-1, time.Now()) // a row of the full width may wrap, which would break the counting of rows
	if fit := height - 1; len(rows) > fit && !last {
		rows = append(rows[:fit-1], row{text: fmt.Sprintf("… and %d more lines", len(rows)-fit+1)})
	}
	var b strings.Builder
	b.WriteByte('\r') // the terminal writes ^C where the cursor is
	if l.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", l.drawn)
	}
	b.WriteString("\x1b[J")
	for _, r := range rows {
		b.WriteString(r.paint(l.colour) + "\n")
	}
	if l.drawn = len(rows); last {
		b.WriteString("Ended. The next start goes on from here.\n")
	}
	l.write(b.String())
}

// row is a line on the screen. The colour, an escape code's number, applies to all of it or, if mark is not empty, to the
// first occurrence of mark.
type row struct{ text, mark, colour string }

func (r row) paint(colour bool) string {
	if !colour || r.colour == "" {
		return r.text
	}
	mark := r.mark
	if mark == "" {
		mark = r.text
	}
	return strings.Replace(r.text, mark, "\x1b["+r.colour+"m"+mark+"\x1b[0m", 1)
}

// The colours, by their escape codes.
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	faint  = "2"
)

// rows are the lines of a drawing, none longer than width.
func (l *live) rows(all []account, width int, now time.Time) []row {
	named := len("CONNECTOR")
	for _, a := range all {
		named = max(named, min(utf8.RuneCountInString(a.Name), width/3))
	}
	line := func(name, kind, state, in, out, rate, lag string) string {
		return cut(fmt.Sprintf("%-*s  %-6s  %-10s  %9s  %9s  %7s  %7s", named, cut(name, named), kind, state, in, out, rate, lag), width)
	}
	var rows []row
	if len(all) > 0 {
		rows = append(rows, row{text: line("CONNECTOR", "TYPE", "STATE", "IN", "OUT", "PER SEC", "LAG"), colour: faint})
	}
	for _, a := range all {
		lag := "-"
		if a.Lag >= 0 {
			lag = fmt.Sprint(a.Lag)
		}
		text := line(a.Name, a.Kind, a.State, fmt.Sprint(a.In), fmt.Sprint(a.Out), rate(a.Rate), lag)
		rows = append(rows, row{text, "  " + a.State + " ", stateColour(a.State)})
		if a.Note != "" {
			rows = append(rows, row{cut("  "+a.Note, width), "", faint})
		}
		if a.Dead > 0 {
			rows = append(rows, row{cut(fmt.Sprintf("  dead letters: %d", a.Dead), width), "", yellow})
		}
		rows = append(rows, failure(a, width, now)...)
	}
	if len(l.events) > 0 {
		rows = append(rows, row{})
		for _, e := range l.events {
			rows = append(rows, row{text: cut(e, width)})
		}
	}
	return rows
}

func stateColour(state string) string {
	switch state {
	case "RUNNING":
		return green
	case "FAILED":
		return red
	}
	return yellow
}

// rate is a number of records per second: exact where it is small.
func rate(r float64) string {
	if r >= 0.05 && r < 9.95 {
		return fmt.Sprintf("%.1f", r)
	}
	return fmt.Sprintf("%.0f", r)
}

// mostErrorRows is how many rows an error may take; the log has all of it.
const mostErrorRows = 4

// failure shows a connector's last error below its row.
func failure(a account, width int, now time.Time) []row {
	if a.LastError == "" {
		return nil
	}
	text, colour := a.LastErrorAt.Format(time.TimeOnly)+" "+a.LastError, red
	if !a.Failing {
		text, colour = "recovered from: "+text, faint
	}
	var rows []row
	for _, part := range wrap(text, width-2) {
		if len(rows) == mostErrorRows {
			rows[mostErrorRows-1].text = cut(rows[mostErrorRows-1].text, width-1) + "…"
			break
		}
		rows = append(rows, row{"  " + part, "", colour})
	}
	// To a sink the pace of its trigger applies, which is quicker.
	if a.Failing && a.Kind == "source" && a.Next.After(now) {
		rows = append(rows, row{cut(fmt.Sprintf("  next attempt in %s", a.Next.Sub(now).Round(time.Second)), width), "", faint})
	}
	return rows
}

// cut shortens a text to n characters.
func cut(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(slices.Concat(r[:max(0, n-1)], []rune("…")))
	}
	return text
}

// wrap breaks a text into lines of at most n characters, between words where there are any.
func wrap(text string, n int) []string {
	var lines []string
	rest := []rune(text)
	for len(rest) > n {
		at := n
		for i := n; i > n/2; i-- {
			if rest[i] == ' ' {
				at = i
				break
			}
		}
		lines = append(lines, string(rest[:at]))
		for rest = rest[at:]; len(rest) > 0 && rest[0] == ' '; rest = rest[1:] {
		}
	}
	return append(lines, string(rest))
}
