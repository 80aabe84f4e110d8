package proxy

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Kind is what goes wrong with a request.
type Kind uint8

// The kinds of fault.
const (
	// Pass is no fault.
	Pass Kind = iota
	// Late forwards the request after For, even if the client has gone by then.
	Late
	// Throttle answers that there were too many requests; the server does not see this one.
	Throttle
	// Unavailable answers with status 503; the server does not see the request.
	Unavailable
	// CutBefore closes the connection; the server does not see the request.
	CutBefore
	// CutAfter forwards the request, takes the server's answer and closes the connection.
	CutAfter
	// CutInside is CutAfter, but half of the answer gets through.
	CutInside
	// Stall says nothing for For, or until the client or the proxy closes; the server does not see the request.
	Stall
	// StallAfter forwards the request, takes the server's answer and then is Stall.
	StallAfter
)

// Fault is what happens to one request. The zero Fault is none.
type Fault struct {
	Kind Kind
	For  time.Duration
}

// Request is what a script may know of a request.
type Request struct {
	// N counts requests through the proxy from 1.
	N int
	// Operation is the last part of X-Amz-Target, such as "UpdateItem"; for others the method and the path.
	Operation string
}

// Script decides what happens to each request. Calls come one at a time.
type Script func(r Request) Fault

// Always does the same to each request.
func Always(f Fault) Script { return func(Request) Fault { return f } }

// Nth does something to the n-th request of an operation, or of any if it is "". n counts from 1.
func Nth(operation string, n int, f Fault) Script {
	seen := 0
	return func(r Request) Fault {
		if operation != "" && operation != r.Operation {
			return Fault{}
		}
		if seen++; seen == n {
			return f
		}
		return Fault{}
	}
}

// Random does one of the faults to a share of the requests, chosen by the seed, but never more than two in a row, so
// that whoever repeats gets through.
func Random(seed uint64, share float64, faults ...Fault) Script {
	random := rand.New(rand.NewPCG(seed, 2))
	row := 0
	return func(Request) Fault {
		if row == 2 || random.Float64() >= share {
			row = 0
			return Fault{}
		}
		row++
		return faults[random.IntN(len(faults))]
	}
}

// First asks one script after the other until one has a fault.
func First(scripts ...Script) Script {
	return func(r Request) Fault {
		var found Fault
		for _, script := range scripts { // every one of them counts requests
			if f := script(r); found.Kind == Pass {
				found = f
			}
		}
		return found
	}
}

// director numbers requests and asks the script.
type director struct {
	mu     sync.Mutex
	script Script
	n      int
	count  map[Kind]int
}

func (d *director) next(operation string) Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	f := d.script(Request{N: d.n, Operation: operation})
	d.count[f.Kind]++
	return f
}
