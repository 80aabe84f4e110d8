package function

import (
	"errors"
	"fmt"
	"time"
)

// maxQueued bounds the events that wait for one function.
const maxQueued = 10_000

// queue lets inv run as soon as the function has a process free.
func (p *pool) queue(inv *invocation) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed != nil {
		return p.closed
	}
	if len(p.events) >= maxQueued {
		return fmt.Errorf("%w, and %d events wait for it already", ErrThrottled, maxQueued)
	}
	p.events = append(p.events, inv)
	if p.drainers == 0 {
		p.drainers = 1
		p.service.serve.Add(1)
		go p.drain()
	}
	return nil
}

// drain hands the waiting events out, in order, and ends when there are none.
func (p *pool) drain() {
	defer p.service.serve.Done()
	for {
		inv := p.head()
		if inv == nil {
			return
		}
		age := p.service.opts.EventAge
		for {
			err := p.start(inv)
			if err == nil {
				break
			}
			left := age - time.Since(inv.queued)
			if errors.Is(err, ErrThrottled) && left > 0 {
				p.await(left)
				continue
			}
			if errors.Is(err, ErrThrottled) {
				err = fmt.Errorf("%w: %s", ErrExpired, age)
			}
			p.service.report(Report{Function: p.name, RequestID: inv.id, Async: true, Err: err})
			break
		}
	}
}

// head takes the next event; nil when there is none, and then the caller is no longer the drainer.
func (p *pool) head() *invocation {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.events) == 0 {
		p.drainers = 0
		return nil
	}
	inv := p.events[0]
	p.events[0] = nil
	p.events = p.events[1:]
	return inv
}

// await returns when a process became free, or after d.
func (p *pool) await(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.freed:
	case <-timer.C:
	}
}
