package function

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// processListener carries the process its requests come from.
type processListener struct {
	net.Listener
	process *process
}

type processKey struct{}

func processOf(l net.Listener) context.Context {
	return context.WithValue(context.Background(), processKey{}, l.(processListener).process)
}

// runtimeAPI serves the routes a bootstrap needs: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, and as much of the extensions API as an
// internal extension needs that is only there to be sent SIGTERM.
func runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, serve func(*process, http.ResponseWriter, *http.Request)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			serve(r.Context().Value(processKey{}).(*process), w, r)
		})
	}
	handle("GET /2018-06-01/runtime/invocation/next", (*process).serveNext)
	handle("POST /2018-06-01/runtime/invocation/{id}/response", (*process).serveResponse)
	handle("POST /2018-06-01/runtime/invocation/{id}/error", (*process).serveError)
	handle("POST /2018-06-01/runtime/init/error", (*process).serveInitError)
	handle("POST /2020-01-01/extension/register", (*process).serveRegister)
	handle("GET /2020-01-01/extension/event/next", (*process).serveExtension)
	return mux
}

// serveNext ends the invocation before and waits for another one.
func (p *process) serveNext(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	before := p.current
	p.current = nil
	first := !p.asked
	p.asked = true
	p.mu.Unlock()
	if first {
		close(p.ready)
	}
	if before != nil {
		before.fail("Runtime.InvalidState", "Runtime asked for the next event before it answered this one")
		close(before.settled)
	}
	select {
	case inv := <-p.inbox:
		p.mu.Lock()
		p.current = inv
		p.mu.Unlock()
		inv.pass(w)
	case <-r.Context().Done():
	case <-p.gone:
	}
}

// pass writes the event to the process.
func (inv *invocation) pass(w http.ResponseWriter) {
	defer close(inv.passed)
	h := w.Header()
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.began.Add(inv.timeout).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", asciiOnly(inv.arn))
	h.Set("Lambda-Runtime-Trace-Id", traceID(inv.began))
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	w.Write(inv.payload) // fails only when the process dies, which watch sees
}

// asciiOnly percent-encodes what may not stand in a header: names on the desk may be any text.
func asciiOnly(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f && c != '%' {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + strings.ToUpper(strconv.FormatInt(int64(c)+0x100, 16)[1:]))
		}
	}
	return b.String()
}

func traceID(t time.Time) string {
	id := strings.ReplaceAll(newID(), "-", "")
	return "Root=1-" + strconv.FormatInt(t.Unix(), 16) + "-" + id[:24] + ";Parent=" + strings.ReplaceAll(newID(), "-", "")[:16] + ";Sampled=0"
}

func (p *process) serveResponse(w http.ResponseWriter, r *http.Request) {
	inv, body, ok := p.answered(w, r)
	if !ok {
		return
	}
	if len(body) > MaxResponse {
		inv.resolve(nil, newError("Function.ResponseSizeTooLarge",
			"Response payload size exceeded maximum allowed payload size ("+strconv.Itoa(MaxResponse)+" bytes)."))
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size")
		return
	}
	// A response that is written as a stream and breaks off says so behind the body.
	if kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		if reported, err := base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body")); err == nil && len(reported) > 0 {
			body = reported
		}
		inv.resolve(nil, parseError(body, kind))
	} else {
		inv.resolve(body, nil)
	}
	accept(w)
}

func (p *process) serveError(w http.ResponseWriter, r *http.Request) {
	inv, body, ok := p.answered(w, r)
	if !ok {
		return
	}
	inv.resolve(nil, parseError(body, r.Header.Get("Lambda-Runtime-Function-Error-Type")))
	accept(w)
}

// answered reads an answer and finds out what it is to. If it is to nothing, it has refused it.
func (p *process) answered(w http.ResponseWriter, r *http.Request) (*invocation, []byte, bool) {
	p.mu.Lock()
	inv := p.current
	p.mu.Unlock()
	if inv == nil || inv.id != r.PathValue("id") {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil, nil, false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxResponse+1))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return nil, nil, false
	}
	return inv, body, true
}

// serveInitError keeps what a bootstrap says before it ends by itself.
func (p *process) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxResponse))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	p.mu.Lock()
	p.failed = parseError(body, r.Header.Get("Lambda-Runtime-Function-Error-Type"))
	p.mu.Unlock()
	accept(w)
}

func (p *process) serveRegister(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Lambda-Extension-Identifier", newID())
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"functionName":"bootstrap","functionVersion":"$LATEST","handler":"bootstrap"}`) //nolint:errcheck // a process that went away is reported by its invocation
}

// serveExtension never answers: the end of a process is told by SIGTERM alone.
func (p *process) serveExtension(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-p.gone:
	case <-r.Context().Done():
	}
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"status":"OK"}`) //nolint:errcheck // a process that went away is reported by its invocation
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(newError(kind, message).Payload)
}
