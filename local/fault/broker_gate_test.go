//go:build unix

package fault_test

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// brokerGate is the listener of the embedded broker, and sees every request and every answer. It can go dark: then it cuts
// all connections and takes no new one; and it can go silent: then connections stay, and nothing is passed on.
type brokerGate struct {
	net.Listener
	watch *watch

	mu     sync.Mutex
	conns  map[*gateConn]bool
	dark   bool
	silent chan struct{} // closed when it speaks again; nil if it does
	keep   func(kmsg.Key) <-chan struct{}
}

func newBrokerGate(w *watch) *brokerGate { return &brokerGate{watch: w, conns: map[*gateConn]bool{}} }

// listen is a broker's net.Listen.
func (g *brokerGate) listen(network, address string) (_ net.Listener, err error) {
	g.Listener, err = net.Listen(network, address)
	return g, err
}

// Accept implements net.Listener.
func (g *brokerGate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &gateConn{Conn: conn, gate: g, asked: map[int32]asked{}}
		g.mu.Lock()
		dark := g.dark
		if !dark {
			g.conns[c] = true
		}
		g.mu.Unlock()
		if !dark {
			return c, nil
		}
		conn.Close()
	}
}

// goDark cuts everything, or ends that.
func (g *brokerGate) goDark(dark bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dark = dark
	for c := range g.conns {
		if dark {
			c.Conn.Close()
		}
	}
}

// goSilent keeps all requests and answers back, or ends that.
func (g *brokerGate) goSilent(silent bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case silent && g.silent == nil:
		g.silent = make(chan struct{})
	case !silent && g.silent != nil:
		close(g.silent)
		g.silent = nil
	}
}

// keepBack asks about every request what to wait for before it is passed on; nil for nothing.
func (g *brokerGate) keepBack(keep func(kmsg.Key) <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keep = keep
}

func (g *brokerGate) awaitRequest(key kmsg.Key) {
	g.mu.Lock()
	keep := g.keep
	g.mu.Unlock()
	if keep == nil {
		return
	}
	if until := keep(key); until != nil {
		<-until
	}
}

func (g *brokerGate) await() {
	g.mu.Lock()
	silent := g.silent
	g.mu.Unlock()
	if silent != nil {
		<-silent
	}
}

// gateConn reads and writes whole frames. The broker reads in one goroutine and writes in another.
type gateConn struct {
	net.Conn
	gate *brokerGate
	in   []byte // what is left of the request at hand
	out  []byte // what there is of an answer

	mu    sync.Mutex
	asked map[int32]asked
}

// asked is a request that has no answer yet.
type asked struct {
	life *life
	pid  int
	step string
}

// SetReadDeadline would cut a connection that is kept silent.
func (c *gateConn) SetReadDeadline(time.Time) error { return nil }

// SetDeadline is left out for the same reason.
func (c *gateConn) SetDeadline(time.Time) error { return nil }

// Close implements net.Conn.
func (c *gateConn) Close() error {
	c.gate.mu.Lock()
	delete(c.gate.conns, c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

// Read hands on a request as soon as all of it is there.
func (c *gateConn) Read(p []byte) (int, error) {
	if len(c.in) == 0 {
		frame := make([]byte, 4, 512)
		if _, err := io.ReadFull(c.Conn, frame); err != nil {
			return 0, err
		}
		size := int(binary.BigEndian.Uint32(frame))
		frame = append(frame, make([]byte, size)...)
		if _, err := io.ReadFull(c.Conn, frame[4:]); err != nil {
			return 0, err
		}
		c.gate.await()
		if c.request(frame[4:]) {
			c.Conn.Close()
			return 0, io.EOF
		}
		c.in = frame
	}
	n := copy(p, c.in)
	c.in = c.in[n:]
	return n, nil
}

// request notes a request and tells whether to drop it.
func (c *gateConn) request(frame []byte) bool {
	if len(frame) < 10 {
		return false
	}
	key := kmsg.Key(binary.BigEndian.Uint16(frame))
	c.gate.awaitRequest(key)
	id := int32(binary.BigEndian.Uint32(frame[4:]))
	n := int(int16(binary.BigEndian.Uint16(frame[8:])))
	if n < 0 || len(frame) < 10+n {
		return false
	}
	l, pid := c.gate.watch.of(string(frame[10 : 10+n]))
	name := kafkaStep(key)
	if l == nil || name == "" {
		return false
	}
	c.mu.Lock()
	c.asked[id] = asked{l, pid, name}
	c.mu.Unlock()
	return l.reach(step{name: name}, pid)
}

func kafkaStep(key kmsg.Key) string {
	switch key {
	case kmsg.Produce:
		return "produce"
	case kmsg.Metadata:
		return "metadata"
	case kmsg.InitProducerID:
		return "init producer"
	case kmsg.CreateTopics:
		return "create topic"
	}
	return ""
}

// Write passes an answer on as soon as all of it is there.
func (c *gateConn) Write(p []byte) (int, error) {
	c.out = append(c.out, p...)
	for len(c.out) >= 4 {
		size := 4 + int(binary.BigEndian.Uint32(c.out))
		if len(c.out) < size {
			break
		}
		frame := c.out[:size]
		c.gate.await()
		if c.answer(frame[4:]) {
			c.Conn.Close()
			return 0, net.ErrClosed
		}
		if _, err := c.Conn.Write(frame); err != nil {
			return 0, err
		}
		c.out = append(c.out[:0], c.out[size:]...)
	}
	return len(p), nil
}

// answer notes an answer and tells whether to drop it.
func (c *gateConn) answer(frame []byte) bool {
	id := int32(binary.BigEndian.Uint32(frame))
	c.mu.Lock()
	a, ok := c.asked[id]
	delete(c.asked, id)
	c.mu.Unlock()
	return ok && a.life.reach(step{name: a.step, after: true}, a.pid)
}
