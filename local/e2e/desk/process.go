package desk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// Started is what the desk says when it is up.
type Started struct {
	Kafka, REST, Registry, Table, Data, Logs string
}

// Process is a running desk.
type Process struct {
	Started

	cmd    *exec.Cmd
	stderr bytes.Buffer
	gone   chan struct{} // closed when it has ended and its output was read
	end    error

	mu    sync.Mutex
	lines []string
}

// Up runs `sluice up --log json args…` in dir and returns when it is up. The process is killed when ctx ends.
func (b Binaries) Up(ctx context.Context, dir string, args ...string) (*Process, error) {
	p := &Process{gone: make(chan struct{})}
	p.cmd = b.Command(ctx, dir, slices.Concat([]string{"up", "--log", "json"}, args)...)
	p.cmd.Stderr = &p.stderr
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("reading what the desk prints: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the desk: %w", err)
	}
	up := make(chan struct{})
	go p.read(output, up)
	select {
	case <-up:
		return p, nil
	case <-p.gone:
		return nil, fmt.Errorf("the desk ended at once: %w: %s", p.end, p.stderr.String())
	case <-ctx.Done():
		<-p.gone
		return nil, fmt.Errorf("the desk did not come up: %w: %s", context.Cause(ctx), p.stderr.String())
	}
}

// read reads the desk's lines until it has ended, and closes up when it says that it is up.
func (p *Process) read(output io.Reader, up chan<- struct{}) {
	defer close(p.gone)
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			Msg                                      string
			Kafka, REST, Registry, Table, Data, Logs string
		}
		if p.Started.Kafka == "" && json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "started" {
			p.Started = Started{line.Kafka, line.REST, line.Registry, line.Table, line.Data, line.Logs}
			close(up)
		}
		p.mu.Lock()
		p.lines = append(p.lines, lines.Text())
		p.mu.Unlock()
	}
	p.end = p.cmd.Wait()
}

// Lines returns what the desk printed so far.
func (p *Process) Lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.lines)
}

// Gone is closed when the desk has ended.
func (p *Process) Gone() <-chan struct{} { return p.gone }

// PID is the desk's process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Interrupt presses Ctrl-C and returns how long the desk took to end. The error is what it said, if it did not end well.
func (p *Process) Interrupt() (time.Duration, error) {
	start := time.Now()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return 0, fmt.Errorf("interrupting the desk: %w", err)
	}
	<-p.gone
	took := time.Since(start)
	if p.end != nil {
		return took, fmt.Errorf("the desk ended badly: %w: %s", p.end, p.stderr.String())
	}
	return took, nil
}

// Kill ends the desk at once, as kill -9 does, and waits until it is gone.
func (p *Process) Kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("killing the desk: %w", err)
	}
	<-p.gone
	return nil
}
