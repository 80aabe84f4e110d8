package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/sluice-connect/sluice/local/function"
)

// The test binary is also the function under test, and the desk that is killed: ROLE says which.
func TestMain(m *testing.M) {
	switch os.Getenv("ROLE") {
	case "":
		os.Exit(m.Run())
	case "function":
		lambda.StartWithOptions(bootstrap{})
	case "raw":
		lambda.StartWithOptions(raw{})
	case "sigterm":
		conn := dial(os.Getenv("HOLD"))
		lambda.StartWithOptions(bootstrap{}, lambda.WithEnableSIGTERM(func() { fmt.Fprintln(conn, "SIGTERM") }))
	case "exit":
		fmt.Println("cannot go on")
		os.Exit(3)
	case "hang":
		select {}
	case "initerror":
		http.Post("http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/init/error", "application/json",
			strings.NewReader(`{"errorType":"Config","errorMessage":"no topic"}`))
		os.Exit(1)
	case "hold":
		hold(os.Getenv("HOLD"), false)
		select {}
	case "desk":
		desk()
	}
}

// order is the event of the test function: what to do.
type order struct {
	Do    string
	Text  string
	N     int
	Inner json.RawMessage
}

// reply is what it answers.
type reply struct {
	PID       int
	RequestID string
	ARN       string
	Text      string
	Left      time.Duration
	Env       []string
}

type bootstrap struct{}

// raw does nothing with its payload, for measuring.
type raw struct{}

func (raw) Invoke(context.Context, []byte) ([]byte, error) { return []byte("{}"), nil }

type tableError struct{ text string }

func (e tableError) Error() string { return e.text }

func (bootstrap) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var o order
	if err := json.Unmarshal(payload, &o); err != nil {
		return nil, err
	}
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	r := reply{PID: os.Getpid(), RequestID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn, Text: o.Text, Left: time.Until(deadline)}
	switch o.Do {
	case "env":
		r.Env = os.Environ()
	case "wait":
		if o.Text != "" {
			hold(o.Text, false)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(o.N) * time.Millisecond):
		}
	case "hang":
		select {}
	case "fail":
		return nil, tableError{o.Text}
	case "panic":
		panic(o.Text)
	case "exit":
		os.Exit(o.N)
	case "print":
		for i := range o.N {
			fmt.Printf("%d %s\n", i, o.Text)
		}
	case "size":
		r.Text = strings.Repeat("x", o.N)
	case "sum":
		r.Text = fmt.Sprint(len(payload))
	case "hold":
		hold(o.Text, false)
	case "tick":
		hold(o.Text, true)
	case "child":
		r.Text = child(o.Text)
	case "ignore":
		signal.Ignore(syscall.SIGTERM)
		hold(o.Text, false)
		select {}
	case "invoke", "event":
		kind := map[string]string{"invoke": "RequestResponse", "event": "Event"}[o.Do]
		status, _, body, err := post(os.Getenv("AWS_ENDPOINT_URL_LAMBDA"), os.Getenv("AWS_LAMBDA_FUNCTION_NAME"), kind, o.Inner)
		if err != nil {
			return nil, err
		}
		r.Text = fmt.Sprint(status, " ", string(body))
	}
	return json.Marshal(r)
}

func dial(addr string) net.Conn {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		panic(err)
	}
	return conn
}

// hold opens a connection that breaks when this process ends, tells its process id, and ticks if asked to.
func hold(addr string, tick bool) {
	conn := dial(addr)
	fmt.Fprintln(conn, os.Getpid())
	if tick {
		go func() {
			for range time.Tick(time.Millisecond) {
				fmt.Fprintln(conn, "tick")
			}
		}()
	} else {
		go func() { io.Copy(io.Discard, conn) }() // keeps conn reachable
	}
}

func child(addr string) string {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"ROLE=hold", "HOLD=" + addr}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	return fmt.Sprint(cmd.Process.Pid)
}

// desk runs a service whose functions hold connections, until it is killed.
func desk() {
	s, err := function.NewService(function.Options{Freeze: os.Getenv("FREEZE") != "", Temp: os.Getenv("TEMP_DIR")})
	if err == nil {
		err = s.Deploy(function.Function{Name: "f", Bootstrap: os.Args[0], Env: map[string]string{"ROLE": "function"}, Timeout: time.Minute, Log: os.Stderr})
	}
	if err != nil {
		panic(err)
	}
	payload, _ := json.Marshal(order{Do: "hold", Text: os.Getenv("HOLD")})
	if _, err := s.Invoke(context.Background(), "f", payload); err != nil {
		panic(err)
	}
	fmt.Fprintln(dial(os.Getenv("HOLD")), "ready")
	select {}
}

func post(endpoint, name, kind string, payload []byte) (int, http.Header, []byte, error) {
	r, err := http.NewRequest(http.MethodPost, endpoint+"/2015-03-31/functions/"+name+"/invocations", bytes.NewReader(payload))
	if err != nil {
		return 0, nil, nil, err
	}
	r.Header.Set("X-Amz-Invocation-Type", kind)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, body, err
}

// newService starts a service that is closed with the test.
func newService(t testing.TB, opts function.Options) *function.Service {
	t.Helper()
	opts.Temp = t.TempDir()
	s, err := function.NewService(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// deploy makes the test binary a function; change may set more of it.
func deploy(t testing.TB, s *function.Service, name string, change func(*function.Function)) {
	t.Helper()
	fn := function.Function{Name: name, Bootstrap: os.Args[0], Env: map[string]string{"ROLE": "function"}, Timeout: 10 * time.Second, Log: t.Output()}
	if change != nil {
		change(&fn)
	}
	if err := s.Deploy(fn); err != nil {
		t.Fatal(err)
	}
}

func invoke(t testing.TB, s *function.Service, name string, o order) (reply, error) {
	t.Helper()
	payload, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	result, err := s.Invoke(t.Context(), name, payload)
	if err != nil {
		return reply{}, err
	}
	var r reply
	if err := json.Unmarshal(result.Payload, &r); err != nil {
		t.Fatalf("reading the answer %.200q: %v", result.Payload, err)
	}
	if r.RequestID != result.RequestID {
		t.Errorf("the function was told request id %s, the caller %s", r.RequestID, result.RequestID)
	}
	return r, nil
}

func mustInvoke(t testing.TB, s *function.Service, name string, o order) reply {
	t.Helper()
	r, err := invoke(t, s, name, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantError checks that err is the function's own error of a type.
func wantError(t testing.TB, err error, kind string) *function.Error {
	t.Helper()
	var failed *function.Error
	if !errors.As(err, &failed) {
		t.Fatalf("got %v, want an error of the function", err)
	}
	if failed.Type != kind {
		t.Fatalf("got %v, want type %s", failed, kind)
	}
	return failed
}

// line is a place processes connect to.
type line struct {
	net.Listener
	t testing.TB
}

func newLine(t testing.TB) line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return line{l, t}
}

func (l line) addr() string { return l.Addr().String() }

// next takes a connection and its first line.
func (l line) next() (net.Conn, string) {
	l.t.Helper()
	l.Listener.(*net.TCPListener).SetDeadline(time.Now().Add(10 * time.Second))
	conn, err := l.Accept()
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { conn.Close() })
	return conn, l.read(conn)
}

func (l line) read(conn net.Conn) string {
	l.t.Helper()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	var text []byte
	for b := make([]byte, 1); ; {
		if _, err := conn.Read(b); err != nil {
			l.t.Fatalf("reading a line: %v", err)
		}
		if b[0] == '\n' {
			return string(text)
		}
		text = append(text, b[0])
	}
}

// ends waits until the process at the other side has ended.
func (l line) ends(conn net.Conn) {
	l.t.Helper()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err := io.Copy(io.Discard, conn)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		l.t.Fatalf("the process goes on: %v", err)
	}
}
