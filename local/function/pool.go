package function

import (
	"maps"
	"os"
	"sync"
	"time"
)

// terminationDelay lies between SIGTERM and SIGKILL for a process that has nothing to do, as on Lambda.
const terminationDelay = 500 * time.Millisecond

// pool is a function and its processes.
type pool struct {
	service *Service
	name    string

	mu       sync.Mutex
	fn       Function
	version  version
	idle     []*process // the last used stands last
	busy     int        // invocations under way
	closed   error      // why nothing is accepted any more
	events   []*invocation
	freed    chan struct{} // holds a token when a process became free
	drainers int           // goroutines that hand out events: 0 or 1

	logging sync.Mutex // keeps lines of several processes whole
}

// version tells deployments apart that need other processes.
type version struct {
	bootstrap, dir string
	memory         int
	size           int64
	changed        time.Time
	env            map[string]string
}

func (v version) equal(o version) bool {
	return v.bootstrap == o.bootstrap && v.dir == o.dir && v.memory == o.memory && v.size == o.size && v.changed.Equal(o.changed) && maps.Equal(v.env, o.env)
}

func newPool(s *Service, name string) *pool {
	return &pool{service: s, name: name, freed: make(chan struct{}, 1)}
}

func (p *pool) deploy(fn Function, info os.FileInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fn = fn
	v := version{fn.Bootstrap, fn.Dir, fn.Memory, info.Size(), info.ModTime(), fn.Env}
	if !p.version.equal(v) {
		p.version = v
		p.retire()
	}
}

// retire ends all idle processes. The caller holds the lock.
func (p *pool) retire() {
	for _, process := range p.idle {
		go process.end()
	}
	p.idle = nil
}

func (p *pool) close(why error) {
	p.mu.Lock()
	p.closed = why
	p.retire()
	p.mu.Unlock()
	p.wake() // the dispatcher, to drop what waits
}

// start finds or makes a process for inv and lets it run there. The error is ErrThrottled, or why the pool is closed; all else is told by inv.
func (p *pool) start(inv *invocation) error {
	p.mu.Lock()
	if err := p.acceptable(); err != nil {
		p.mu.Unlock()
		return err
	}
	p.busy++
	// Counted under the lock: Close first closes the pools, then waits.
	p.service.serve.Add(1)
	fn, v := p.fn, p.version
	var warm *process
	if n := len(p.idle); n > 0 {
		warm, p.idle = p.idle[n-1], p.idle[:n-1]
		warm.rest.Stop()
	}
	p.mu.Unlock()

	inv.function, inv.timeout = p.name, fn.Timeout
	go func() {
		defer p.service.serve.Done()
		process := warm
		if process == nil {
			inv.cold = true
			process = newProcess(p, fn, v)
		}
		process.serve(inv)
		p.release(process)
		inv.close(p.service)
	}()
	return nil
}

func (p *pool) acceptable() error {
	switch {
	case p.closed != nil:
		return p.closed
	case p.busy >= p.fn.Concurrency:
		return ErrThrottled
	}
	return nil
}

// release takes back a process that served an invocation, if it is still good for another.
func (p *pool) release(process *process) {
	p.mu.Lock()
	p.busy--
	keep := process.alive() && p.closed == nil && p.version.equal(process.version)
	if keep {
		if p.service.opts.Freeze {
			process.signal(freeze)
		}
		process.rest = time.AfterFunc(p.service.opts.Idle, func() { p.expire(process) })
		p.idle = append(p.idle, process)
	}
	p.mu.Unlock()
	if !keep {
		go process.end()
	}
	p.wake()
}

func (p *pool) wake() {
	select {
	case p.freed <- struct{}{}:
	default:
	}
}

func (p *pool) expire(process *process) {
	if p.forget(process) {
		process.end()
	}
}

// forget takes a process out of the idle ones and tells whether it was there.
func (p *pool) forget(process *process) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.idle {
		if p.idle[i] == process {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			return true
		}
	}
	return false
}

// log passes whole lines on to the function's log.
func (p *pool) log(lines []byte) {
	p.mu.Lock()
	w := p.fn.Log
	p.mu.Unlock()
	p.logging.Lock()
	defer p.logging.Unlock()
	w.Write(lines) // a log that cannot be written must not stop the function
}
