package function

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"
)

// Error is what a function, or the process that ran it, did wrong.
type Error struct {
	Type    string // as Lambda names it: the Go type of a handler's error, Runtime.ExitError, Sandbox.Timedout …
	Message string
	Stack   []Frame // of a panic
	Payload []byte  // the error as JSON, as Lambda returns it
}

// Frame is one line of a stack trace.
type Frame struct {
	Path  string `json:"path"`
	Line  int    `json:"line"`
	Label string `json:"label"`
}

// Error implements error.
func (e *Error) Error() string {
	if e.Type == "" {
		return e.Message
	}
	return e.Type + ": " + e.Message
}

// errorBody is the form in which a runtime reports an error.
type errorBody struct {
	Message string  `json:"errorMessage"`
	Type    string  `json:"errorType"`
	Stack   []Frame `json:"stackTrace,omitempty"`
}

// newError makes an error of the platform's own.
func newError(kind, message string) *Error {
	payload, _ := json.Marshal(errorBody{Message: message, Type: kind}) // strings always marshal
	return &Error{Type: kind, Message: message, Payload: payload}
}

// parseError reads an error a runtime reported. kind is what its header says, if anything.
func parseError(payload []byte, kind string) *Error {
	var body errorBody
	if err := json.Unmarshal(payload, &body); err != nil {
		body = errorBody{Message: string(payload)}
	}
	if body.Type == "" {
		body.Type = kind
	}
	return &Error{Type: body.Type, Message: body.Message, Stack: body.Stack, Payload: payload}
}

// invocation is one event on its way through one process.
type invocation struct {
	id, function, arn string
	payload           []byte
	async             bool
	timeout           time.Duration
	queued            time.Time

	cold     bool
	init     time.Duration
	began    time.Time
	duration time.Duration
	maxRSS   int64

	answer  atomic.Pointer[answer] // the first answer counts
	settled chan struct{}          // closed when the process asks for its next event
	passed  chan struct{}          // closed when the payload is no longer read
	done    chan struct{}          // closed last: nothing changes after it
}

type answer struct {
	payload []byte
	err     *Error
}

func newInvocation(id, arn string, payload []byte) *invocation {
	return &invocation{
		id: id, arn: arn, payload: payload, queued: time.Now(),
		settled: make(chan struct{}), passed: make(chan struct{}), done: make(chan struct{}),
	}
}

// resolve records how the invocation went and tells whether this was the first to say so.
func (inv *invocation) resolve(payload []byte, err *Error) bool {
	return inv.answer.CompareAndSwap(nil, &answer{payload, err})
}

// fail resolves the invocation with an error of the platform, worded as Lambda does.
func (inv *invocation) fail(kind, message string) bool {
	return inv.resolve(nil, newError(kind, fmt.Sprintf("RequestId: %s Error: %s", inv.id, message)))
}

// result is good once done is closed.
func (inv *invocation) result() (Result, error) {
	a := inv.answer.Load()
	if a.err != nil {
		return Result{}, a.err
	}
	return Result{RequestID: inv.id, Payload: a.payload}, nil
}

// close reports the invocation and lets its caller go.
func (inv *invocation) close(s *Service) {
	_, err := inv.result()
	s.report(Report{
		Function: inv.function, RequestID: inv.id, Async: inv.async, Cold: inv.cold, Init: inv.init, Duration: inv.duration,
		Billed: (inv.init + inv.duration + time.Millisecond - 1).Truncate(time.Millisecond), MaxRSS: inv.maxRSS, Err: err,
	})
	close(inv.done)
}

// newID makes a random UUID.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
