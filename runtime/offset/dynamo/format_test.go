package dynamo_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// TestStore_ReadsTheFirstFormat reads a table as the first version that was released wrote it, and goes on with it: what is
// in testdata/format-1.txt is never written anew. A version with another format has a file of its own beside it.
func TestStore_ReadsTheFirstFormat(t *testing.T) {
	t.Parallel()
	url, clock := endpoint(t), connecttest.NewClock()
	s := open(t, url, dynamo.Options{Now: clock.Now})
	load(t, url, "testdata/format-1.txt")
	ctx := t.Context()

	c, tasks, err := s.Look(ctx, "orders", 2)
	ok(t, err)
	if c.Config["a<b"] != "ü" || c.Target != offset.Running || c.Generation != 4 || c.Tasks != 2 || c.Trigger["schedule"] != "s-1" || c.StackBase != `{"a":"b"}` {
		t.Errorf("the connector is %+v", c)
	}
	if len(tasks) != 2 || tasks[0].Settings["task.id"] != "0" || tasks[0].Epoch != 1 || tasks[0].Status.Trace != "boom" || tasks[0].Status.State != offset.StateFailed {
		t.Errorf("the tasks are %+v", tasks)
	}
	id := func(p connect.Position) int64 {
		n, _, err := p.Int64("id")
		ok(t, err)
		return n
	}
	entries, err := s.AllOffsets(ctx, "orders")
	ok(t, err)
	if len(entries) != 2 || !entries[1].Offset.IsZero() || id(entries[0].Offset) != 7 {
		t.Errorf("the offsets are %+v", entries)
	}
	resume, err := s.Offsets(ctx, "orders", []connect.Partition{partition(t, "a"), partition(t, "b")})
	ok(t, err)
	for name, want := range map[string]int64{"a": 9, "b": 1} {
		if got := id(resume[partition(t, name)].Resume); got != want {
			t.Errorf("partition %s resumes at %d, want %d", name, got, want)
		}
	}
	marker, err := s.Marker(ctx, "orders", "t", 3)
	ok(t, err)
	if marker.Offset != 12 || marker.Attempts != 1 || !cmp.Equal(marker.Dead, []int64{12, 14}) {
		t.Errorf("the marker is %+v", marker)
	}
	state, version, err := s.State(ctx, "orders", "t", 3)
	ok(t, err)
	if !cmp.Equal(state, []byte{0, 255}) || version != 1 {
		t.Errorf("the state is %v, version %d", state, version)
	}
	group, err := s.Group(ctx, "orders", "connect-orders")
	ok(t, err)
	if group[connect.TopicPartition{Topic: "t", Partition: 3}] != 12 {
		t.Errorf("the group is at %v", group)
	}
	if _, _, err := s.Look(ctx, "connectors", 0); err == nil {
		t.Error("a deleted connector is there")
	}
	// And it goes on: its epochs rise from where they were.
	l := claim(t, s, c, 0, "holder-of-a-later-version")
	if l.Epoch != 2 {
		t.Errorf("the epoch after 1 is %d", l.Epoch)
	}
	ok(t, s.Commit(ctx, l, offset.Commit{Offsets: connect.Offsets{partition(t, "a"): connect.At("id", 10)}}))
}

// load puts items into the table as dump shows them.
func load(t *testing.T, url, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	ok(t, err)
	var key string
	var body strings.Builder
	put := func() {
		if key == "" {
			return
		}
		var fields map[string]any
		d := json.NewDecoder(strings.NewReader(body.String()))
		d.UseNumber()
		ok(t, d.Decode(&fields))
		pk, sk, _ := strings.Cut(key, "  ")
		fields["pk"], fields["sk"] = pk, sk
		it := map[string]types.AttributeValue{}
		for name, v := range fields {
			it[name] = typed(t, v)
		}
		table := tableName
		_, err := client(url).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: it})
		ok(t, err)
		body.Reset()
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, " ") {
			body.WriteString(line)
			continue
		}
		put()
		key = strings.TrimSuffix(line, "\n")
	}
	put()
}

// typed is what plain shows as v.
func typed(t *testing.T, v any) types.AttributeValue {
	t.Helper()
	switch v := v.(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case json.Number:
		return &types.AttributeValueMemberN{Value: v.String()}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case []any:
		list := make([]types.AttributeValue, len(v))
		for i, e := range v {
			list[i] = typed(t, e)
		}
		return &types.AttributeValueMemberL{Value: list}
	case map[string]any:
		if text, isBytes := v["B"].(string); isBytes && len(v) == 1 {
			b, err := base64.StdEncoding.DecodeString(text)
			ok(t, err)
			return &types.AttributeValueMemberB{Value: b}
		}
		m := map[string]types.AttributeValue{}
		for name, e := range v {
			m[name] = typed(t, e)
		}
		return &types.AttributeValueMemberM{Value: m}
	}
	t.Fatalf("%v is of no type that items have", v)
	return nil
}
