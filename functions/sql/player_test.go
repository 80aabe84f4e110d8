package sql_test

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/functions/sql"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// caseName is the connector's name in the recorded cases.
const caseName = "jdbc-case"

// player plays a recorded case: the worker with all it has, a table in memory, and topics.
type player struct {
	t       *testing.T
	c       *recorded
	s       *server
	config  map[string]string
	env     worker.Env
	store   offset.Store
	sink    *worker.Sink
	topics  map[string][]kafka.Message
	done    map[string]int // records handed to the sink and written
	started bool
	out     []map[string]any
	why     string
}

func newPlayer(t *testing.T, c *recorded, f flavour, s *server) *player {
	t.Helper()
	const json = "org.apache.kafka.connect.json.JsonConverter"
	env, err := worker.NewEnv(map[string]string{
		"bootstrap.servers": "127.0.0.1:1", "key.converter": json, "value.converter": json, "offset.flush.interval.ms": "1000",
	}, runtime.Plugins())
	if err != nil {
		t.Fatal(err)
	}
	env.Worker, env.Log = "test:1", slog.New(slog.NewTextHandler(t.Output(), nil))
	p := &player{
		t: t, c: c, s: s, env: env, store: offset.NewMemory(time.Now), topics: map[string][]kafka.Message{}, done: map[string]int{},
		config: map[string]string{"name": caseName},
	}
	fill := strings.NewReplacer("${url}", s.settings["connection.url"], "${user}", s.settings["connection.user"],
		"${password}", s.settings["connection.password"], "${class}", f.classes)
	for name, value := range c.Config {
		p.config[name] = fill.Replace(value)
	}
	return p
}

// play plays a step, and tells whether the case goes on.
func (p *player) play(number int, s step) bool {
	p.s.exec(p.t, s.SQL...)
	for _, r := range s.Produce {
		p.topics[r.Topic] = append(p.topics[r.Topic], r.message(len(p.topics[r.Topic])))
	}
	if s.Start && !p.start(number) {
		return false
	}
	if !p.started || s.Stop {
		return true
	}
	p.deliver()
	p.out = append(p.out, p.s.tables(p.t, number)...)
	return true
}

// start creates the connector, unless its configuration is refused.
func (p *player) start(number int) bool {
	subject := connector.Subject{Kind: connector.KindSink, Own: sql.Sink.New()}
	if err := connector.Check(connector.Validate(p.config, subject, p.env.Plugins, p.env.Settings)); err != nil {
		p.why = err.Error()
		p.out = append(p.out, note(number, "refused", map[string]any{"http": 400}))
		return false
	}
	_, err := p.store.Put(p.t.Context(), offset.Connector{
		Name: caseName, Target: offset.Running, Config: maps.Clone(p.config), Stale: true,
	}, offset.Restart)
	if err != nil {
		p.t.Fatal(err)
	}
	p.sink = &worker.Sink{Connector: sql.Sink, Name: caseName, Env: p.env, Store: p.store}
	p.t.Cleanup(func() { p.sink.Close(p.t.Context()) })
	p.started = true
	return true
}

// deliver hands what is new to the sink, as its trigger does.
func (p *player) deliver() {
	var e kafka.Encoder
	for _, topic := range slices.Sorted(maps.Keys(p.topics)) {
		for i := p.done[topic]; i < len(p.topics[topic]); i++ {
			if !e.Add(topic, 0, &p.topics[topic][i]) {
				p.t.Fatal("the records are too many for one event")
			}
		}
	}
	if e.Len() == 0 {
		return
	}
	if _, _, err := p.sink.Run(p.t.Context(), e.Bytes()); err != nil {
		p.t.Logf("the sink failed: %v", err)
		return
	}
	for topic, all := range p.topics {
		p.done[topic] = len(all)
	}
}

// end notes the offsets and the status.
func (p *player) end() {
	if !p.started {
		return
	}
	for _, topic := range slices.Sorted(maps.Keys(p.done)) {
		p.out = append(p.out, note(-1, "offset", map[string]any{
			"partition": map[string]any{"kafka_partition": 0, "kafka_topic": topic}, "offset": map[string]any{"kafka_offset": p.done[topic]},
		}))
	}
	_, tasks, err := p.store.Look(p.t.Context(), caseName, 100)
	if err != nil && !errors.Is(err, offset.ErrNotFound) {
		p.t.Fatal(err)
	}
	states := []offset.State{}
	for _, task := range tasks {
		state := task.Status.State
		if state == "" {
			state = offset.StateRunning // a sink waits for records
		}
		states = append(states, state)
		p.why += task.Status.Trace
	}
	p.out = append(p.out, note(-1, "status", map[string]any{"connector": "RUNNING", "tasks": states}))
}

// message is the record in its topic.
func (r *produced) message(at int) kafka.Message {
	m := kafka.Message{Offset: int64(at), Timestamp: 1700000000000, TimestampType: kafka.CreateTime, Key: data(r.Key), Value: data(r.Value)}
	if r.Timestamp != nil {
		m.Timestamp = *r.Timestamp
	}
	return m
}

// data is what JsonConverter reads: null is no bytes at all.
func data(text []byte) []byte {
	if bytes.Equal(text, []byte("null")) || len(text) == 0 {
		return nil
	}
	return text
}
