package function

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Limits of Lambda, in bytes.
const (
	MaxPayload      = 6 << 20     // of a synchronous invocation's payload
	MaxEventPayload = 1 << 20     // of an asynchronous invocation's payload
	MaxResponse     = 6<<20 + 100 // of a response
)

// Options are the settings of a Service that all its functions share.
type Options struct {
	// Addr is where the Invoke API listens. Defaults to a free port of 127.0.0.1.
	Addr string
	// Region and Account stand in the functions' names and environment. Default to us-east-1 and twelve zeros.
	Region, Account string
	// Env is added to the environment of every function; a function's own variables win.
	Env map[string]string
	// Freeze stops processes between invocations, as Lambda does.
	Freeze bool
	// Idle is how long a process waits for its next invocation before it is ended. Defaults to 5 minutes.
	Idle time.Duration
	// InitTimeout is how long a process may take until it asks for its first invocation. Defaults to 10 seconds.
	InitTimeout time.Duration
	// EventAge is how long an asynchronous event may wait for a free process. Defaults to 60 seconds.
	EventAge time.Duration
	// Grace is what Close gives running invocations, after SIGTERM. Defaults to 10 seconds.
	Grace time.Duration
	// Temp is the folder in which every process gets a temporary folder of its own, removed with it. Defaults to the system's.
	Temp string
	// OnReport, if set, is told about every invocation that ended and every event that never ran. It is called from many goroutines.
	OnReport func(Report)
}

// Function is one deployed function.
type Function struct {
	// Name is how it is invoked. Any text; AWS would not take all of them.
	Name string
	// Bootstrap is the path of the executable.
	Bootstrap string
	// Dir is the folder its processes run in. Defaults to the bootstrap's.
	Dir string
	// Env are its environment variables, beside those Lambda sets. Nothing of the desk's own environment but PATH is handed on.
	Env map[string]string
	// Timeout ends an invocation, and the process with it. Defaults to 3 seconds, as Lambda's.
	Timeout time.Duration
	// Concurrency is how many invocations may run at a time; more are refused with ErrThrottled. Defaults to 1,000.
	Concurrency int
	// Memory in MB is only told to the function. Defaults to 512.
	Memory int
	// Log gets what its processes print, in whole lines, from one goroutine at a time. Defaults to io.Discard.
	Log io.Writer
}

// Result is what a function answered.
type Result struct {
	RequestID string
	Payload   []byte // the caller's to keep
}

// Report tells how one invocation went.
type Report struct {
	Function  string
	RequestID string
	Async     bool
	Cold      bool          // a process was started for it
	Init      time.Duration // how long that process took until it asked for work; 0 when warm
	Duration  time.Duration // from handing the event over until the process asked for the next one
	Billed    time.Duration // Init and Duration, rounded up to whole milliseconds
	MaxRSS    int64         // the most memory the process had so far, in bytes; 0 where the system does not tell
	Err       error         // nil, *Error, or why it never ran
}

// Errors of an invocation that never reached the function. All are wrapped.
var (
	ErrThrottled = errors.New("the function is at its concurrency limit")
	ErrNotFound  = errors.New("no such function")
	ErrTooLarge  = errors.New("the payload is too large")
	ErrExpired   = errors.New("the event grew too old while the function was busy")
	ErrClosed    = errors.New("the functions are being shut down")
)

// Service runs functions. Its methods may be called from several goroutines.
type Service struct {
	opts     Options
	spawner  *spawner
	runtime  *http.Server // serves the listeners of all processes
	api      *http.Server
	endpoint string

	mu     sync.Mutex
	pools  map[string]*pool
	closed bool
	live   map[*process]struct{} // every process that has not ended, of removed functions too
	serve  sync.WaitGroup        // invocations and dispatchers under way
}

// NewService starts a service without functions. The only error is an address that cannot be listened on.
func NewService(opts Options) (*Service, error) {
	setDefault(&opts.Addr, "127.0.0.1:0")
	setDefault(&opts.Region, "us-east-1")
	setDefault(&opts.Account, "000000000000")
	setDefault(&opts.Idle, 5*time.Minute)
	setDefault(&opts.InitTimeout, 10*time.Second)
	setDefault(&opts.EventAge, time.Minute)
	setDefault(&opts.Grace, 10*time.Second)
	listener, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("listening for function invocations: %w", err)
	}
	quiet := log.New(io.Discard, "", 0) // a process that dies in the middle of a request is reported by its invocation
	s := &Service{
		opts:     opts,
		spawner:  newSpawner(),
		endpoint: "http://" + listener.Addr().String(),
		pools:    map[string]*pool{},
		live:     map[*process]struct{}{},
	}
	s.runtime = &http.Server{Handler: runtimeAPI(), BaseContext: processOf, ErrorLog: quiet}
	s.api = &http.Server{Handler: invokeAPI(s), ErrorLog: quiet}
	go s.api.Serve(listener) // ends with ErrServerClosed in Close
	return s, nil
}

func setDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// Endpoint is the address of the Invoke API: http://host:port.
func (s *Service) Endpoint() string { return s.endpoint }

// Deploy makes a function known, or replaces it. If its binary or environment changed, idle processes of the old one are ended and busy ones finish
// what they are at; new invocations get new processes. An unchanged function keeps its warm processes.
func (s *Service) Deploy(fn Function) error {
	setDefault(&fn.Timeout, 3*time.Second)
	setDefault(&fn.Concurrency, 1000)
	setDefault(&fn.Memory, 512)
	if fn.Log == nil {
		fn.Log = io.Discard
	}
	path, err := filepath.Abs(fn.Bootstrap)
	if err != nil {
		return fmt.Errorf("deploying function %s: %w", fn.Name, err)
	}
	fn.Bootstrap = path
	setDefault(&fn.Dir, filepath.Dir(path))
	fn.Env = maps.Clone(fn.Env)
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("deploying function %s: %w", fn.Name, err)
	}
	if info.IsDir() || !executable(info) {
		return fmt.Errorf("deploying function %s: %s is not an executable file", fn.Name, path)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("deploying function %s: %w", fn.Name, ErrClosed)
	}
	p := s.pools[fn.Name]
	if p == nil {
		p = newPool(s, fn.Name)
		s.pools[fn.Name] = p
	}
	p.deploy(fn, info)
	return nil
}

// Remove forgets a function: idle processes are ended, busy ones finish what they are at, waiting events are dropped and reported. Unknown names are fine.
func (s *Service) Remove(name string) {
	s.mu.Lock()
	p := s.pools[name]
	delete(s.pools, name)
	s.mu.Unlock()
	if p != nil {
		p.close(ErrNotFound)
	}
}

// Invoke runs a function and waits for its answer. What the function, or its process, did wrong is an *Error; ErrThrottled, ErrNotFound, ErrTooLarge
// and ErrClosed mean that it never ran. The payload is only read, and no longer when Invoke returns, except when it returns because ctx ended: then the
// invocation goes on, and the payload must be left alone.
func (s *Service) Invoke(ctx context.Context, name string, payload []byte) (Result, error) {
	result, err := s.invoke(ctx, name, payload, newID())
	if err != nil {
		return Result{}, fmt.Errorf("invoking function %s: %w", name, err)
	}
	return result, nil
}

func (s *Service) invoke(ctx context.Context, name string, payload []byte, id string) (Result, error) {
	if len(payload) > MaxPayload {
		return Result{}, fmt.Errorf("%w: %d bytes, and %d are allowed", ErrTooLarge, len(payload), MaxPayload)
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	pool, arn, err := s.find(name)
	if err != nil {
		return Result{}, err
	}
	inv := newInvocation(id, arn, payload)
	if err := pool.start(inv); err != nil {
		return Result{}, err
	}
	select {
	case <-inv.done:
		return inv.result()
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
}

// InvokeAsync queues an event for a function and returns its request id. It copies the payload. What becomes of the event is told to OnReport alone;
// a failed one is not tried again.
func (s *Service) InvokeAsync(name string, payload []byte) (string, error) {
	id, err := s.invokeAsync(name, payload, newID())
	if err != nil {
		return "", fmt.Errorf("queueing an event for function %s: %w", name, err)
	}
	return id, nil
}

func (s *Service) invokeAsync(name string, payload []byte, id string) (string, error) {
	if len(payload) > MaxEventPayload {
		return "", fmt.Errorf("%w: %d bytes, and %d are allowed for an event", ErrTooLarge, len(payload), MaxEventPayload)
	}
	pool, arn, err := s.find(name)
	if err != nil {
		return "", err
	}
	inv := newInvocation(id, arn, append([]byte(nil), payload...))
	inv.async = true
	return id, pool.queue(inv)
}

// find accepts a name, name:qualifier, an ARN with or without a qualifier, and the short form account:function:name.
func (s *Service) find(name string) (*pool, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, "", ErrClosed
	}
	prefix := "arn:aws:lambda:" + s.opts.Region + ":" + s.opts.Account + ":function:"
	if p := s.pools[name]; p != nil { // first, because on the desk a name may hold colons
		return p, prefix + name, nil
	}
	short := name
	if _, after, found := strings.Cut(name, ":function:"); found {
		short = after
	}
	if p := s.pools[short]; p != nil {
		return p, prefix + short, nil
	}
	base, _, _ := strings.Cut(short, ":")
	if p := s.pools[base]; p != nil {
		return p, prefix + short, nil
	}
	return nil, "", fmt.Errorf("%w: %s", ErrNotFound, prefix+short)
}

// Terminate sends SIGTERM to all processes of a function: idle ones end, busy ones are told to finish soon. New
// invocations get new processes. Unknown names are fine.
func (s *Service) Terminate(name string) {
	for _, p := range s.processes() {
		if p.pool.name == name {
			p.signal(terminate)
		}
	}
}

// Close ends everything: idle processes at once; running invocations get SIGTERM, then Grace or until ctx ends, then SIGKILL. Afterwards no process is left.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	pools := s.pools
	s.pools = map[string]*pool{}
	s.mu.Unlock()

	s.api.Close()
	for _, p := range pools {
		p.close(ErrClosed)
	}
	s.end(ctx)
	s.serve.Wait() // a process that was started meanwhile was killed at once
	s.end(ctx)     // and may still be on its way out
	s.runtime.Close()
	s.spawner.close()
	return nil
}

// end asks every process that is left to end, and makes it.
func (s *Service) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.opts.Grace)
	defer cancel()
	var ending sync.WaitGroup
	for _, p := range s.processes() {
		ending.Go(func() {
			p.signal(terminate)
			select {
			case <-p.gone:
			case <-ctx.Done():
				p.kill()
			}
		})
	}
	ending.Wait()
}

func (s *Service) processes() []*process {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*process, 0, len(s.live))
	for p := range s.live {
		all = append(all, p)
	}
	return all
}

func (s *Service) report(r Report) {
	if s.opts.OnReport != nil {
		s.opts.OnReport(r)
	}
}
