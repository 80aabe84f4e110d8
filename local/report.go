package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// reporter tells a person, or a machine, what runs.
type reporter interface {
	// started says what was started, and where to look.
	started(w welcome)
	// event says that something happened.
	event(level slog.Level, text string, args ...any)
	// accounts shows how connectors are doing.
	accounts(all []account)
}

// welcome is what somebody who just started the desk wants to know.
type welcome struct {
	Kafka, REST, Table, Data, Logs string
	Source, Sink                   string // the demo's files
	Connectors                     []string
}

// lines reports in lines: of a person's text or of JSON, as the handler writes them.
type lines struct {
	log *slog.Logger

	mu   sync.Mutex
	last map[string]account
	at   time.Time
}

func newLines(log *slog.Logger) *lines { return &lines{log: log, last: map[string]account{}} }

func (l *lines) started(w welcome) {
	l.log.Info("started", "kafka", w.Kafka, "rest", "http://"+w.REST, "table", w.Table, "data", w.Data, "logs", w.Logs, "connectors", strings.Join(w.Connectors, ","))
	if w.Sink != "" {
		l.log.Info("demo", "source file", w.Source, "topic", demoTopic, "sink file", w.Sink)
		l.log.Info("try", "look", "tail -f "+w.Sink, "add", "echo hello >> "+w.Source)
	}
}

func (l *lines) event(level slog.Level, text string, args ...any) {
	l.log.Log(context.Background(), level, text, args...)
}

// accounts writes a line for each connector that moved, every five seconds.
func (l *lines) accounts(all []account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) < 5*time.Second {
		return
	}
	l.at = time.Now()
	for _, a := range all {
		before := l.last[a.Name]
		if before.In == a.In && before.Out == a.Out && before.State == a.State {
			continue
		}
		l.last[a.Name] = a
		args := []any{"connector", a.Name, "state", a.State, "in", a.In, "out", a.Out, "rate", fmt.Sprintf("%.0f/s", a.Rate)}
		if a.Lag >= 0 {
			args = append(args, "lag", a.Lag)
		}
		l.log.Info("progress", args...)
	}
}

// plainHandler writes what a person reads: the time, the text, and what belongs to it.
func plainHandler(out io.Writer) slog.Handler { return &plain{out: out} }

type plain struct {
	out   io.Writer
	attrs []slog.Attr
}

func (p *plain) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (p *plain) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	b.WriteString(r.Time.Format("15:04:05"))
	if r.Level > slog.LevelInfo {
		b.WriteString(" " + r.Level.String())
	}
	b.WriteString(" " + r.Message)
	write := func(a slog.Attr) bool {
		fmt.Fprintf(&b, "  %s: %v", a.Key, a.Value)
		return true
	}
	for _, a := range p.attrs {
		write(a)
	}
	r.Attrs(write)
	b.WriteByte('\n')
	_, err := p.out.Write(b.Bytes())
	return err
}

func (p *plain) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &plain{out: p.out, attrs: append(p.attrs[:len(p.attrs):len(p.attrs)], attrs...)}
}

func (p *plain) WithGroup(string) slog.Handler { return p }

// live redraws an account of all connectors in place, for a person at a terminal.
type live struct {
	out *os.File

	mu     sync.Mutex
	head   welcome
	events []string
	drawn  int // lines of the last drawing
}

func newLive(out *os.File) *live { return &live{out: out} }

func (l *live) started(w welcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.head = w
	fmt.Fprintf(l.out, "Sluice is up. Ctrl-C ends it; a second start goes on where it ended.\n\n")
	fmt.Fprintf(l.out, "  Kafka  %s\n  REST   http://%s\n  data   %s\n  logs   %s\n", w.Kafka, w.REST, w.Data, w.Logs)
	if w.Sink != "" {
		fmt.Fprintf(l.out, "\nThe demo: lines of a growing file go to topic %s and from there to another file.\n\n", demoTopic)
		fmt.Fprintf(l.out, "  source file: %s\n  sink file:   %s\n\n", w.Source, w.Sink)
		fmt.Fprintf(l.out, "Try in another terminal:  tail -f %s\n                          echo hello >> %s\n", w.Sink, w.Source)
	}
	fmt.Fprintln(l.out)
}

// keptEvents is how many of the last events stay on the screen.
const keptEvents = 5

func (l *live) event(level slog.Level, text string, args ...any) {
	if level < slog.LevelWarn {
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", time.Now().Format("15:04:05"), text)
	for i := 0; i+1 < len(args); i += 2 {
		fmt.Fprintf(&b, "  %v: %v", args[i], args[i+1])
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, strings.ReplaceAll(b.String(), "\n", " "))
	if len(l.events) > keptEvents {
		l.events = l.events[len(l.events)-keptEvents:]
	}
}

func (l *live) accounts(all []account) {
	l.mu.Lock()
	defer l.mu.Unlock()
	width, _, err := term.GetSize(int(l.out.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	rows := []string{fmt.Sprintf("%-24s %-8s %-10s %12s %12s %10s %10s  %s", "CONNECTOR", "TYPE", "STATE", "IN", "OUT", "RATE/S", "LAG", "LAST ERROR")}
	for _, a := range all {
		lag := "-"
		if a.Lag >= 0 {
			lag = fmt.Sprint(a.Lag)
		}
		failure := ""
		if a.LastError != "" {
			failure = a.LastErrorAt.Format("15:04:05 ") + strings.ReplaceAll(a.LastError, "\n", " ")
		}
		rows = append(rows, fmt.Sprintf("%-24s %-8s %-10s %12d %12d %10.0f %10s  %s", a.Name, a.Kind, a.State, a.In, a.Out, a.Rate, lag, failure))
	}
	if len(l.events) > 0 {
		rows = append(append(rows, ""), l.events...)
	}
	var b strings.Builder
	if l.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", l.drawn)
	}
	b.WriteString("\x1b[J")
	for _, row := range rows {
		if r := []rune(row); len(r) >= width {
			row = string(r[:width-1]) // a wrapped row would break the counting of lines
		}
		b.WriteString(row + "\n")
	}
	l.drawn = len(rows)
	fmt.Fprint(l.out, b.String())
}
