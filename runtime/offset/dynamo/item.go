package dynamo

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// item is an item, or the key of one.
type item = map[string]types.AttributeValue

// The partition key of all connectors, and the beginnings of sort keys.
const (
	connectorsKey = "connectors"
	taskPrefix    = "task#"
	planKey       = taskPrefix + "plan"
	offsetPrefix  = "offset#"
	topicPrefix   = "topic#"
	markerPrefix  = "marker#"
	statePrefix   = "state#"
	groupPrefix   = "group#"
)

func key(pk, sk string) item { return item{"pk": str(pk), "sk": str(sk)} }

func connectorKey(name string) item { return key(connectorsKey, name) }

// home is the partition key of what belongs to a connector.
func home(connector string) string {
	if connector == connectorsKey || strings.HasPrefix(connector, connectorsKey+"#") {
		return connectorsKey + "#" + connector
	}
	return connector
}

func taskKey(connector string, id int) item {
	if id == offset.PlanTask {
		return key(home(connector), planKey)
	}
	return key(home(connector), taskPrefix+strconv.Itoa(id))
}

func offsetKey(connector string, p connect.Partition) item {
	sum := sha256.Sum256([]byte(p.JSON()))
	return key(home(connector), offsetPrefix+hex.EncodeToString(sum[:]))
}

func partitionKey(connector, prefix, topic string, partition int32) item {
	return key(home(connector), prefix+topic+"#"+strconv.Itoa(int(partition)))
}

// checkFormat refuses an item that a later version of this program wrote.
func checkFormat(it item) error {
	if v := integer(it["v"]); v > offset.Format {
		return fmt.Errorf("item %s/%s has format %d and this program knows formats up to %d; was it rolled back from a later version?",
			textOf(it["pk"]), textOf(it["sk"]), v, offset.Format)
	}
	return nil
}

// record is a connector's item with what only this package knows of it.
type record struct {
	offset.Connector
	// there tells whether there is an item at all, gone whether it is one of a deleted connector.
	there, gone bool
	// slots is a number above that of every task that may not be gone: Tasks, or more while the gate is closed.
	slots int
}

func decodeConnector(it item) (r record, err error) {
	if it == nil {
		return record{}, nil
	}
	r = record{Connector: offset.Connector{
		Name: textOf(it["sk"]), Target: offset.Target(textOf(it["target"])),
		Version: integer(it["version"]), Generation: integer(it["generation"]),
		Stale: boolean(it["stale"]), Gate: boolean(it["gate"]),
		Tasks: int(integer(it["tasks"])), PlannedAt: timeOf(it["plannedAt"]), Status: decodeStatus(it),
		StackBase: textOf(it["stackBase"]),
	}, there: true, gone: boolean(it["gone"])}
	r.slots = max(r.Tasks, int(integer(it["slots"])))
	if r.Config, err = stringsOf(it, "config"); err != nil {
		return record{}, err
	}
	r.Trigger, err = stringsOf(it, "trigger")
	return r, err
}

// putConnector assigns what a user or the control plane decides.
func putConnector(e *expression, c offset.Connector) {
	e.put("config", stringMap(c.Config))
	e.put("target", nonEmpty(string(c.Target)))
	e.put("stale", flag(c.Stale))
	e.put("plannedAt", millis(c.PlannedAt))
	e.put("trigger", stringMap(c.Trigger))
	e.put("stackBase", nonEmpty(c.StackBase))
	putStatus(e, c.Status)
}

// connectorFields are all attributes of a connector but for those that outlive it.
var connectorFields = [...]string{
	"config", "target", "stale", "plannedAt", "trigger", "stackBase", "gate", "tasks", "slots",
	"state", "failed", "trace", "worker", "since", "success", "failure", "attempts", "next",
}

// putStatus assigns a status. That it is FAILED stands in an attribute of its own, so that a restart can clear it
// without reading what the state is.
func putStatus(e *expression, s offset.Status) {
	failed := s.State == offset.StateFailed
	e.put("failed", flag(failed))
	if failed {
		e.remove("state")
	} else {
		e.put("state", nonEmpty(string(s.State)))
	}
	e.put("trace", nonEmpty(s.Trace))
	e.put("worker", nonEmpty(s.Worker))
	e.put("since", millis(s.Since))
	e.put("success", millis(s.Success))
	e.put("failure", millis(s.Failure))
	e.put("attempts", positive(int64(s.Attempts)))
	e.put("next", millis(s.Next))
}

// clearStatus removes what a restart clears, or all of a status.
func clearStatus(e *expression, all bool) {
	e.remove("failed", "trace", "attempts", "next")
	if all {
		e.remove("state", "worker", "since", "success", "failure", "counted", "said", "in", "out")
	}
}

// count adds to what a task did.
func (s *Store) count(e *expression, done offset.Done) {
	if done == (offset.Done{}) {
		return
	}
	e.assign("#counted = if_not_exists(#counted, ?)", millis(s.now()))
	e.assign("#in = if_not_exists(#in, ?) + ?", num(0), num(done.In))
	e.assign("#out = if_not_exists(#out, ?) + ?", num(0), num(done.Out))
}

func decodeStatus(it item) offset.Status {
	s := offset.Status{
		State: offset.State(textOf(it["state"])), Trace: textOf(it["trace"]), Worker: textOf(it["worker"]),
		Since: timeOf(it["since"]), Success: timeOf(it["success"]), Failure: timeOf(it["failure"]),
		Attempts: int(integer(it["attempts"])), Next: timeOf(it["next"]),
	}
	if boolean(it["failed"]) {
		s.State = offset.StateFailed
	}
	return s
}

// decodeTask reads a task. A revoked lease runs until the earlier of what it was and the end of its grace.
func decodeTask(connector string, it item) (offset.Task, error) {
	settings, err := stringsOf(it, "settings")
	if err != nil {
		return offset.Task{}, err
	}
	t := offset.Task{
		Connector: connector, ID: offset.PlanTask, Settings: settings,
		Generation: integer(it["generation"]), Epoch: integer(it["epoch"]),
		NotBefore: timeOf(it["notBefore"]), Status: decodeStatus(it),
		Count: offset.Count{Done: offset.Done{In: integer(it["in"]), Out: integer(it["out"])}, Since: timeOf(it["counted"])},
	}
	if owner := textOf(it["owner"]); owner != "" {
		t.Owner, t.Expires = owner, timeOf(it["expires"])
		if grace := timeOf(it["revoked"]); !grace.IsZero() && grace.Before(t.Expires) {
			t.Expires = grace
		}
	}
	if sk := textOf(it["sk"]); sk != planKey {
		id, err := strconv.Atoi(strings.TrimPrefix(sk, taskPrefix))
		if err != nil {
			return t, fmt.Errorf("item %s/%s: not a task's number: %w", textOf(it["pk"]), sk, err)
		}
		t.ID = id
	}
	return t, nil
}

// published tells whether an item is that of a task which exists: it has settings and is not gone.
func published(it item) bool { return it["settings"] != nil && !boolean(it["gone"]) }

func decodeEntry(it item) (e offset.Entry, err error) {
	if e.Partition, err = connect.ParsePartition([]byte(textOf(it["partition"]))); err != nil {
		return e, err
	}
	if v := textOf(it["offset"]); v != "" {
		if e.Offset, err = connect.ParsePosition([]byte(v)); err != nil {
			return e, err
		}
	}
	if v := textOf(it["resume"]); v != "" {
		if e.Resume, err = connect.ParsePosition([]byte(v)); err != nil {
			return e, err
		}
	}
	return e, nil
}

func str(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }

func num(v int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(v, 10)}
}

// nonEmpty, flag, positive, millis and stringMap are nil for what is not worth an attribute.
func nonEmpty(v string) types.AttributeValue {
	if v == "" {
		return nil
	}
	return str(v)
}

func flag(v bool) types.AttributeValue {
	if !v {
		return nil
	}
	return &types.AttributeValueMemberBOOL{Value: true}
}

func positive(v int64) types.AttributeValue {
	if v == 0 {
		return nil
	}
	return num(v)
}

func millis(t time.Time) types.AttributeValue {
	if t.IsZero() {
		return nil
	}
	return num(t.UnixMilli())
}

// stringMap is a map as JSON, for DynamoDB takes no empty names.
func stringMap(m map[string]string) types.AttributeValue {
	if len(m) == 0 {
		return nil
	}
	return settingsOf(m)
}

// settingsOf is a map that is there even if it is empty.
func settingsOf(m map[string]string) types.AttributeValue {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if m == nil {
		m = map[string]string{}
	}
	_ = enc.Encode(m) // strings can always be written
	return str(strings.TrimSuffix(b.String(), "\n"))
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// integer is 0 for what is no integer of 64 bits; nothing but this package writes here.
func integer(v types.AttributeValue) int64 {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return i
		}
	}
	return 0
}

func boolean(v types.AttributeValue) bool {
	b, ok := v.(*types.AttributeValueMemberBOOL)
	return ok && b.Value
}

func timeOf(v types.AttributeValue) time.Time {
	if _, ok := v.(*types.AttributeValueMemberN); !ok {
		return time.Time{}
	}
	return time.UnixMilli(integer(v)).UTC()
}

// stringsOf is a map of the caller's own, never nil.
func stringsOf(it item, name string) (map[string]string, error) {
	out := map[string]string{}
	text := textOf(it[name])
	if text == "" {
		return out, nil
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return nil, fmt.Errorf("item %s/%s: reading %s: %w", textOf(it["pk"]), textOf(it["sk"]), name, err)
	}
	if out == nil { // it was null
		out = map[string]string{}
	}
	return out, nil
}

func yes() *bool { t := true; return &t }
