//go:build unix

package sql_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// wire is a line to a server that can be cut.
type wire struct {
	net.Listener
	target string

	mu    sync.Mutex
	conns []*muted
}

// muted is a connection that may come to say nothing, as where a network has forgotten it.
type muted struct {
	net.Conn
	mute atomic.Bool
}

func (m *muted) Write(b []byte) (int, error) {
	if m.mute.Load() {
		return len(b), nil
	}
	return m.Conn.Write(b)
}

// wired returns the server behind a wire.
func (s *server) wired(t *testing.T) (*server, *wire) {
	t.Helper()
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`)
	w := &wire{target: address.FindString(s.settings["connection.url"])}
	var err error
	if w.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close(); w.cut() })
	go w.serve()
	through := *s
	through.settings = maps.Clone(s.settings)
	through.settings["connection.url"] = address.ReplaceAllString(s.settings["connection.url"], w.Addr().String())
	return &through, w
}

func (w *wire) serve() {
	for {
		near, err := w.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.target)
		if err != nil {
			_ = near.Close()
			continue
		}
		a, b := &muted{Conn: near}, &muted{Conn: far}
		w.mu.Lock()
		w.conns = append(w.conns, a, b)
		w.mu.Unlock()
		go pass(a, b)
		go pass(b, a)
	}
}

func pass(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
	_ = from.Close()
}

// cut ends all connections, and returns how many there were.
func (w *wire) cut() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.conns) / 2
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
	return n
}

// mute lets nothing more through the connections there are.
func (w *wire) mute() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.mute.Store(true)
	}
}

// A connection that a network has forgotten does not say that it is dead. It is replaced soon all the same.
func TestConn_ReplacesAMuteOne(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		if s.system == "sqlite" {
			t.Skip("there is no connection")
		}
		through, w := s.wired(t)
		d := open(t, through)
		before := session(t, d, s)
		w.mute()
		d.Idle(time.Minute)
		if after := session(t, d, s); after == before {
			t.Error("the connection was not replaced")
		}
	})
}

// The real function is frozen while it reads, and when it goes on its connection is dead. The invocation reads all there is
// all the same, once, and the task has not failed.
func TestSource_OutlivesItsConnectionWhenFrozen(t *testing.T) {
	t.Parallel()
	program := bootstrap(t, "sql-source")
	onEach(t, func(t *testing.T, s *server) {
		t.Helper()
		if s.system == "sqlite" {
			t.Skip("there is no connection")
		}
		through, w := s.wired(t)
		k := newKilledSource(t, through, "frozen", program, map[string]string{
			"mode": "incrementing", "sluice.horizon": "none", // transactions of others on the server do not matter
		})
		k.grow(20 * killedRows)
		cut := 0
		_, _, err := k.invoke(fmt.Appendf(nil, `{"connector": %q}`, k.name), func(done <-chan struct{}) bool {
			if k.far(killedRows)(done) && k.signal(syscall.SIGSTOP) {
				cut = w.cut()
				k.signal(syscall.SIGCONT)
			}
			<-done
			return false
		})
		if err != nil || cut == 0 {
			t.Fatalf("%d connections were cut: %v", cut, err)
		}
		if twice := k.compare(); twice != 0 {
			t.Errorf("%d rows came twice", twice)
		}
		tasks, err := k.store.Tasks(t.Context(), k.name)
		if err != nil || len(tasks) != 1 || tasks[0].Status.State != offset.StateRunning {
			t.Errorf("the task: %+v, %v", tasks, err)
		}
	})
}
