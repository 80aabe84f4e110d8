package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/local/function"
)

func TestInvoke_AnswersAndKeepsTheProcessWarm(t *testing.T) {
	t.Parallel()
	var reports []function.Report
	s := newService(t, function.Options{OnReport: func(r function.Report) { reports = append(reports, r) }})
	deploy(t, s, "orders", nil)
	first := mustInvoke(t, s, "orders", order{Text: "a"})
	second := mustInvoke(t, s, "orders", order{Text: "b"})
	if first.PID != second.PID {
		t.Errorf("processes %d and %d, want one", first.PID, second.PID)
	}
	if got, want := second.ARN, "arn:aws:lambda:us-east-1:000000000000:function:orders"; got != want {
		t.Errorf("invoked as %s, want %s", got, want)
	}
	if first.Left < 9*time.Second || first.Left > 10*time.Second {
		t.Errorf("deadline in %s, want about 10 s", first.Left)
	}
	if len(reports) != 2 || !reports[0].Cold || reports[0].Init <= 0 || reports[1].Cold || reports[1].Init != 0 {
		t.Errorf("reports %+v, want a cold and a warm one", reports)
	}
	for _, r := range reports {
		if r.Function != "orders" || r.Duration <= 0 || r.Billed < r.Duration || r.Billed%time.Millisecond != 0 || r.MaxRSS < 1<<20 || r.Err != nil {
			t.Errorf("report %+v", r)
		}
	}
}

func TestInvoke_EnvironmentIsLambdas(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{Env: map[string]string{"A": "shared", "B": "shared"}})
	deploy(t, s, "orders", func(f *function.Function) { f.Env["A"] = "own" })
	env := mustInvoke(t, s, "orders", order{Do: "env"}).Env
	for _, want := range []string{
		"A=own", "B=shared", "AWS_REGION=us-east-1", "AWS_LAMBDA_FUNCTION_NAME=orders", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "AWS_ACCESS_KEY_ID=desk", "AWS_ENDPOINT_URL_LAMBDA=" + s.Endpoint(),
	} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, v := range env {
		if strings.HasPrefix(v, "HOME=") {
			t.Errorf("the desk's own environment came along: %s", v)
		}
	}
}

func TestInvoke_FunctionErrors(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	deploy(t, s, "f", func(f *function.Function) { f.Timeout = 2 * time.Second }) // under the race detector a process takes 1 s to exit with 0
	before := mustInvoke(t, s, "f", order{}).PID

	_, err := invoke(t, s, "f", order{Do: "fail", Text: "no such table"})
	if e := wantError(t, err, "tableError"); e.Message != "no such table" || err.Error() != "invoking function f: tableError: no such table" {
		t.Errorf("got %v", err)
	}
	if pid := mustInvoke(t, s, "f", order{}).PID; pid != before {
		t.Error("a handler's error cost the process")
	}
	_, err = invoke(t, s, "f", order{Do: "panic", Text: "oh"})
	if e := wantError(t, err, "string"); e.Message != "oh" || len(e.Stack) == 0 {
		t.Errorf("got %+v, want the panic with its stack", e)
	}
	for _, c := range []struct {
		o             order
		kind, message string
	}{
		{order{Do: "exit", N: 7}, "Runtime.ExitError", "Runtime exited with error: exit status 7"},
		{order{Do: "exit", N: 0}, "Runtime.ExitError", "Runtime exited without providing a reason"},
		{order{Do: "hang"}, "Sandbox.Timedout", "Task timed out after 2.00 seconds"},
		{order{Do: "size", N: function.MaxResponse}, "Function.ResponseSizeTooLarge", "6291556 bytes"},
	} {
		_, err := invoke(t, s, "f", c.o)
		if e := wantError(t, err, c.kind); !strings.Contains(e.Message, c.message) {
			t.Errorf("%s: message %q, want %q", c.kind, e.Message, c.message)
		}
		if pid := mustInvoke(t, s, "f", order{}).PID; pid == before {
			t.Errorf("%s: the process went on", c.kind)
		} else {
			before = pid
		}
	}
}

func TestInvoke_InitialisationErrors(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{InitTimeout: 500 * time.Millisecond})
	for role, want := range map[string]string{"exit": "Runtime.ExitError", "hang": "Sandbox.Timedout", "initerror": "Config"} {
		var log bytes.Buffer
		deploy(t, s, role, func(f *function.Function) { f.Env["ROLE"], f.Log = role, &log })
		_, err := invoke(t, s, role, order{})
		wantError(t, err, want)
		if role == "exit" && !strings.Contains(log.String(), "cannot go on\n") {
			t.Errorf("the log %q lacks what the process said last", log.String())
		}
	}
}

func TestInvoke_Limits(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	deploy(t, s, "f", nil)
	largest := fmt.Appendf(nil, `{"Do":"sum","Text":"%s"}`, strings.Repeat("x", function.MaxPayload-22))
	result, err := s.Invoke(t.Context(), "f", largest)
	if err != nil || !bytes.Contains(result.Payload, fmt.Append(nil, function.MaxPayload)) {
		t.Errorf("the largest payload: %.200s, %v", result.Payload, err)
	}
	if _, err := s.Invoke(t.Context(), "f", append(largest, ' ')); !errors.Is(err, function.ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := s.InvokeAsync("f", largest[:function.MaxEventPayload+1]); !errors.Is(err, function.ErrTooLarge) {
		t.Errorf("an event that is too large: %v", err)
	}
	if _, err := s.Invoke(t.Context(), "g", nil); !errors.Is(err, function.ErrNotFound) {
		t.Errorf("an unknown function: %v", err)
	}
	if got := mustInvoke(t, s, "f", order{Do: "size", N: 6<<20 - 1000}); len(got.Text) != 6<<20-1000 {
		t.Errorf("%d bytes came back", len(got.Text))
	}
}

func TestInvoke_ConcurrencyIsLimited(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	deploy(t, s, "f", func(f *function.Function) { f.Concurrency = 2 })
	l := newLine(t)
	var running sync.WaitGroup
	for range 2 {
		running.Go(func() {
			if _, err := invoke(t, s, "f", order{Do: "ignore", Text: l.addr()}); err == nil {
				t.Error("the invocation ended")
			}
		})
	}
	_, a := l.next()
	_, b := l.next()
	if a == b {
		t.Error("one process serves two invocations at a time")
	}
	if _, err := invoke(t, s, "f", order{}); !errors.Is(err, function.ErrThrottled) {
		t.Errorf("a third invocation: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	s.Close(ctx)
	running.Wait()
	if d := time.Since(start); d > time.Second {
		t.Errorf("closing took %s", d)
	}
}

func TestInvoke_LastUsedProcessIsUsedFirst(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	deploy(t, s, "f", nil)
	l := newLine(t)
	var long reply
	var running sync.WaitGroup
	running.Go(func() { long, _ = invoke(t, s, "f", order{Do: "wait", N: 300}) })
	other := mustInvoke(t, s, "f", order{Do: "wait", N: 50}).PID
	running.Wait()
	if long.PID == other {
		t.Fatal("both ran in one process")
	}
	for range 3 {
		if got := mustInvoke(t, s, "f", order{Do: "hold", Text: l.addr()}).PID; got != long.PID {
			t.Errorf("process %d served, want %d, the last used", got, long.PID)
		}
	}
}

func TestDeploy_ChangeStartsNewProcesses(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	l := newLine(t)
	deploy(t, s, "f", nil)
	first := mustInvoke(t, s, "f", order{Do: "hold", Text: l.addr()}).PID
	idle, _ := l.next()
	deploy(t, s, "f", func(f *function.Function) { f.Timeout = 7 * time.Second })
	if got := mustInvoke(t, s, "f", order{}); got.PID != first || got.Left > 7*time.Second {
		t.Errorf("process %d with %s left, want %d with the new time-out", got.PID, got.Left, first)
	}

	var busy reply
	var running sync.WaitGroup
	running.Go(func() { busy, _ = invoke(t, s, "f", order{Do: "wait", N: 200}) })
	second := mustInvoke(t, s, "f", order{Do: "wait", N: 50}).PID
	deploy(t, s, "f", func(f *function.Function) { f.Env["NEW"] = "1" })
	third := mustInvoke(t, s, "f", order{Do: "env"})
	if third.PID == first || third.PID == second || !slices.Contains(third.Env, "NEW=1") {
		t.Errorf("process %d serves the changed function", third.PID)
	}
	running.Wait()
	if busy.PID == 0 {
		t.Error("the running invocation did not finish")
	}
	l.ends(idle)
}

func TestRemove_EndsProcesses(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	l := newLine(t)
	deploy(t, s, "f", nil)
	mustInvoke(t, s, "f", order{Do: "hold", Text: l.addr()})
	conn, _ := l.next()
	s.Remove("f")
	l.ends(conn)
	if _, err := invoke(t, s, "f", order{}); !errors.Is(err, function.ErrNotFound) {
		t.Errorf("after removal: %v", err)
	}
}

func TestDeploy_RefusesWhatCannotRun(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	for _, path := range []string{"no/such/file", t.TempDir(), "service.go"} {
		if err := s.Deploy(function.Function{Name: "f", Bootstrap: path}); err == nil {
			t.Errorf("%s was deployed", path)
		}
	}
}

func TestNewService_AddressInUse(t *testing.T) {
	t.Parallel()
	l := newLine(t)
	if _, err := function.NewService(function.Options{Addr: l.addr()}); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line", err)
	}
}

func TestLog_KeepsLinesWhole(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	var log bytes.Buffer // no lock: writes come one after the other
	deploy(t, s, "f", func(f *function.Function) { f.Log = &log })
	text := strings.Repeat("abcdefgh", 100)
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() { mustInvoke(t, s, "f", order{Do: "print", N: 200, Text: text}) })
	}
	running.Wait()
	s.Close(t.Context())
	lines := strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	if len(lines) != 800 {
		t.Errorf("%d lines, want 800", len(lines))
	}
	for _, line := range lines {
		if _, rest, _ := strings.Cut(line, " "); rest != text {
			t.Fatalf("a broken line: %.100q", line)
		}
	}
}

func TestInvoke_ContextEndsTheWaitOnly(t *testing.T) {
	t.Parallel()
	reports := make(chan function.Report, 1)
	s := newService(t, function.Options{OnReport: func(r function.Report) { reports <- r }})
	deploy(t, s, "f", nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	payload, _ := json.Marshal(order{Do: "wait", N: 100})
	if _, err := s.Invoke(ctx, "f", payload); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if r := <-reports; r.Err != nil {
		t.Errorf("the invocation did not go on: %v", r.Err)
	}
}

func TestInvoke_NamesWithBlanksAndQualifiers(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	names := []string{"Bestellungen für heute", "a:b", "plain"}
	for _, name := range names {
		deploy(t, s, name, nil)
	}
	var got []string
	for _, name := range append(names, "plain:alias", "arn:aws:lambda:us-east-1:000000000000:function:plain:alias") {
		got = append(got, strings.TrimPrefix(mustInvoke(t, s, name, order{}).ARN, "arn:aws:lambda:us-east-1:000000000000:function:"))
	}
	want := []string{"Bestellungen%20f%C3%BCr%20heute", "a:b", "plain", "plain:alias", "plain:alias"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names as the function sees them (-want +got):\n%s", diff)
	}
}
