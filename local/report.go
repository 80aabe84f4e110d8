package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"slices"
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
	// accounts shows how connectors are doing; last is true when everything has ended.
	accounts(all []account, last bool)
}

// welcome is what somebody who just started the desk wants to know.
type welcome struct {
	Kafka, REST, Registry, Table, Data, Logs string // Registry is "" if there is none
	Source, Sink                             string // the demo's files
	Connectors                               []string
	Running                                  int // how many connectors there are
}

// newReporter chooses how to report what runs.
func newReporter(mode string, out *os.File) (reporter, error) {
	switch mode {
	case "auto":
		if term.IsTerminal(int(out.Fd())) {
			return newLive(out), nil
		}
		return newLines(slog.New(plainHandler(out))), nil
	case "lines":
		return newLines(slog.New(plainHandler(out))), nil
	case "json":
		return newLines(slog.New(slog.NewJSONHandler(out, nil))), nil
	}
	return nil, fmt.Errorf("--log %s: choose auto, lines or json%w", mode, errUsage)
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
	l.log.Info("started", "kafka", w.Kafka, "rest", "http://"+w.REST, "registry", cmp.Or(w.Registry, "none"), "table", w.Table, "data", w.Data, "logs", w.Logs,
		"classes", strings.Join(w.Connectors, ","), "connectors", w.Running)
	if w.Sink != "" {
		l.log.Info("demo", "source file", w.Source, "topic", demoTopic, "sink file", w.Sink)
		l.log.Info("try", "look", "tail -f "+w.Sink, "add", "echo hello >> "+w.Source)
	}
}

func (l *lines) event(level slog.Level, text string, args ...any) {
	l.log.Log(context.Background(), level, text, args...)
}

// progressEvery is how often a connector that moves gets a line.
const progressEvery = 5 * time.Second

// accounts writes a line for each connector that moved, now and then and at the end.
func (l *lines) accounts(all []account, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !last && time.Since(l.at) < progressEvery {
		return
	}
	l.at = time.Now()
	for _, a := range all {
		before := l.last[a.Name]
		if before.In == a.In && before.Out == a.Out && before.State == a.State && before.Dead == a.Dead && before.Note == a.Note {
			continue
		}
		l.last[a.Name] = a
		args := []any{"connector", a.Name, "state", a.State, "in", a.In, "out", a.Out, "rate", math.Round(a.Rate*10) / 10}
		if a.Lag >= 0 {
			args = append(args, "lag", a.Lag)
		}
		if a.Dead > 0 {
			args = append(args, "dead letters", a.Dead)
		}
		if a.Note != "" {
			args = append(args, "note", a.Note)
		}
		l.log.Info("progress", args...)
	}
	if last {
		l.log.Info("ended")
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
	b.WriteString(r.Time.Format(time.TimeOnly))
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
	return &plain{out: p.out, attrs: append(slices.Clip(p.attrs), attrs...)}
}

func (p *plain) WithGroup(string) slog.Handler { return p }
