package e2e_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// observer looks at what a case left: in topics, files, groups and the table.
type observer struct {
	*testCase
	store  offset.Store
	client *kgo.Client // consumes the topics of the case from their start
	got    map[string][]*kgo.Record
}

func newObserver(c *testCase, store offset.Store, brokers string) (*observer, error) {
	topics := slices.Sorted(maps.Keys(c.Read.Topics))
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.ConsumeTopics(topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(100*time.Millisecond), kgo.DisableClientMetrics())
	if err != nil {
		return nil, err
	}
	return &observer{testCase: c, store: store, client: client, got: map[string][]*kgo.Record{}}, nil
}

// The forms of a line of what is expected.
type recordLine struct {
	Topic     string       `json:"topic"`
	Partition int32        `json:"partition"`
	Offset    int64        `json:"offset"`
	Timestamp int64        `json:"timestamp"`
	Key       *string      `json:"key"`
	Value     *string      `json:"value"`
	Headers   [][2]*string `json:"headers"`
}

type fileLine struct {
	File    string `json:"file"`
	Content string `json:"content"`
}

type connectorLine struct {
	Connector string         `json:"connector"`
	State     offset.State   `json:"state"`
	Tasks     []offset.State `json:"tasks"`
	Offsets   []any          `json:"offsets"`
}

// look returns what there is now, in the form of what is expected. Waiting for more records is what paces it.
func (o *observer) look(ctx context.Context) ([]any, error) {
	lines := []any{}
	records, err := o.records(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		lines = append(lines, r)
	}
	for _, name := range o.Read.Files {
		content, err := os.ReadFile(filepath.Join(o.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, fileLine{name, base64.StdEncoding.EncodeToString(content)})
	}
	for _, connector := range o.Connectors {
		line, err := o.connector(ctx, connector.Name)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	text, err := json.Marshal(lines)
	if err != nil {
		return nil, err
	}
	var plain []any
	return plain, json.Unmarshal([]byte(strings.ReplaceAll(string(text), o.dir, "{{dir}}")), &plain)
}

// toTheEnd looks when every record that is there now was read.
func (o *observer) toTheEnd(ctx context.Context) ([]any, error) {
	if len(o.Read.Topics) == 0 { // which would ask for the ends of all topics
		return o.look(ctx)
	}
	ends, err := kadm.NewClient(o.client).ListEndOffsets(ctx, slices.Sorted(maps.Keys(o.Read.Topics))...)
	if err != nil {
		return nil, err
	}
	for {
		lines, err := o.look(ctx)
		if err != nil {
			return nil, err
		}
		missing := false
		ends.Each(func(end kadm.ListedOffset) {
			missing = missing || end.Err == nil && int64(len(o.got[end.Topic])) < end.Offset
		})
		if !missing {
			return lines, nil
		}
	}
}

func (o *observer) records(ctx context.Context) ([]recordLine, error) {
	waiting, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	fetches := o.client.PollFetches(waiting)
	for _, e := range fetches.Errors() {
		if !errors.Is(e.Err, context.DeadlineExceeded) {
			return nil, fmt.Errorf("reading topic %s: %w", e.Topic, e.Err)
		}
	}
	if len(o.Read.Topics) == 0 {
		<-waiting.Done() // a client without topics does not wait by itself
	}
	fetches.EachRecord(func(r *kgo.Record) { o.got[r.Topic] = append(o.got[r.Topic], r) })
	var lines []recordLine
	for _, topic := range slices.Sorted(maps.Keys(o.got)) {
		list := o.got[topic]
		slices.SortFunc(list, func(a, b *kgo.Record) int {
			return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
		})
		for _, r := range list {
			line := recordLine{
				Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(),
				Key: short(r.Key), Value: short(r.Value), Headers: [][2]*string{},
			}
			for _, h := range r.Headers {
				line.Headers = append(line.Headers, [2]*string{&h.Key, short(h.Value)})
			}
			lines = append(lines, line)
		}
	}
	return lines, nil
}

// short is bytes in base64, or what is kept of long ones.
func short(raw []byte) *string {
	if raw == nil {
		return nil
	}
	text := base64.StdEncoding.EncodeToString(raw)
	if len(text) > 4096 {
		text = fmt.Sprintf("sha256:%x:%d", sha256.Sum256(raw), len(raw))
	}
	return &text
}

func (o *observer) connector(ctx context.Context, name string) (connectorLine, error) {
	line := connectorLine{Connector: name, State: offset.StateRunning, Tasks: []offset.State{}, Offsets: []any{}}
	c, _, err := o.store.Look(ctx, name, 0)
	if err != nil {
		return line, err
	}
	if c.Target != offset.Running || c.Status.State == offset.StateFailed {
		line.State = cmp.Or(c.Status.State, offset.State(c.Target))
	}
	tasks, err := o.store.Tasks(ctx, name)
	if err != nil {
		return line, err
	}
	for _, t := range tasks {
		line.Tasks = append(line.Tasks, t.Status.State)
	}
	entries, err := o.store.AllOffsets(ctx, name)
	if err != nil {
		return line, err
	}
	for _, e := range entries {
		if e.Offset.IsZero() {
			continue // it has a private position only, which Connect does not know
		}
		line.Offsets = append(line.Offsets, map[string]any{"partition": e.Partition.Fields(), "offset": e.Offset.Fields()})
	}
	if _, isSink := c.Config["topics"]; !isSink {
		return line, nil
	}
	committed, err := kadm.NewClient(o.client).FetchOffsets(ctx, "connect-"+name)
	if err != nil {
		return line, err
	}
	for _, c := range committed.Sorted() {
		line.Offsets = append(line.Offsets, map[string]any{
			"partition": map[string]any{"kafka_partition": c.Partition, "kafka_topic": c.Topic},
			"offset":    map[string]any{"kafka_offset": c.At},
		})
	}
	return line, nil
}

// anything is what stands for any value.
const anything = "{{any}}"

// pardon makes got like want where want says that anything will do.
func pardon(want, got any) any {
	if want == anything {
		return anything
	}
	switch got := got.(type) {
	case map[string]any:
		if w, ok := want.(map[string]any); ok {
			for key := range got {
				if _, ok := w[key]; ok {
					got[key] = pardon(w[key], got[key])
				}
			}
		}
	case []any:
		if w, ok := want.([]any); ok {
			for i := range min(len(w), len(got)) {
				got[i] = pardon(w[i], got[i])
			}
		}
	}
	return got
}
