package function

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"
)

// maxLine is the longest line that is logged whole.
const maxLine = 256 << 10

// process is one bootstrap and its runtime API.
type process struct {
	pool    *pool
	version version
	started time.Time

	cmd      *exec.Cmd
	listener net.Listener
	tmp      string
	inbox    chan *invocation // at most one
	ready    chan struct{}    // closed when it asks for its first event
	gone     chan struct{}    // closed when it has ended and left nothing behind
	drained  chan struct{}    // closed when its output was read to the end

	rest *time.Timer // ends it when it was idle for long; the pool's

	mu      sync.Mutex
	asked   bool        // it asked for its first event
	current *invocation // what it is working on
	failed  *Error      // what it reported as its initialisation error
	reaped  bool        // its process id may belong to somebody else
}

// newProcess starts a bootstrap. One that cannot be started is gone from the beginning, with failed set.
func newProcess(p *pool, fn Function, v version) *process {
	process := &process{
		pool: p, version: v, started: time.Now(),
		inbox: make(chan *invocation, 1), ready: make(chan struct{}), gone: make(chan struct{}), drained: make(chan struct{}),
	}
	if err := process.spawn(fn); err != nil {
		process.reaped = true
		process.failed = newError("Runtime.InvalidEntrypoint", err.Error())
		close(process.gone)
	}
	return process
}

func (p *process) spawn(fn Function) (err error) {
	service := p.pool.service
	defer func() {
		if err != nil {
			p.clean()
		}
	}()
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("listening for the runtime API: %w", err)
	}
	if p.tmp, err = os.MkdirTemp(service.opts.Temp, "function-"); err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	output, input, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("opening a pipe: %w", err)
	}
	defer input.Close() // the process has its own
	p.cmd = &exec.Cmd{
		Path: fn.Bootstrap, Args: []string{fn.Bootstrap}, Dir: fn.Dir, Env: p.environment(fn),
		Stdout: input, Stderr: input, SysProcAttr: attributes(),
	}
	if err := service.spawner.start(p.cmd); err != nil {
		output.Close() //nolint:errcheck // the process has its own copy
		return err
	}
	service.mu.Lock()
	service.live[p] = struct{}{}
	late := service.closed
	service.mu.Unlock()
	go p.read(output)
	go p.watch()
	if late { // Close has already told every process to end
		p.signal(kill)
	}
	go service.runtime.Serve(processListener{p.listener, p}) // ends when the listener is closed
	return nil
}

// environment is what Lambda gives a function of an operating-system-only runtime.
func (p *process) environment(fn Function) []string {
	o := p.pool.service.opts
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "LANG": "en_US.UTF-8", "TZ": ":UTC", "TMPDIR": p.tmp,
		"_HANDLER": "bootstrap", "LAMBDA_TASK_ROOT": filepath.Dir(fn.Bootstrap), "LAMBDA_RUNTIME_DIR": filepath.Dir(fn.Bootstrap),
		"AWS_REGION": o.Region, "AWS_DEFAULT_REGION": o.Region,
		"AWS_ACCESS_KEY_ID": "desk", "AWS_SECRET_ACCESS_KEY": "desk", "AWS_SESSION_TOKEN": "desk", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_LAMBDA_FUNCTION_NAME": fn.Name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(fn.Memory), "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":  "/aws/lambda/" + fn.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME": p.started.UTC().Format("2006/01/02/") + "[$LATEST]" + newID(),
		"AWS_ENDPOINT_URL_LAMBDA":    p.pool.service.endpoint,
	}
	maps.Copy(env, o.Env)
	maps.Copy(env, fn.Env)
	env["AWS_LAMBDA_RUNTIME_API"] = p.listener.Addr().String()
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// serve takes inv through the process. Afterwards inv is resolved, and the process is waiting for another one or has ended.
func (p *process) serve(inv *invocation) {
	if !p.initialise(inv) {
		close(inv.passed)
		return
	}
	if p.pool.service.opts.Freeze {
		p.signal(thaw)
	}
	inv.began = time.Now()
	deadline := time.NewTimer(inv.timeout)
	defer deadline.Stop()
	p.inbox <- inv // never blocks: it is empty when the process is idle
	select {
	case <-inv.settled:
	case <-p.gone:
		p.fail(inv, "Runtime.ExitError", p.ending())
	case <-deadline.C:
		p.fail(inv, "Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", inv.timeout.Seconds()))
		p.kill()
	}
	inv.duration = time.Since(inv.began)
	select {
	case <-p.inbox: // it ended before it took the event
		close(inv.passed)
	default:
	}
	<-inv.passed
	if p.pool.service.opts.OnReport != nil {
		inv.maxRSS = p.maxRSS()
	}
}

// initialise waits until a new process asks for its first event. If it does not, inv is resolved.
func (p *process) initialise(inv *invocation) bool {
	limit := p.pool.service.opts.InitTimeout
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.ready:
		if inv.cold {
			inv.init = time.Since(p.started)
		}
		return true
	case <-p.gone:
		p.mu.Lock()
		reported := p.failed
		p.mu.Unlock()
		if reported != nil {
			inv.resolve(nil, reported)
		} else {
			p.fail(inv, "Runtime.ExitError", p.ending())
		}
	case <-timer.C:
		p.fail(inv, "Sandbox.Timedout", fmt.Sprintf("Initialization timed out after %.2f seconds", limit.Seconds()))
		p.kill()
	}
	inv.init = time.Since(p.started)
	return false
}

// ending words how the process ended, as Lambda does. It is called after gone.
func (p *process) ending() string {
	state := p.cmd.ProcessState
	if state == nil || state.Success() {
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + state.String()
}

// fail resolves inv with an error of the platform, if it has no answer yet, and says so in the function's log.
func (p *process) fail(inv *invocation, kind, text string) {
	if inv.fail(kind, text) {
		p.pool.log(fmt.Appendf(nil, "%s %s %s\n", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), inv.id, text))
	}
}

func (p *process) alive() bool {
	select {
	case <-p.gone:
		return false
	default:
		p.mu.Lock()
		defer p.mu.Unlock()
		return !p.reaped
	}
}

// end asks an idle process to end, and makes it. It returns when it has.
func (p *process) end() {
	p.signal(terminate)
	timer := time.NewTimer(terminationDelay)
	defer timer.Stop()
	select {
	case <-p.gone:
	case <-timer.C:
		p.kill()
	}
}

// kill ends the process and all it started, and returns when it is gone.
func (p *process) kill() {
	p.signal(kill)
	<-p.gone
}

// signal sends to the whole process group, unless the process has ended.
func (p *process) signal(s signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		sendSignal(p.cmd.Process, s)
	}
}

// watch waits for the end of the process and cleans up after it.
func (p *process) watch() {
	awaitExit(p.cmd)
	p.signal(kill) // what it started; while it is a zombie, its group cannot be anybody else's
	p.mu.Lock()
	p.reaped = true
	p.mu.Unlock()
	p.cmd.Wait() // its state is what we want; an exit status is no error here
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-p.drained:
	case <-timer.C: // something that left the group holds the pipe
	}
	p.pool.forget(p)
	p.clean()
	service := p.pool.service
	service.mu.Lock()
	delete(service.live, p)
	service.mu.Unlock()
	close(p.gone)
}

func (p *process) clean() {
	if p.listener != nil {
		p.listener.Close()
	}
	if p.tmp != "" {
		os.RemoveAll(p.tmp)
	}
}

// read passes the output on line by line. A line that is too long, or the end of the output, becomes a line of its own.
func (p *process) read(output io.ReadCloser) {
	defer close(p.drained)
	defer output.Close()
	r := bufio.NewReaderSize(output, maxLine)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil && len(line) > 0 {
			line = append(slices.Clip(line), '\n')
		}
		if len(line) > 0 {
			p.pool.log(line)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
