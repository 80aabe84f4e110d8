package function_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/local/function"
)

func TestInvokeAPI_AnswersAsLambda(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	deploy(t, s, "für f", func(f *function.Function) { f.Concurrency = 1 })
	path := url.PathEscape("für f")
	for _, c := range []struct {
		what, name, kind, payload string
		status                    int
		failed, errorType, body   string
	}{
		{"synchronous", path, "RequestResponse", `{"Text":"hello"}`, 200, "", "", `"Text":"hello"`},
		{"default", path, "", `{}`, 200, "", "", `"PID":`},
		{"empty payload", path, "", ``, 200, "", "", `"PID":`},
		{"qualified", path + ":alias", "", `{}`, 200, "", "", `%20f:alias"`},
		{"function error", path, "", `{"Do":"fail","Text":"bad"}`, 200, "Unhandled", "", `{"errorMessage":"bad","errorType":"tableError"}`},
		{"dry run", path, "DryRun", `{"Do":"exit"}`, 204, "", "", ""},
		{"event", path, "Event", `{}`, 202, "", "", ""},
		{"unknown", "nobody", "", `{}`, 404, "", "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"},
		{"unknown dry run", "nobody", "DryRun", `{}`, 404, "", "ResourceNotFoundException", ""},
		{"not JSON", path, "", `{`, 400, "", "InvalidRequestContentException", ""},
		{"unknown type", path, "Perhaps", `{}`, 400, "", "InvalidParameterValueException", ""},
		{"too large", path, "", strings.Repeat(" ", function.MaxPayload+1), 413, "", "RequestTooLargeException", "smaller than 6291456 bytes"},
		{"event too large", path, "Event", `"` + strings.Repeat("x", function.MaxEventPayload) + `"`, 413, "", "RequestTooLargeException", ""},
	} {
		var status int
		var body []byte
		var failed, kind string
		// The event before may still hold the only place.
		for status = 429; status == 429; {
			code, header, answer, err := post(s.Endpoint(), c.name, c.kind, []byte(c.payload))
			if err != nil {
				t.Fatal(err)
			}
			status, body, failed, kind = code, answer, header.Get("X-Amz-Function-Error"), header.Get("X-Amzn-Errortype")
			if header.Get("X-Amzn-Requestid") == "" {
				t.Errorf("%s: no request id", c.what)
			}
		}
		if status != c.status || failed != c.failed || kind != c.errorType || !strings.Contains(string(body), c.body) {
			t.Errorf("%s: %d %q %q %.200s", c.what, status, failed, kind, body)
		}
	}
}

func TestInvokeAPI_Throttles(t *testing.T) {
	t.Parallel()
	s := newService(t, function.Options{})
	deploy(t, s, "f", func(f *function.Function) { f.Concurrency = 1 })
	// The function is busy with the very invocation that asks.
	inner, _ := json.Marshal(order{})
	r := mustInvoke(t, s, "f", order{Do: "invoke", Inner: inner})
	if !strings.HasPrefix(r.Text, "429 ") || !strings.Contains(r.Text, "ReservedFunctionConcurrentInvocationLimitExceeded") {
		t.Errorf("got %s", r.Text)
	}
}

func TestInvokeAPI_FunctionInvokesItself(t *testing.T) {
	t.Parallel()
	reports := make(chan function.Report, 10)
	s := newService(t, function.Options{OnReport: func(r function.Report) { reports <- r }})
	deploy(t, s, "f", nil)
	inner, _ := json.Marshal(order{Text: "inner"})
	r := mustInvoke(t, s, "f", order{Do: "invoke", Inner: inner})
	if !strings.HasPrefix(r.Text, "200 ") || !strings.Contains(r.Text, `"Text":"inner"`) {
		t.Errorf("got %s", r.Text)
	}
	<-reports
	<-reports
	if r := mustInvoke(t, s, "f", order{Do: "event", Inner: inner}); r.Text != "202 " {
		t.Errorf("got %s", r.Text)
	}
	async := 0
	for range 2 {
		if r := <-reports; r.Async {
			async++
		}
	}
	if async != 1 {
		t.Errorf("%d events ran, want 1", async)
	}
}

func TestInvokeAsync_WaitsForAFreeProcess(t *testing.T) {
	t.Parallel()
	reports := make(chan function.Report, 10)
	s := newService(t, function.Options{OnReport: func(r function.Report) { reports <- r }})
	deploy(t, s, "f", func(f *function.Function) { f.Concurrency = 1 })
	var ids []string
	for _, o := range []order{{Do: "wait", N: 50}, {Do: "fail"}, {}} {
		payload, _ := json.Marshal(o)
		id, err := s.InvokeAsync("f", payload)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	// Events run one after the other, but nothing orders the reports of those that ended.
	wants := map[string]bool{ids[0]: false, ids[1]: true, ids[2]: false}
	for range ids {
		r := <-reports
		fails, ours := wants[r.RequestID]
		if !ours || !r.Async || fails != (r.Err != nil) {
			t.Errorf("%+v, and %v were sent, of which the second fails", r, ids)
		}
		delete(wants, r.RequestID)
	}
	select {
	case r := <-reports:
		t.Errorf("a failed event was tried again: %+v", r)
	default:
	}
}

func TestInvokeAsync_OldEventsAreDropped(t *testing.T) {
	t.Parallel()
	reports := make(chan function.Report, 10)
	s := newService(t, function.Options{EventAge: 50 * time.Millisecond, OnReport: func(r function.Report) { reports <- r }})
	deploy(t, s, "f", func(f *function.Function) { f.Concurrency = 1 })
	long, _ := json.Marshal(order{Do: "wait", N: 500})
	if _, err := s.InvokeAsync("f", long); err != nil {
		t.Fatal(err)
	}
	id, err := s.InvokeAsync("f", long)
	if err != nil {
		t.Fatal(err)
	}
	if r := <-reports; r.RequestID != id || !errors.Is(r.Err, function.ErrExpired) {
		t.Errorf("got %+v, want the second event dropped", r)
	}
	if r := <-reports; r.Err != nil {
		t.Errorf("the first event: %v", r.Err)
	}
}
