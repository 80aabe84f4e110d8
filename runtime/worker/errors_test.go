package worker_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// flaky is a converter whose reading and writing of the text "flaky" fails as long as fails says so, and may succeed later.
type flaky struct {
	refusing
	fails func() bool
	tried *[]time.Time
}

func (flaky) Define(*config.Def) {}

func (f flaky) Encode(ctx context.Context, topic string, d connect.Datum) ([]byte, error) {
	if d.Value == "flaky" {
		*f.tried = append(*f.tried, time.Now())
		if f.fails() {
			return nil, connect.Retry(errors.New("the registry does not answer"), 0)
		}
	}
	return f.refusing.Encode(ctx, topic, d)
}

func (f flaky) Decode(ctx context.Context, topic string, b []byte) (connect.Datum, error) {
	if _, err := f.Encode(ctx, topic, connect.Datum{Value: string(b)}); string(b) == "flaky" && err != nil {
		return connect.Datum{}, err
	}
	return f.refusing.Decode(ctx, topic, b)
}

// withoutBroker is a bench for sinks in a bubble of their own time.
func withoutBroker(t *testing.T, f flaky) *bench {
	t.Helper()
	plugins := testPlugins()
	plugins.Converters[0].New = func() connect.Converter { return f }
	env, err := worker.NewEnv(map[string]string{"key.converter": stringConverter, "value.converter": stringConverter}, plugins)
	if err != nil {
		t.Fatal(err)
	}
	env.Log = slog.New(slog.DiscardHandler)
	return &bench{store: offset.NewMemory(time.Now), env: env}
}

// errors.retry.timeout counts from the first failure, over redeliveries and processes.
func TestSink_RetriesFromTheFirstFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tried []time.Time
		b := withoutBroker(t, flaky{fails: func() bool { return true }, tried: &tried})
		p := &pit{}
		b.put(t, "s", map[string]string{
			"topics": "in", "errors.tolerance": "all", "errors.retry.timeout": "100000", "errors.retry.delay.max.ms": "1000",
		})
		start := time.Now()
		deliveries := 0
		for {
			deliveries++
			if deliveries > 20 {
				t.Fatal("it never ended")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			_, r, err := b.sink(p, "s").Run(ctx, event(t, "in", 0, 0, "a", "flaky", "c"))
			cancel()
			if err == nil {
				if r.Skipped != 1 || r.Written != 2 {
					t.Errorf("%+v", r)
				}
				break
			}
			if !strings.Contains(err.Error(), "record 1 of in-0") || !strings.Contains(err.Error(), "still failing") {
				t.Fatalf("%v", err)
			}
			time.Sleep(time.Second) // until the trigger delivers again
		}
		if took := tried[len(tried)-1].Sub(start); took < 100*time.Second || took > 131*time.Second {
			t.Errorf("given up after %s in %d deliveries", took, deliveries)
		}
		if diff := cmp.Diff([]string{"a", "c"}, p.values); diff != "" {
			t.Error(diff)
		}
	})
}

// The pauses double from 300 ms, are anything below the cap once they would be above it, and the last try is made when
// the time is up.
func TestSink_PausesAsConnectDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tried []time.Time
		b := withoutBroker(t, flaky{fails: func() bool { return true }, tried: &tried})
		b.put(t, "s", map[string]string{
			"topics": "in", "errors.retry.timeout": "10000", "errors.retry.delay.max.ms": "3000",
		})
		_, r, err := b.sink(&pit{}, "s").Run(t.Context(), event(t, "in", 0, 0, "flaky"))
		if err == nil || !strings.Contains(err.Error(), "Tolerance exceeded in error handler") {
			t.Fatalf("%v", err)
		}
		var pauses []time.Duration
		for i := 1; i < len(tried); i++ {
			pauses = append(pauses, tried[i].Sub(tried[i-1]))
		}
		if len(pauses) < 4 {
			t.Fatalf("pauses %v", pauses)
		}
		want := []time.Duration{300 * time.Millisecond, 600 * time.Millisecond, 1200 * time.Millisecond, 2400 * time.Millisecond}
		if diff := cmp.Diff(want, pauses[:4]); diff != "" {
			t.Error(diff)
		}
		for _, d := range pauses[4:] {
			if d > 3*time.Second {
				t.Errorf("a pause of %s", d)
			}
		}
		if total := tried[len(tried)-1].Sub(tried[0]); total != 10*time.Second {
			t.Errorf("the last try was after %s", total)
		}
		if r.Retries != len(tried)-1 || r.Failures != len(tried) || r.Errors != 1 {
			t.Errorf("%+v", r)
		}
	})
}

func TestSink_WithoutRetryTimeoutTriesOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tried []time.Time
		b := withoutBroker(t, flaky{fails: func() bool { return true }, tried: &tried})
		b.put(t, "s", map[string]string{"topics": "in", "errors.tolerance": "all"})
		if _, r, err := b.sink(&pit{}, "s").Run(t.Context(), event(t, "in", 0, 0, "flaky")); err != nil || r.Skipped != 1 || len(tried) != 1 {
			t.Errorf("%d tries, %+v, %v", len(tried), r, err)
		}
	})
}

func TestSink_RetriesUntilItSucceeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tried []time.Time
		b := withoutBroker(t, flaky{fails: func() bool { return len(tried) < 4 }, tried: &tried})
		p := &pit{}
		b.put(t, "s", map[string]string{"topics": "in", "errors.retry.timeout": "-1"})
		if _, r, err := b.sink(p, "s").Run(t.Context(), event(t, "in", 0, 0, "flaky")); err != nil || r.Written != 1 || r.Retries != 3 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// picky is a target that refuses whole batches with a bad record in them and does not say which it is.
func picky(p *pit, bad ...string) func([]connect.Record) error {
	return func(records []connect.Record) error {
		for _, r := range records {
			for _, b := range bad {
				if r.Value.Value == b {
					return &connect.BatchError{Err: errors.New("value too long")}
				}
			}
		}
		return nil
	}
}

func TestSink_BisectsABatchThatIsRefused(t *testing.T) {
	t.Parallel()
	const size = 16
	for position := range size {
		b, p := setup(t), &pit{}
		values := numbered(0, size)
		p.put = picky(p, values[position], values[(position+5)%size])
		b.put(t, "s", map[string]string{
			"topics": "in", "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dead",
			"errors.deadletterqueue.topic.replication.factor": "1",
		})
		s := b.sink(p, "s")
		_, r, err := s.Run(t.Context(), event(t, "in", 0, 0, values...))
		if err != nil || r.Written != size-2 || r.Skipped != 2 || r.Dead != 2 {
			t.Fatalf("position %d: %+v, %v", position, r, err)
		}
		s.Close(t.Context())
		var want, dead []string
		for i, v := range values {
			if i == position || i == (position+5)%size {
				dead = append(dead, v)
			} else {
				want = append(want, v)
			}
		}
		if diff := cmp.Diff(want, p.values); diff != "" {
			t.Errorf("position %d: %s", position, diff)
		}
		if diff := cmp.Diff(dead, b.read(t, "dead", 2)); diff != "" {
			t.Errorf("position %d: dead letters: %s", position, diff)
		}
	}
}

func TestSink_DoesNotBisectWhatIsNotTolerated(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	p.put = picky(p, "line 3")
	b.put(t, "s", map[string]string{"topics": "in"})
	_, _, err := b.sink(p, "s").Run(t.Context(), event(t, "in", 0, 0, numbered(0, 8)...))
	if err == nil || !strings.Contains(err.Error(), "value too long") {
		t.Fatalf("%v", err)
	}
	if len(p.values) != 0 {
		t.Errorf("%q will be written twice", p.values)
	}
}

// A failure that is no record's fault must not be put down to one.
func TestSink_DoesNotBisectOtherFailures(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	calls := 0
	p.put = func([]connect.Record) error {
		calls++
		return errors.New("connection refused")
	}
	b.put(t, "s", map[string]string{"topics": "in", "errors.tolerance": "all"})
	if _, r, err := b.sink(p, "s").Run(t.Context(), event(t, "in", 0, 0, numbered(0, 8)...)); err == nil || calls != 1 || r.Skipped != 0 {
		t.Errorf("%d calls, %+v, %v", calls, r, err)
	}
}

// deadLetters reads the dead letters of a topic once there are n of them, each as lines "header: value", "key", "value".
func (b *bench) deadLetters(t *testing.T, topic string, n int) []map[string]string {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.broker.ListenAddrs()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var all []map[string]string
	for len(all) < n {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("topic %s has %d records and not %d", topic, len(all), n)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			letter := map[string]string{}
			if r.Key != nil {
				letter["key"] = string(r.Key)
			}
			if r.Value != nil {
				letter["value"] = string(r.Value)
			}
			for _, h := range r.Headers {
				letter[h.Key] = string(h.Value)
			}
			all = append(all, letter)
		})
	}
	return all
}

var deadSource = map[string]string{
	"errors.tolerance": "all", "sluice.errors.deadletterqueue.topic.name": "dead",
	"sluice.errors.deadletterqueue.topic.replication.factor": "1",
}

func TestSource_DeadLetters(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", "0", "bad", "2")
	b.put(t, "c", deadSource)
	s := b.source(f)
	if r := run(t, s, "c"); r.Did != "ran" || r.Written != 2 || r.Skipped != 1 || r.Dead != 1 {
		t.Fatalf("%+v", r)
	}
	if diff := cmp.Diff([]string{"0", "2"}, b.read(t, "feed", 2)); diff != "" {
		t.Error(diff)
	}
	want := []map[string]string{{
		"value":                                 `{"schema":null,"payload":"bad"}`,
		"__connect.errors.topic":                "feed",
		"__connect.errors.source.partition":     `{"part":"a"}`,
		"__connect.errors.source.offset":        `{"line":2}`,
		"__connect.errors.connector.name":       "c",
		"__connect.errors.task.id":              "0",
		"__connect.errors.stage":                "VALUE_CONVERTER",
		"__connect.errors.class.name":           stringConverter,
		"__connect.errors.exception.class.name": "org.apache.kafka.connect.errors.DataException",
		"__connect.errors.exception.message":    "it is bad",
		"__connect.errors.exception.stacktrace": "converting the value with StringConverter: it is bad",
	}}
	if diff := cmp.Diff(want, b.deadLetters(t, "dead", 1)); diff != "" {
		t.Error(diff)
	}
	// It is passed over for good.
	if r := run(t, s, "c"); r.Did != "ran" || r.Polled != 0 || r.Dead != 0 {
		t.Errorf("the next invocation: %+v", r)
	}
}

// What Kafka refuses as too large keeps its bytes in the letter if they fit there, and else loses its value.
func TestSource_DeadLettersOfWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	large := strings.Repeat("x", 2<<20)
	f.add("a", "0", large, "2")
	b.put(t, "c", deadSource)
	if r := run(t, b.source(f), "c"); r.Did != "ran" || r.Written != 2 || r.Skipped != 1 || r.Dead != 1 {
		t.Fatalf("%+v", r)
	}
	if diff := cmp.Diff([]string{"0", "2"}, b.read(t, "feed", 2)); diff != "" {
		t.Error(diff)
	}
	letter := b.deadLetters(t, "dead", 1)[0]
	if v, ok := letter["value"]; ok {
		t.Errorf("the letter has a value of %d bytes", len(v))
	}
	got := []string{
		letter["__connect.errors.stage"], letter["__connect.errors.source.offset"], letter["__connect.errors.exception.class.name"],
		letter["__connect.errors.class.name"],
	}
	want := []string{
		"KAFKA_PRODUCE", `{"line":2}`, "org.apache.kafka.common.errors.RecordTooLargeException",
		"org.apache.kafka.connect.runtime.WorkerSourceTask",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A dead letter that cannot be written fails the batch: Invariant 5.
func TestSource_FailsWithoutItsDeadLetter(t *testing.T) {
	t.Parallel()
	b, f := setup(t), &feed{}
	f.add("a", "0", "bad", "2")
	b.put(t, "c", deadSource)
	b.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.InvalidReplicationFactor})
	s := b.source(f)
	r := run(t, s, "c")
	if r.Did != "failed" || !strings.Contains(r.Err.Error(), "Could not initialize dead letter queue with topic=dead") {
		t.Fatalf("%+v", r)
	}
	if r := run(t, s, "c"); r.Did != "ran" || r.Written != 1 || r.Dead != 1 {
		t.Fatalf("once it can be: %+v", r)
	}
}

func TestSink_FailsAtOnceWithoutItsDeadLetterTopic(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	b.put(t, "s", map[string]string{"topics": "in", "errors.deadletterqueue.topic.name": "dead"})
	b.broker.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.InvalidReplicationFactor})
	_, _, err := b.sink(p, "s").Run(t.Context(), event(t, "in", 0, 0, "a"))
	if err == nil || !strings.Contains(err.Error(), "Could not initialize dead letter queue with topic=dead") {
		t.Fatalf("%v", err)
	}
	if len(p.values) != 0 {
		t.Errorf("it wrote %q", p.values)
	}
}

// The fatal record goes to the dead letters although nothing is tolerated, once.
func TestSink_BuriesTheFatalRecordOnce(t *testing.T) {
	t.Parallel()
	b, p := setup(t), &pit{}
	b.put(t, "s", map[string]string{
		"topics": "in", "errors.deadletterqueue.topic.name": "dead", "errors.deadletterqueue.topic.replication.factor": "1",
	})
	for delivery := range 3 {
		if _, r, err := b.sink(p, "s").Run(t.Context(), event(t, "in", 0, 0, "a", "bad")); err == nil || r.Dead != max(1-delivery, 0) {
			t.Fatalf("delivery %d: %+v, %v", delivery, r, err)
		}
	}
	if got := b.deadLetters(t, "dead", 1); len(got) != 1 || got[0]["value"] != "bad" || len(got[0]) != 1 {
		t.Errorf("%v", got)
	}
}
