package runtime_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// keeper is a task that is asked about offsets and about nothing else.
type keeper struct {
	connect.SourceTask
	asked connect.Offsets
}

// keeperSink is the same of a sink.
type keeperSink struct {
	connect.SinkTask
	asked map[connect.TopicPartition]*int64
}

func (k *keeper) Define(*config.Def)     {}
func (k *keeperSink) Define(*config.Def) {}

func (k *keeper) AlterOffsets(_ context.Context, o connect.Offsets) (bool, error) {
	k.asked = o
	for _, p := range o {
		if n, _, _ := p.Int64("at"); n < 0 {
			return false, errors.New("not before the beginning")
		}
	}
	return true, nil
}

func (k *keeperSink) AlterSinkOffsets(_ context.Context, o map[connect.TopicPartition]*int64) (bool, error) {
	k.asked = o
	return false, nil
}

func TestControls_AskTheTaskAboutOffsets(t *testing.T) {
	t.Parallel()
	task, sink := &keeper{}, &keeperSink{}
	controls := runtime.SourceControls(connect.SourceConnector{New: func() connect.SourceTask { return task }}, worker.Env{}, nil)
	sinkControls := runtime.SinkControls(connect.SinkConnector{New: func() connect.SinkTask { return sink }}, worker.Env{}, nil)
	for _, ask := range []struct {
		controls      runtime.Controls
		offsets, want string
	}{
		{controls, `[{"partition":{"p":1},"offset":{"at":5}},{"partition":{"p":2},"offset":null}]`, `{"done":true}`},
		{controls, `[{"partition":{"p":1},"offset":{"at":-5}}]`, `{"done":false,"refused":"not before the beginning"}`},
		{sinkControls, `[{"partition":{"kafka_topic":"t","kafka_partition":3},"offset":{"kafka_offset":9}},{"partition":{"kafka_topic":"t","kafka_partition":4},"offset":null}]`, `{"done":false}`},
	} {
		answer, ok, err := ask.controls.Answer(t.Context(), []byte(`{"control":"alter","config":{},"offsets":`+ask.offsets+`}`))
		if err != nil || !ok || string(answer) != ask.want {
			t.Errorf("%s: %s, %v, %v; want %s", ask.offsets, answer, ok, err, ask.want)
		}
	}
	nine := int64(9)
	want := map[connect.TopicPartition]*int64{{Topic: "t", Partition: 3}: &nine, {Topic: "t", Partition: 4}: nil}
	if diff := cmp.Diff(want, sink.asked); diff != "" {
		t.Error(diff)
	}
}

func TestControls_PlanOnlyWhereSomebodyPlans(t *testing.T) {
	t.Parallel()
	planned, broken := 0, errors.New("no")
	plan := func(context.Context) error {
		planned++
		return broken
	}
	controls := runtime.SinkControls(connect.SinkConnector{New: func() connect.SinkTask { return &keeperSink{} }}, worker.Env{}, plan)
	if _, ok, err := controls.Answer(t.Context(), []byte(`{"control":"plan"}`)); !ok || !errors.Is(err, broken) || planned != 1 {
		t.Errorf("a sink: %v, %v, planned %d times", ok, err, planned)
	}
	source := runtime.SourceControls(connect.SourceConnector{New: func() connect.SourceTask { return &keeper{} }}, worker.Env{}, nil)
	for _, unknown := range []string{"plan", "fly"} {
		if _, ok, err := source.Answer(t.Context(), []byte(`{"control":"`+unknown+`"}`)); !ok || err == nil {
			t.Errorf("a source asked to %s: %v, %v", unknown, ok, err)
		}
	}
	if _, ok, _ := source.Answer(t.Context(), []byte(`{"connector":"c"}`)); ok {
		t.Error("a tick is taken for a control request")
	}
}
