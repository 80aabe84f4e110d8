// Package proxy stands between a client and an HTTP endpoint and makes happen what networks do: delays, throttling, cut
// and silent connections, before and after the server did its work. For tests only.
package proxy

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Proxy forwards HTTP/1.1 requests to one server, with faults. Safe for concurrent use.
type Proxy struct {
	target   *url.URL
	listener net.Listener
	client   http.Transport
	director director
	closed   chan struct{}
	ending   sync.Once
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	dark  time.Time
}

// Start begins to listen on a free port of this machine, for requests to the server at the URL target. A nil script
// lets everything pass. End it with Close.
func Start(target string, script Script) (*Proxy, error) {
	to, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("starting a proxy: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a proxy: %w", err)
	}
	if script == nil {
		script = Always(Fault{})
	}
	p := &Proxy{
		target: to, listener: listener, closed: make(chan struct{}), conns: map[net.Conn]bool{},
		director: director{script: script, count: map[Kind]int{}},
		client:   http.Transport{MaxIdleConnsPerHost: 64},
	}
	p.running.Go(p.accept)
	return p, nil
}

// URL is where clients reach the proxy.
func (p *Proxy) URL() string { return "http://" + p.listener.Addr().String() }

// Script replaces the script. The numbers of requests go on.
func (p *Proxy) Script(script Script) {
	p.director.mu.Lock()
	defer p.director.mu.Unlock()
	p.director.script = script
}

// Counts are the requests so far by what happened to them.
func (p *Proxy) Counts() map[Kind]int {
	p.director.mu.Lock()
	defer p.director.mu.Unlock()
	return maps.Clone(p.director.count)
}

// Blackout cuts all connections and every new one, for a time from now. 0 ends it.
func (p *Proxy) Blackout(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dark = time.Now().Add(d)
	if d <= 0 {
		return
	}
	for conn := range p.conns {
		conn.Close()
	}
}

// Close ends the proxy with all its connections and waits until nothing of it runs. What is late is forwarded first.
func (p *Proxy) Close() (err error) {
	p.ending.Do(func() { err = p.end() })
	return err
}

func (p *Proxy) end() error {
	close(p.closed)
	err := p.listener.Close()
	p.mu.Lock()
	for conn := range p.conns {
		conn.Close()
	}
	p.mu.Unlock()
	p.running.Wait()
	p.client.CloseIdleConnections()
	return err
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		if !p.enter(conn) {
			conn.Close()
			continue
		}
		p.running.Go(func() {
			defer p.leave(conn)
			in := bufio.NewReader(conn)
			for p.serve(conn, in) {
			}
		})
	}
}

func (p *Proxy) enter(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.closed:
		return false
	default:
	}
	if time.Now().Before(p.dark) {
		return false
	}
	p.conns[conn] = true
	return true
}

func (p *Proxy) leave(conn net.Conn) {
	conn.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

// serve takes one request and tells whether the connection goes on.
func (p *Proxy) serve(conn net.Conn, in *bufio.Reader) bool {
	request, err := http.ReadRequest(in)
	if err != nil {
		return false
	}
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return false
	}
	fault := p.director.next(operation(request))
	switch fault.Kind {
	case Throttle:
		return reply(conn, http.StatusBadRequest, `{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"too many requests"}`)
	case Unavailable:
		return reply(conn, http.StatusServiceUnavailable, `{"__type":"ServiceUnavailable","message":"not now"}`)
	case CutBefore:
		return false
	case Stall:
		p.wait(conn, fault.For)
		return false
	case Late:
		p.wait(nil, fault.For)
	}
	answer, err := p.forward(request, body)
	if err != nil {
		return false
	}
	switch fault.Kind {
	case CutAfter:
		return false
	case CutInside:
		conn.Write(answer[:len(answer)/2])
		return false
	case StallAfter:
		p.wait(conn, fault.For)
		return false
	}
	_, err = conn.Write(answer)
	return err == nil && !request.Close
}

func operation(r *http.Request) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndexByte(target, '.')+1:]
	}
	return r.Method + " " + r.URL.Path
}

// forward sends the request on and returns the whole answer.
func (p *Proxy) forward(in *http.Request, body []byte) ([]byte, error) {
	out := in.Clone(in.Context())
	out.RequestURI = ""
	out.URL.Scheme, out.URL.Host = p.target.Scheme, p.target.Host
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response, err := p.client.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return httputil.DumpResponse(response, true)
}

func reply(conn net.Conn, status int, body string) bool {
	_, err := fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%s",
		status, http.StatusText(status), len(body), body)
	return err == nil
}

// wait waits for a time, 0 for ever, but no longer than the proxy lives, nor the client's connection if one is given.
func (p *Proxy) wait(conn net.Conn, d time.Duration) {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	gone := make(chan struct{})
	if conn != nil {
		go func() {
			conn.Read(make([]byte, 1))
			close(gone)
		}()
	}
	select {
	case <-over:
	case <-gone:
	case <-p.closed:
	}
}
