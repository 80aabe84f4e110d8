package control_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

func TestServer_HealthSaysWhatStatusCannot(t *testing.T) {
	t.Parallel()
	state := control.TriggerState{Every: time.Second, Note: "being enabled"}
	server, w, _ := with(t, func(o *control.Options) {
		o.Triggers, o.Meter = fixed{Triggers: o.Triggers, state: &state}, meter{0: {Done: offset.Done{In: 5, Out: 4}, Since: time.Unix(1, 0)}}
	})
	must(t, server, 201, "POST", "/connectors", source)
	c := publish(t, w, 2)
	now := time.Now().Truncate(time.Millisecond).UTC()
	failed := offset.Status{
		State: offset.StateFailed, Trace: "it broke", Worker: "w", Since: now, Success: now.Add(-time.Minute), Failure: now, Attempts: 3, Next: now.Add(time.Minute),
	}
	if err := w.store.PutTaskStatus(t.Context(), "c", 1, c.Generation, failed, offset.Done{In: 7}); err != nil {
		t.Fatal(err)
	}
	type task struct {
		ID       int        `json:"id"`
		State    string     `json:"state"`
		Success  *time.Time `json:"last_success"`
		Failure  *time.Time `json:"last_failure"`
		Error    *string    `json:"last_error"`
		Attempts int        `json:"failed_attempts"`
		Next     *time.Time `json:"next_restart"`
		In       *int64     `json:"records_in"`
		Out      *int64     `json:"records_out"`
		Counted  *time.Time `json:"counted_since"`
	}
	type health struct {
		State   string
		Trigger struct {
			Note, Problem *string
			Every         *int64 `json:"every_ms"`
		}
		Tasks []task
	}
	read := func() (h health) {
		t.Helper()
		if err := json.Unmarshal([]byte(must(t, server, 200, "GET", "/connectors/c/health", "")), &h); err != nil {
			t.Fatal(err)
		}
		var all map[string]struct{ Health health }
		if err := json.Unmarshal([]byte(must(t, server, 200, "GET", "/connectors?expand=health", "")), &all); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(h, all["c"].Health); diff != "" {
			t.Errorf("expanded, it is another:\n%s", diff)
		}
		return h
	}
	of := func(v int64) *int64 { return &v }
	at := func(v time.Time) *time.Time { v = v.UTC(); return &v }
	text := func(v string) *string { return &v }
	want := health{State: "RUNNING", Tasks: []task{
		{ID: 0, State: "UNASSIGNED", In: of(5), Out: of(4), Counted: at(time.Unix(1, 0))},
		{ID: 1, State: "FAILED", Success: at(now.Add(-time.Minute)), Failure: at(now), Error: text("it broke"), Attempts: 3, Next: at(now.Add(time.Minute)), In: of(7), Out: of(0)},
	}}
	want.Trigger.Note, want.Trigger.Every = text("being enabled"), of(1000)
	got := read()
	if counted := got.Tasks[1].Counted; counted == nil || counted.Before(now.Add(-time.Minute)) {
		t.Errorf("what the table counts it counts since %v", counted)
	}
	got.Tasks[1].Counted = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the health (-want +got):\n%s", diff)
	}
	state.Broken = "no route to the broker"
	if h := read(); h.State != "UNASSIGNED" || h.Tasks[1].State != "FAILED" || h.Trigger.Problem == nil {
		t.Errorf("with a broken trigger it is %+v", h)
	}
}

func TestServer_SourcesWithoutTicksAreUnassigned(t *testing.T) {
	t.Parallel()
	state := control.TriggerState{Every: time.Second}
	server, w, _ := with(t, func(o *control.Options) { o.Triggers = fixed{Triggers: o.Triggers, state: &state} })
	must(t, server, 201, "POST", "/connectors", source)
	c := publish(t, w, 1)
	for _, s := range []struct {
		last time.Duration
		want string
	}{{0, "RUNNING RUNNING"}, {20 * time.Second, "RUNNING RUNNING"}} {
		status := offset.Status{State: offset.StateRunning, Worker: "w", Success: time.Now().Add(-s.last)}
		if err := w.store.PutTaskStatus(t.Context(), "c", 0, c.Generation, status, offset.Done{}); err != nil {
			t.Fatal(err)
		}
		if got := states(t, must(t, server, 200, "GET", "/connectors/c/status", "")); got != s.want {
			t.Errorf("run %v ago, it is %s, want %s", s.last, got, s.want)
		}
	}
	// Planned long ago, and not run since.
	must(t, server, 202, "PUT", "/connectors/c/pause", "")
	must(t, server, 202, "PUT", "/connectors/c/resume", "")
	w.clock.Store(int64(-time.Hour))
	publish(t, w, 1)
	status := offset.Status{State: offset.StateRunning, Worker: "w", Success: time.Now().Add(-40 * time.Second)}
	c, _, err := w.store.Look(t.Context(), "c", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.PutTaskStatus(t.Context(), "c", 0, c.Generation, status, offset.Done{}); err != nil {
		t.Fatal(err)
	}
	if got := states(t, must(t, server, 200, "GET", "/connectors/c/status", "")); got != "RUNNING UNASSIGNED" {
		t.Errorf("not run for 40 ticks, it is %s", got)
	}
}

// Where the trigger does not know how far behind a sink is, its groups and topics do.
func TestServer_HealthMeasuresTheLag(t *testing.T) {
	t.Parallel()
	server, w, g := still(t)
	must(t, server, 201, "POST", "/connectors", sink)
	publish(t, w, 2)
	if err := g.SetGroupOffsets(t.Context(), "connect-c", map[kafka.TopicPartition]int64{{Topic: "t", Partition: 1}: 97}); err != nil {
		t.Fatal(err)
	}
	read := func() string {
		var health struct {
			Lag   *int64
			Tasks []struct{ Lag *int64 }
		}
		if err := json.Unmarshal([]byte(must(t, server, 200, "GET", "/connectors/c/health", "")), &health); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(health)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got, want := read(), `{"Lag":93,"Tasks":[{"Lag":90},{"Lag":3}]}`; got != want {
		t.Errorf("the lag is %s, want %s", got, want)
	}
	g.fail = errors.New("no broker")
	if got, want := read(), `{"Lag":null,"Tasks":[{"Lag":null},{"Lag":null}]}`; got != want {
		t.Errorf("without Kafka the lag is %s, want %s", got, want)
	}
}
