package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// groups is a Kafka cluster that has topic "t" with two partitions.
type groups struct {
	mu      sync.Mutex
	offsets map[string]map[kafka.TopicPartition]int64
	fail    error
	more    []string // further topics
}

func newGroups() *groups { return &groups{offsets: map[string]map[kafka.TopicPartition]int64{}} }

func (g *groups) Topics(context.Context) ([]kafka.Topic, error) {
	topics := []kafka.Topic{{Name: "t", Partitions: 2}, {Name: "u", Partitions: 1}}
	for _, name := range g.more {
		topics = append(topics, kafka.Topic{Name: name, Partitions: 1})
	}
	return topics, nil
}

func (g *groups) GroupOffsets(_ context.Context, group string) (map[kafka.TopicPartition]int64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.offsets[group]), nil
}

// Extents gives every partition of t the offsets from 10 to 100.
func (g *groups) Extents(_ context.Context, topics ...string) (map[kafka.TopicPartition]kafka.Extent, error) {
	extents := map[kafka.TopicPartition]kafka.Extent{}
	for _, topic := range topics {
		for p := range int32(2) {
			extents[kafka.TopicPartition{Topic: topic, Partition: p}] = kafka.Extent{Start: 10, End: 100}
		}
	}
	return extents, g.fail
}

func (g *groups) SetGroupOffsets(_ context.Context, group string, offsets map[kafka.TopicPartition]int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fail != nil {
		return g.fail
	}
	if g.offsets[group] == nil {
		g.offsets[group] = map[kafka.TopicPartition]int64{}
	}
	maps.Copy(g.offsets[group], offsets)
	return nil
}

func (g *groups) DeleteGroupOffsets(_ context.Context, group string, partitions ...kafka.TopicPartition) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range partitions {
		delete(g.offsets[group], p)
	}
	return nil
}

func (g *groups) DeleteGroup(_ context.Context, group string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.offsets, group)
	return nil
}

func TestServer_SinkOffsetsThatCannotBe(t *testing.T) {
	t.Parallel()
	server, _, g := still(t)
	must(t, server, 201, "POST", "/connectors", sink)
	must(t, server, 204, "PUT", "/connectors/c/stop", "")
	for body, want := range map[string]string{
		`{"offset": {"kafka_offset": 1}}`:                                                             "400 The partition for a sink connector offset cannot be null or missing",
		`{"partition": {"kafka_topic": "t"}, "offset": null}`:                                         "400 The partition for a sink connector offset must contain the keys",
		`{"partition": {"kafka_topic": null, "kafka_partition": 0}, "offset": null}`:                  "400 Kafka topic names must be valid strings and may not be null",
		`{"partition": {"kafka_topic": "t", "kafka_partition": null}, "offset": null}`:                "400 Kafka partitions must be valid numbers and may not be null",
		`{"partition": {"kafka_topic": "t", "kafka_partition": "x"}, "offset": null}`:                 "400 Failed to parse the following Kafka partition value in the provided offsets: 'x'. Partition values",
		`{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": {"o": 1}}`:               "400 The offset for a sink connector should either be null or contain the key 'kafka_offset'",
		`{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": {"kafka_offset": "y"}}`:  "400 Failed to parse the following Kafka offset value in the provided offsets: 'y'. Offset values",
		`{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": {"kafka_offset": -1}}`:   "500 Failed to modify offsets for sink connector c: the offset -1",
		`{"partition": {"kafka_topic": "none", "kafka_partition": 0}, "offset": {"kafka_offset": 1}}`: "500 Failed to alter consumer group offsets for connector c: there is no partition none-0",
		`{"partition": {"kafka_topic": "t", "kafka_partition": 2}, "offset": {"kafka_offset": 1}}`:    "500 Failed to alter consumer group offsets for connector c: there is no partition t-2",
		`{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": null, "more": 1}`:        "500 Unrecognized field \"more\"",
		`null`:                           "500 reading the offsets: one of them is null",
		`{"partition": {}, "offset": 5}`: "500 Cannot deserialize value of type `java.util.LinkedHashMap<",
		`{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": {"kafka_offset": null}}`:    "400 Failed to parse the following Kafka offset value in the provided offsets: 'null'",
		`{"partition": {"kafka_topic": "t", "kafka_partition": "1"}, "offset": {"kafka_offset": "999"}}`: "200 The offsets for this connector have been altered successfully",
	} {
		status, _, text := call(t, server, "PATCH", "/connectors/c/offsets", `{"offsets": [`+body+`]}`)
		var m struct{ Message string }
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(status, " ", m.Message); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	want := map[string]map[kafka.TopicPartition]int64{"connect-c": {{Topic: "t", Partition: 1}: 999}}
	if diff := cmp.Diff(want, g.offsets); diff != "" {
		t.Error(diff)
	}
	g.fail = io.ErrUnexpectedEOF
	text := must(t, server, 500, "PATCH", "/connectors/c/offsets", `{"offsets": [{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": {"kafka_offset": 1}}]}`)
	if !strings.Contains(text, "zombie sink task") {
		t.Errorf("a group in use: %s", text)
	}
}

func TestServer_OfSeveralOffsetsOfAPartitionTheLastCounts(t *testing.T) {
	t.Parallel()
	server, _, g := still(t)
	must(t, server, 201, "POST", "/connectors", sink)
	must(t, server, 204, "PUT", "/connectors/c/stop", "")
	for _, c := range []struct {
		pairs string
		want  map[kafka.TopicPartition]int64
	}{
		{`{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": {"kafka_offset": 1}},
		  {"partition": {"kafka_partition": 0, "kafka_topic": "t"}, "offset": {"kafka_offset": 2}}`, map[kafka.TopicPartition]int64{{Topic: "t"}: 2}},
		{`{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": null},
		  {"partition": {"kafka_topic": "t", "kafka_partition": "0"}, "offset": {"kafka_offset": 3}}`, map[kafka.TopicPartition]int64{{Topic: "t"}: 3}},
		{`{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": {"kafka_offset": 4}},
		  {"partition": {"kafka_topic": "t", "kafka_partition": "0"}, "offset": null}`, map[kafka.TopicPartition]int64{}},
	} {
		must(t, server, 200, "PATCH", "/connectors/c/offsets", `{"offsets": [`+c.pairs+`]}`)
		if diff := cmp.Diff(c.want, g.offsets["connect-c"]); diff != "" {
			t.Errorf("%s:\n%s", c.pairs, diff)
		}
	}
}

// What Kafka Connect 4.3.1 says about offsets of a FileStreamSource, and in which order it then shows them.
func TestServer_SourceOffsetsThatCannotBe(t *testing.T) {
	t.Parallel()
	server, _, _ := still(t)
	must(t, server, 201, "POST", "/connectors", `{"name": "c", "initial_state": "STOPPED", "config": {"connector.class": "FileStreamSource", "file": "f", "topic": "t"}}`)
	const altered = "200 The offsets for this connector have been altered successfully"
	for body, want := range map[string]string{
		`{}`:                                 altered,
		`{"partition": null}`:                altered,
		`{"offset": {}}`:                     "500 Offset objects should either be null or contain the key 'position'",
		`{"offset": {"position": 1}}`:        "500 Partition objects cannot be null",
		`{"partition": {"filename": ["a"]}}`: "500 Offsets may only contain primitive types as values, but field filename contains ARRAY",
		`{"partition": {"filename": {}}}`:    "500 Offsets may only contain primitive types as values, but field filename contains MAP",
		`{"partition": {"filename": "f"}, "offset": {"position": 9223372036854775808}}`: "500 Offsets may only contain primitive types as values, but field position contains class java.math.BigInteger",
		`{"partition": {"filename": "f"}, "offset": {"position": "3"}}`:                 "500 The value for the 'position' key in the offset is expected to be a Long value",
		`{"partition": [], "offset": null}`:                                             "500 Cannot deserialize value of type `java.util.LinkedHashMap<",
		`{"partition": {}, "offset": "x"}`:                                              "500 Cannot construct instance of `java.util.LinkedHashMap`",
		`{"partition": {"filename": "/tmp/in.txt"}, "offset": {"position": 1}}, {"partition": {"filename": "b"}, "offset": {"position": 2}}`: altered,
	} {
		status, _, text := call(t, server, "PATCH", "/connectors/c/offsets", `{"offsets": [`+body+`]}`)
		var m struct{ Message string }
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(status, " ", m.Message); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// Kafka Connect 4.3.1 showed these in this order.
func TestServer_SourceOffsetsStandInJavasOrder(t *testing.T) {
	t.Parallel()
	server, _, _ := still(t)
	must(t, server, 201, "POST", "/connectors", `{"name": "c", "initial_state": "STOPPED", "config": {"connector.class": "FileStreamSource", "file": "f", "topic": "t"}}`)
	var pairs []string
	for i := range 5 {
		pairs = append(pairs, fmt.Sprintf(`{"partition": {"filename": "orders-%d.txt"}, "offset": {"position": %[1]d}}`, i))
	}
	must(t, server, 200, "PATCH", "/connectors/c/offsets", `{"offsets": [`+strings.Join(pairs, ",")+`]}`)
	text := must(t, server, 200, "GET", "/connectors/c/offsets", "")
	var shown struct {
		Offsets []struct{ Offset struct{ Position int } }
	}
	if err := json.Unmarshal([]byte(text), &shown); err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, o := range shown.Offsets {
		got = append(got, o.Offset.Position)
	}
	if diff := cmp.Diff([]int{4, 1, 2, 3, 0}, got); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
	const fraction = `{"filename":"f","weight":1.0}`
	must(t, server, 200, "PATCH", "/connectors/c/offsets", `{"offsets": [{"partition": `+fraction+`, "offset": {"position": 1}}]}`)
	if text = must(t, server, 200, "GET", "/connectors/c/offsets", ""); !strings.Contains(text, `"weight":1.0`) {
		t.Errorf("a fraction became an integer: %s", text)
	}
}

func TestServer_SinkOfSeveralTopicsHasAGroupForEach(t *testing.T) {
	t.Parallel()
	server, _, g := still(t)
	must(t, server, 201, "POST", "/connectors", `{"name": "c", "initial_state": "stopped", "config": {"connector.class": "FileStreamSink", "topics": "t, u"}}`)
	must(t, server, 200, "PATCH", "/connectors/c/offsets", `{"offsets": [
		{"partition": {"kafka_topic": "u", "kafka_partition": 0}, "offset": {"kafka_offset": 5}},
		{"partition": {"kafka_topic": "t", "kafka_partition": 0}, "offset": {"kafka_offset": 6}}]}`)
	want := map[string]map[kafka.TopicPartition]int64{"connect-c.t": {{Topic: "t"}: 6}, "connect-c.u": {{Topic: "u"}: 5}}
	if diff := cmp.Diff(want, g.offsets); diff != "" {
		t.Error(diff)
	}
	got := must(t, server, 200, "GET", "/connectors/c/offsets", "")
	if want := `{"offsets":[{"partition":{"kafka_partition":0,"kafka_topic":"t"},"offset":{"kafka_offset":6}},` +
		`{"partition":{"kafka_partition":0,"kafka_topic":"u"},"offset":{"kafka_offset":5}}]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestServer_SinkForgetsItsStateWithItsOffsets(t *testing.T) {
	t.Parallel()
	server, w, _ := still(t)
	must(t, server, 201, "POST", "/connectors", sink)
	must(t, server, 204, "PUT", "/connectors/c/stop", "")
	for p := range int32(2) {
		if _, err := w.store.PutState(t.Context(), "c", "t", p, []byte("staged"), 0); err != nil {
			t.Fatal(err)
		}
	}
	must(t, server, 200, "PATCH", "/connectors/c/offsets", `{"offsets": [{"partition": {"kafka_topic": "t", "kafka_partition": 1}, "offset": {"kafka_offset": 3}}]}`)
	for p, want := range []string{"staged", ""} {
		if value, _, err := w.store.State(t.Context(), "c", "t", int32(p)); err != nil || string(value) != want {
			t.Errorf("the state of t-%d is %q, %v", p, value, err)
		}
	}
}

func TestServer_SinkGoesOnWhereItWasAfterTheBrokerForgot(t *testing.T) {
	t.Parallel()
	server, w, g := still(t)
	must(t, server, 201, "POST", "/connectors", sink)
	at := func(p int32) kafka.TopicPartition { return kafka.TopicPartition{Topic: "t", Partition: p} }
	g.offsets["connect-c"] = map[kafka.TopicPartition]int64{at(0): 10, at(1): 20}
	must(t, server, 202, "PUT", "/connectors/c/pause", "")
	g.offsets["connect-c"] = map[kafka.TopicPartition]int64{at(1): 21}
	must(t, server, 202, "PUT", "/connectors/c/resume", "")
	if diff := cmp.Diff(map[kafka.TopicPartition]int64{at(0): 10, at(1): 21}, g.offsets["connect-c"]); diff != "" {
		t.Error(diff)
	}
	must(t, server, 204, "PUT", "/connectors/c/stop", "")
	must(t, server, 200, "DELETE", "/connectors/c/offsets", "")
	must(t, server, 202, "PUT", "/connectors/c/resume", "")
	if len(g.offsets["connect-c"]) > 0 {
		t.Errorf("what was reset came back: %v", g.offsets)
	}
	kept, err := w.store.Group(t.Context(), "c", "connect-c")
	if diff := cmp.Diff(map[connect.TopicPartition]int64{}, kept); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// What Connect was seen to answer.
func TestOffsets_MembersStandInJavasOrder(t *testing.T) {
	t.Parallel()
	for _, want := range []string{
		`{"timestamp_nanos":3000,"timestamp":1704067200000}`,
		`{"timestamp_nanos":0,"incrementing":4,"timestamp":1704240000000}`,
		`{"protocol":"1","table":"shop.orders"}`, `{"position":14}`, `{}`,
	} {
		var fields map[string]any
		if err := json.Unmarshal([]byte(want), &fields); err != nil {
			t.Fatal(err)
		}
		sorted, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(control.InJavasOrder(string(sorted))); got != want {
			t.Errorf("%s became %s and not %s", sorted, got, want)
		}
	}
}
