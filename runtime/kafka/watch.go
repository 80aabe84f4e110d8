package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// watch follows a client's connections: it knows why the last one could not be made, which the library does not tell
// those who wait for an acknowledgement, and it can cut them.
type watch struct {
	signed, secure bool
	fatal          func(error) // called when waiting on is pointless

	mu      sync.Mutex
	worked  bool // some connection could be made
	last    *ConnectError
	refused int // connections that ended while signing in
	conns   map[net.Conn]struct{}
}

// hangUps is how many connections have to end while signing in before that is taken for an answer. One may be a broker
// that is restarted, and once one has worked it surely is.
const hangUps = 3

// OnBrokerConnect is called by the library after each attempt.
func (w *watch) OnBrokerConnect(meta kgo.BrokerMetadata, _ time.Duration, conn net.Conn, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.worked, w.last = true, nil
		if w.conns == nil {
			w.conns = make(map[net.Conn]struct{})
		}
		w.conns[conn] = struct{}{}
		return
	}
	if errors.Is(err, kgo.ErrClientClosed) || errors.Is(err, net.ErrClosed) {
		return
	}
	broker := net.JoinHostPort(meta.Host, strconv.Itoa(int(meta.Port)))
	w.last = explainConnect(broker, err, w.signed, w.secure)
	final := permanent(w.last)
	if errors.Is(w.last, errSignIn) {
		w.refused++
		final = !w.worked && w.refused >= hangUps
	}
	if final && w.fatal != nil {
		go w.fatal(w.last)
	}
}

// OnBrokerDisconnect is called by the library when a connection ends.
func (w *watch) OnBrokerDisconnect(_ kgo.BrokerMetadata, conn net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, conn)
}

// because says for an error of waiting too long, or of having no connection, why there is none.
func (w *watch) because(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var network net.Error
	switch {
	case w.last == nil:
		return err
	case errors.Is(err, ErrDeliveryTimeout), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", err, w.last)
	case errors.Is(err, io.EOF), errors.As(err, &network):
		return w.last
	}
	return err
}

// cut makes the operating system throw away what was written but not yet sent when the connections are closed.
// Without it, a process that is frozen after closing them would send the rest when it is thawed.
func (w *watch) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for conn := range w.conns {
		if secure, ok := conn.(*tls.Conn); ok {
			conn = secure.NetConn()
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // it fails only on a connection that is closed already
		}
	}
}
