package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// loop takes events from Lambda's runtime API and answers them, one at a time:
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
//
// It is here because of memory. An event of a Kafka trigger has up to 6 MB; read as usual, into a buffer that grows by
// doubling, each leaves 16 MB of garbage behind, and collecting that takes longer than all that is done with the records.
// This one knows the size before, and keeps one buffer for all events.
type loop struct {
	api     string // the address up to the invocation
	client  http.Client
	payload []byte
	handle  func(ctx context.Context, payload []byte) ([]byte, error)
}

// event is an event that has to be answered.
type event struct {
	id       string
	function string // the ARN it was invoked by
	trace    string
	deadline time.Time
}

// serveEvents hands event after event to handle, whose payload is its own only until it returns. It ends with an error:
// when Lambda is not there, or after a panic, which may have left anything behind.
func serveEvents(ctx context.Context, handle func(ctx context.Context, payload []byte) ([]byte, error)) error {
	address := os.Getenv("AWS_LAMBDA_RUNTIME_API")
	if address == "" {
		return errors.New("AWS_LAMBDA_RUNTIME_API is not set: a function is started by Lambda, or on a desk by sluice up")
	}
	l := &loop{
		api: "http://" + address + "/2018-06-01/runtime/invocation/",
		// No proxy stands between a function and its own machine, and no answer is compressed.
		client: http.Client{Transport: &http.Transport{DisableCompression: true}},
		handle: handle,
	}
	for {
		e, err := l.next(ctx)
		if err != nil {
			return err
		}
		if err := l.work(ctx, &e); err != nil {
			return err
		}
	}
}

// next waits for an event. It may take as long as it takes.
func (l *loop) next(ctx context.Context) (e event, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("asking for the next event: %w", err)
		}
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.api+"next", nil)
	if err != nil {
		return e, err
	}
	answer, err := l.client.Do(request)
	if err != nil {
		return e, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return e, fmt.Errorf("the runtime API answered %s", answer.Status)
	}
	deadline, err := strconv.ParseInt(answer.Header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if err != nil {
		return e, fmt.Errorf("reading the deadline: %w", err)
	}
	e = event{
		id: answer.Header.Get("Lambda-Runtime-Aws-Request-Id"), function: answer.Header.Get("Lambda-Runtime-Invoked-Function-Arn"),
		trace: answer.Header.Get("Lambda-Runtime-Trace-Id"), deadline: time.UnixMilli(deadline),
	}
	return e, l.read(answer)
}

// read fills the buffer with an event.
func (l *loop) read(answer *http.Response) (err error) {
	n := answer.ContentLength
	if n < 0 { // Lambda tells the length; another runtime API may not
		l.payload, err = io.ReadAll(answer.Body)
		return err
	}
	if n > int64(cap(l.payload)) {
		l.payload = make([]byte, n, n+n/8) // the next one is hardly ever of the same size
	}
	l.payload = l.payload[:n]
	_, err = io.ReadFull(answer.Body, l.payload)
	return err
}

// work answers an event.
func (l *loop) work(ctx context.Context, e *event) error {
	out, failure := l.call(ctx, e)
	if failure == nil {
		return l.post(ctx, e.id+"/response", "", out)
	}
	body, err := json.Marshal(failure)
	if err != nil {
		return fmt.Errorf("answering an event with an error: %w", err)
	}
	if err := l.post(ctx, e.id+"/error", failure.Type, body); err != nil || failure.Stack == nil {
		return err
	}
	return fmt.Errorf("the process ends after a panic: %s", failure.Message)
}

// failure is an error as Lambda takes it.
type failure struct {
	Message string   `json:"errorMessage"`
	Type    string   `json:"errorType"`
	Stack   []string `json:"stackTrace,omitempty"` // of a panic
}

// call runs the handler under the event's deadline.
func (l *loop) call(ctx context.Context, e *event) (out []byte, failed *failure) {
	ctx, cancel := context.WithDeadline(ctx, e.deadline)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: e.id, InvokedFunctionArn: e.function})
	defer func() {
		if p := recover(); p != nil {
			failed = &failure{Message: fmt.Sprint(p), Type: typeOf(p), Stack: strings.Split(strings.TrimSpace(string(debug.Stack())), "\n")}
		}
	}()
	// The AWS SDK finds the trace there, by which Lambda notices functions that invoke each other without end.
	if err := os.Setenv("_X_AMZN_TRACE_ID", e.trace); err != nil {
		return nil, &failure{Message: err.Error(), Type: typeOf(err)}
	}
	out, err := l.handle(ctx, l.payload)
	if err != nil {
		return nil, &failure{Message: err.Error(), Type: typeOf(err)}
	}
	return out, nil
}

// typeOf is the name of a value's type, without its package.
func typeOf(v any) string {
	name := fmt.Sprintf("%T", v)
	return name[strings.LastIndexAny(name, ".*")+1:]
}

// post sends an answer.
func (l *loop) post(ctx context.Context, path, failureType string, body []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("answering an event: %w", err)
		}
	}()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.api+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if failureType != "" {
		request.Header.Set("Lambda-Runtime-Function-Error-Type", failureType)
	}
	answer, err := l.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	// Read to its end, or the connection could not be used for the next event.
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	// An answer that is too large has become the invocation's error; the process is well.
	if answer.StatusCode != http.StatusAccepted && answer.StatusCode != http.StatusRequestEntityTooLarge {
		return fmt.Errorf("the runtime API answered %s", answer.Status)
	}
	return nil
}
