package function_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/local/function"
)

func TestFreeze_NothingRunsBetweenInvocations(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{Freeze: true})
	deploy(t, s, "f", nil)
	l := newLine(t)
	first := mustInvoke(t, s, "f", order{Do: "tick", Text: l.addr()})
	conn, _ := l.next()
	silent(t, conn)
	second := mustInvoke(t, s, "f", order{Do: "wait", N: 50})
	if second.PID != first.PID {
		t.Fatalf("process %d, want %d", second.PID, first.PID)
	}
	if l.read(conn) != "tick" {
		t.Error("the process did not go on in its next invocation")
	}
	silent(t, conn)
}

// silent takes what was said already and checks that nothing more comes.
func silent(t *testing.T, conn net.Conn) {
	t.Helper()
	b := make([]byte, 4096)
	for quiet := 0; quiet < 1; {
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // fifty ticks
		n, err := conn.Read(b)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && n == 0:
			quiet++
		case err != nil:
			t.Fatal(err)
		}
	}
}

func TestIdle_ProcessIsEnded(t *testing.T) {
	t.Parallel()
	for _, freeze := range []bool{false, true} {
		s := newService(t, function.Options{Idle: 50 * time.Millisecond, Freeze: freeze})
		deploy(t, s, "f", nil)
		l := newLine(t)
		mustInvoke(t, s, "f", order{Do: "hold", Text: l.addr()})
		conn, _ := l.next()
		l.ends(conn)
		mustInvoke(t, s, "f", order{})
	}
}

func TestTimeout_EndsWhatTheProcessStarted(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	l := newLine(t)
	deploy(t, s, "f", func(f *function.Function) { f.Timeout = 2 * time.Second })
	mustInvoke(t, s, "f", order{Do: "child", Text: l.addr()})
	conn, _ := l.next()
	_, err := invoke(t, s, "f", order{Do: "hang"})
	wantError(t, err, "Sandbox.Timedout")
	l.ends(conn)
}

func TestClose_IsQuickWhenIdle(t *testing.T) {
	t.Parallel()
	for _, freeze := range []bool{false, true} {
		s := newService(t, function.Options{Freeze: freeze})
		l := newLine(t)
		deploy(t, s, "plain", nil)
		deploy(t, s, "sigterm", func(f *function.Function) { f.Env["ROLE"], f.Env["HOLD"] = "sigterm", l.addr() })
		mustInvoke(t, s, "plain", order{})
		mustInvoke(t, s, "sigterm", order{})
		start := time.Now()
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("closing took %s", d)
		}
		conn, text := l.next()
		if text != "SIGTERM" {
			t.Errorf("the process heard %q", text)
		}
		l.ends(conn)
		if _, err := invoke(t, s, "plain", order{}); !errors.Is(err, function.ErrClosed) {
			t.Errorf("after closing: %v", err)
		}
	}
}

func TestClose_RunningInvocationGetsGrace(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	l := newLine(t)
	other := newLine(t)
	deploy(t, s, "f", func(f *function.Function) { f.Env["ROLE"], f.Env["HOLD"] = "sigterm", other.addr() })
	ended := make(chan error, 1)
	go func() {
		_, err := invoke(t, s, "f", order{Do: "wait", N: 300, Text: l.addr()})
		ended <- err
	}()
	l.next()
	s.Close(context.Background())
	if err := <-ended; err != nil {
		t.Errorf("the invocation was not given its grace: %v", err)
	}
}

// When the desk dies, by whatever means, its functions die too.
func TestDesk_KilledTakesItsFunctionsAlong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, freeze string
	}{
		{"idle", ""},
		{"frozen", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newLine(t)
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "ROLE=desk", "TEMP_DIR="+t.TempDir(), "FREEZE="+c.freeze, "HOLD="+l.addr())
			cmd.Stderr = t.Output()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			conn, pid := l.next()
			_, ready := l.next()
			if pid == "" || ready != "ready" {
				t.Fatalf("got %q and %q", pid, ready)
			}
			cmd.Process.Kill()
			cmd.Wait()
			l.ends(conn)
		})
	}
}

// Where no signal tells of a parent's death, the broken connection to the runtime API does.
func TestRuntimeAPI_BrokenConnectionEndsTheFunction(t *testing.T) {
	t.Parallel()
	api, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"ROLE=function", "AWS_LAMBDA_RUNTIME_API=" + api.Addr().String()}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := api.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	api.Close()
	conn.Close()
	if err := cmd.Wait(); err == nil {
		t.Error("the function ended without an error")
	}
}

// A process must not be bound to the life of whatever thread happened to start it.
func TestSpawner_ProcessesOutliveThreads(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	deploy(t, s, "f", nil)
	first := parallel(t, s, 4)
	// Threads of the desk come and go: a goroutine that ends while locked takes its thread along.
	for range 50 {
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread()
		}()
		<-done
	}
	if diff := cmp.Diff(first, parallel(t, s, 4)); diff != "" {
		t.Errorf("processes died with threads (-before +after):\n%s", diff)
	}
}

// parallel runs n invocations at a time and returns the processes that served them.
func parallel(t *testing.T, s *function.Service, n int) []int {
	pids := make([]int, n)
	var running sync.WaitGroup
	for i := range pids {
		running.Go(func() {
			r, err := invoke(t, s, "f", order{Do: "wait", N: 200})
			if err != nil {
				t.Error(err)
			}
			pids[i] = r.PID
		})
	}
	running.Wait()
	slices.Sort(pids)
	return pids
}
