package stack_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/control/aws"
	"github.com/sluice-connect/sluice/runtime/control/stack"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// formation is CloudFormation: it sends events and hears answers.
type formation struct {
	*testing.T
	handler stack.Handler
	store   *offset.Memory
	server  *httptest.Server
	answer  map[string]any
	did     []string // what triggers were told
	gone    []aws.Reading
	groups  map[string]map[kafka.TopicPartition]int64
}

func newFormation(t *testing.T) *formation {
	t.Helper()
	f := &formation{T: t, store: offset.NewMemory(nil), groups: map[string]map[kafka.TopicPartition]int64{}}
	f.server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		f.answer = nil
		if r.Method != http.MethodPut || r.Header.Get("Content-Type") != "" || json.Unmarshal(text, &f.answer) != nil {
			t.Errorf("CloudFormation hears %s %s %q", r.Method, text, r.Header)
		}
	}))
	t.Cleanup(f.server.Close)
	f.handler = stack.Handler{Store: f.store, Validator: f, Triggers: f, Clusters: f, Log: slog.New(slog.DiscardHandler)}
	return f
}

// Check refuses what says so.
func (f *formation) Check(_ context.Context, c offset.Connector) error {
	if c.Trigger[aws.FunctionHandle] != "arn:orders" || c.Name == "" {
		f.Errorf("the function that is asked about %s is %q", c.Name, c.Trigger[aws.FunctionHandle])
	}
	if c.Config["bad"] != "" {
		return errors.New("Connector configuration is invalid and contains the following 1 error(s):\nbad")
	}
	return nil
}

func (f *formation) Changed(_ context.Context, c offset.Connector) error {
	f.did = append(f.did, "changed "+c.Name+" "+string(c.Target))
	return nil
}

func (f *formation) Deleted(_ context.Context, c offset.Connector) error {
	f.did = append(f.did, "deleted "+c.Name)
	return nil
}

func (f *formation) Free(_ context.Context, _ string, keep []aws.Reading) ([]aws.Reading, error) {
	return slices.DeleteFunc(slices.Clone(f.gone), func(r aws.Reading) bool { return slices.Contains(keep, r) }), nil
}

func (f *formation) Clean(context.Context) error {
	f.did = append(f.did, "cleaned")
	return nil
}

func (f *formation) ID(context.Context) (string, error) { return "", nil }

func (f *formation) Groups(context.Context, offset.Connector) (control.Groups, error) { return f, nil }

func (f *formation) GroupOffsets(_ context.Context, group string) (map[kafka.TopicPartition]int64, error) {
	return f.groups[group], nil
}

func (f *formation) SetGroupOffsets(_ context.Context, group string, offsets map[kafka.TopicPartition]int64) error {
	f.groups[group] = offsets
	return nil
}

func (f *formation) Extents(context.Context, ...string) (map[kafka.TopicPartition]kafka.Extent, error) {
	return nil, nil
}

func (f *formation) Topics(context.Context) ([]kafka.Topic, error) { return nil, nil }

func (f *formation) DeleteGroupOffsets(context.Context, string, ...kafka.TopicPartition) error {
	return nil
}

func (f *formation) DeleteGroup(context.Context, string) error { return nil }

// send sends an event about a resource, and returns why it failed.
func (f *formation) send(kind, request, id string, properties map[string]string) string {
	f.Helper()
	event, err := json.Marshal(map[string]any{
		"RequestType": request, "ResponseURL": f.server.URL, "StackId": "s", "RequestId": "r", "LogicalResourceId": "Logical",
		"PhysicalResourceId": id, "ResourceType": "Custom::" + kind, "ResourceProperties": properties,
	})
	if err != nil {
		f.Fatal(err)
	}
	if !stack.Is(event) {
		f.Fatal("the event is not known")
	}
	if _, err := f.handler.Invoke(f.Context(), event); err != nil {
		f.Fatal(err)
	}
	reason, _ := f.answer["Reason"].(string)
	if failed := f.answer["Status"] == "FAILED"; failed != (reason != "") || f.answer["PhysicalResourceId"] == "" {
		f.Errorf("CloudFormation hears %v", f.answer)
	}
	return reason
}

// properties are those of a connector, with some changed.
func properties(changes ...string) map[string]string {
	p := map[string]string{
		"Name": "orders", "Type": "source", "Function": "arn:orders", "File": `{"name":"orders","connector.class":"C","topic":"t"}`, "FileState": "RUNNING",
		"Config": "{}", "State": "FILE", "TasksMax": "FILE",
	}
	for i := 0; i < len(changes); i += 2 {
		p[changes[i]] = changes[i+1]
	}
	return p
}

func (f *formation) look() offset.Connector {
	f.Helper()
	c, _, err := f.store.Look(f.Context(), "orders", 0)
	if err != nil {
		f.Fatal(err)
	}
	return c
}

// rest changes the connector as somebody would through REST.
func (f *formation) rest(change func(c *offset.Connector)) {
	f.Helper()
	c := f.look()
	change(&c)
	if _, err := f.store.Put(f.Context(), c, offset.Stop); err != nil {
		f.Fatal(err)
	}
}

const connector = "Connector"

func TestConnector_ParametersGoOverTheFile(t *testing.T) {
	t.Parallel()
	f := newFormation(t)
	p := properties("Config", `{"a": 1, "b": true, "topic": null, "c": "x"}`, "TasksMax", "3", "State", "PAUSED")
	if why := f.send(connector, "Create", "", p); why != "" || f.answer["PhysicalResourceId"] != "connector/orders" {
		t.Fatalf("%s, %v", why, f.answer)
	}
	c := f.look()
	want := `{"a":"1","b":"true","c":"x","connector.class":"C","name":"orders","tasks.max":"3"}`
	if text, _ := json.Marshal(c.Config); string(text) != want || c.Target != offset.Paused || !c.Stale || c.Trigger["function"] != "arn:orders" {
		t.Errorf("the item is %s, %+v", text, c)
	}
	for config, want := range map[string]string{
		`{"name": "other"}`: `"name"`, `{"connector.class": "D"}`: `"connector.class"`, `{"topics": "t"}`: `"topics"`,
		`{"a": {}}`: `"a"`, `[`: "Config parameter", `{"bad": "yes"}`: "Connector configuration is invalid",
	} {
		if why := f.send(connector, "Update", "connector/orders", properties("Config", config)); !strings.Contains(why, want) {
			t.Errorf("%s: %q, want %q", config, why, want)
		}
		if f.answer["PhysicalResourceId"] != "connector/orders" {
			t.Errorf("a failure replaces the resource: %v", f.answer)
		}
	}
	if now := f.look(); now.Version != c.Version {
		t.Error("refused configurations were written")
	}
}

// What a parameter makes of a configuration may need another build than the one that the file had deployed.
func TestConnector_NeedsTheBuildForItsConverters(t *testing.T) {
	t.Parallel()
	f := newFormation(t)
	f.handler.NeedsRegistry = func(config, worker map[string]string) bool {
		return config["value.converter"]+worker["value.converter"] == "Avro"
	}
	for name, p := range map[string]map[string]string{
		"its own": properties("Registry", "false", "Config", `{"value.converter":"Avro"}`),
		"worker":  properties("Registry", "false", "Worker", `{"value.converter":"Avro"}`),
	} {
		if why := f.send(connector, "Create", "", p); !strings.Contains(why, "-c registry=true") {
			t.Errorf("%s: %q", name, why)
		}
		p["Registry"] = "true"
		if why := f.send(connector, "Create", "", p); why != "" {
			t.Errorf("%s, with the build for it: %s", name, why)
		}
	}
	if why := f.send(connector, "Update", "connector/orders", properties("Registry", "false", "Worker", "[]")); !strings.Contains(why, "WorkerConfig") {
		t.Errorf("settings of the worker that are no object: %q", why)
	}
}

// Who cannot even start says so, and is in nobody's way when CloudFormation puts things back.
func TestInvoke_Broken(t *testing.T) {
	t.Parallel()
	f := newFormation(t)
	f.handler = stack.Handler{Broken: errors.New("reading the worker's settings: no"), Log: slog.New(slog.DiscardHandler)}
	for _, request := range []string{"Create", "Update"} {
		if why := f.send(connector, request, "", properties()); !strings.Contains(why, "worker's settings") {
			t.Errorf("%s: %q", request, why)
		}
	}
	if why := f.send(connector, "Delete", "Logical", properties()); why != "" {
		t.Errorf("deleting what was never made: %q", why)
	}
	if why := f.send(connector, "Delete", "connector/orders", properties()); why == "" {
		t.Error("what was made counts as deleted")
	}
}

func TestConnector_LeavesAloneWhatRestChanged(t *testing.T) {
	t.Parallel()
	f := newFormation(t)
	f.send(connector, "Create", "", properties())
	f.rest(func(c *offset.Connector) { c.Target = offset.Paused })
	// Another configuration does not start it.
	f.send(connector, "Update", "connector/orders", properties("Config", `{"a":"1"}`))
	if c := f.look(); c.Target != offset.Paused || c.Config["a"] != "1" {
		t.Errorf("after a new configuration it is %+v", c)
	}
	// The same again writes nothing.
	f.rest(func(c *offset.Connector) { c.Config["a"] = "by REST" })
	version := f.look().Version
	f.send(connector, "Update", "connector/orders", properties("Config", `{"a":"1"}`))
	if c := f.look(); c.Version != version {
		t.Errorf("nothing new was written: %+v", c)
	}
	// Another state does not undo the configuration.
	f.send(connector, "Update", "connector/orders", properties("Config", `{"a":"1"}`, "State", "STOPPED"))
	if c := f.look(); c.Target != offset.Stopped || c.Config["a"] != "by REST" {
		t.Errorf("after a new state it is %+v", c)
	}
	f.send(connector, "Update", "connector/orders", properties("Config", `{"a":"2"}`, "State", "STOPPED"))
	if c := f.look(); c.Config["a"] != "2" {
		t.Errorf("a new configuration is not carried out: %+v", c)
	}
}

func TestConnector_RollsBackToWhatRan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFormation(t)
		f.server.Close()                                               // its connections would keep the bubble from ending
		http.DefaultTransport.(*http.Transport).CloseIdleConnections() //nolint:forcetypeassert // it is one
		f.handler.Tell = func(_ context.Context, _ string, text []byte) error { return json.Unmarshal(text, &f.answer) }
		f.send(connector, "Create", "", properties())
		f.rest(func(c *offset.Connector) { c.Config["a"], c.Target = "by REST", offset.Paused })
		f.send(connector, "Update", "connector/orders", properties("Config", `{"a":"new"}`, "State", "RUNNING"))
		if c := f.look(); c.Config["a"] != "new" {
			t.Errorf("the deployment wrote %+v", c)
		}
		f.send(connector, "Update", "connector/orders", properties())
		if c := f.look(); c.Config["a"] != "by REST" || c.Target != offset.Paused {
			t.Errorf("rolled back, it is %+v", c)
		}
		// Later it is a change of mind, and no rollback.
		f.send(connector, "Update", "connector/orders", properties("Config", `{"a":"new"}`))
		time.Sleep(2 * time.Hour)
		f.send(connector, "Update", "connector/orders", properties())
		if c := f.look(); c.Config["a"] != "" {
			t.Errorf("changed back, it is %+v", c)
		}
	})
}

func TestConnector_Delete(t *testing.T) {
	t.Parallel()
	f := newFormation(t)
	for _, id := range []string{"", "Logical", "connector/orders"} { // never made
		if why := f.send(connector, "Delete", id, properties()); why != "" {
			t.Errorf("deleting what was never made: %s", why)
		}
	}
	f.send(connector, "Create", "", properties())
	if why := f.send(connector, "Delete", "connector/orders", properties("Function", "arn:another")); why != "" || f.look().Name == "" {
		t.Errorf("another stack's: %s", why)
	}
	// Renamed: what is made first is the new one.
	if why := f.send(connector, "Update", "connector/orders", properties("Name", "renamed")); why != "" || f.answer["PhysicalResourceId"] != "connector/renamed" {
		t.Errorf("renaming: %s, %v", why, f.answer)
	}
	for range 2 {
		if why := f.send(connector, "Delete", "connector/orders", properties()); why != "" {
			t.Error(why)
		}
	}
	all, err := f.store.List(t.Context())
	if err != nil || len(all) != 1 || all[0].Name != "renamed" {
		t.Errorf("what is left is %+v, %v", all, err)
	}
}

func TestConnector_HandsOffsetsToTheGroupsOfSeveralTopics(t *testing.T) {
	t.Parallel()
	f := newFormation(t)
	sink := func(topics string) map[string]string {
		return properties("Type", "sink", "File", `{"name":"orders","connector.class":"C","topics":"`+topics+`"}`)
	}
	f.send(connector, "Create", "", sink("one"))
	f.gone = []aws.Reading{{Topic: "one", Group: "connect-orders"}}
	f.groups["connect-orders"] = map[kafka.TopicPartition]int64{{Topic: "one", Partition: 3}: 42, {Topic: "else"}: 1}
	if why := f.send(connector, "Update", "connector/orders", sink("one,two")); why != "" {
		t.Fatal(why)
	}
	if got := f.groups["connect-orders.one"]; len(got) != 1 || got[kafka.TopicPartition{Topic: "one", Partition: 3}] != 42 {
		t.Errorf("topic one goes on at %v", got)
	}
}

func TestTriggers_NoteWhatTheStackMade(t *testing.T) {
	t.Parallel()
	f := newFormation(t)
	source := map[string]string{"Name": "orders", "Type": "source", "Function": "arn:orders", "Schedule": "Stack-Orders"}
	if why := f.send("Triggers", "Create", "", source); why != "" { // REST deleted the connector
		t.Error(why)
	}
	f.send(connector, "Create", "", properties())
	f.send("Triggers", "Update", "triggers/orders", source)
	if c := f.look(); c.Trigger["schedule"] != "Stack-Orders" {
		t.Errorf("the item has %v", c.Trigger)
	}
	f.send("Triggers", "Update", "triggers/orders", map[string]string{
		"Name": "orders", "Type": "sink", "Function": "arn:orders", "Mappings": `{"t":"1"}`, "PartialAnswers": "true",
	})
	if c := f.look(); c.Trigger["mappings"] != `{"t":"1"}` || c.Trigger["partial.answers"] != "true" {
		t.Errorf("the item has %v", c.Trigger)
	}
	f.send("Triggers", "Delete", "triggers/orders", source)
	f.send("Cleanup", "Create", "", nil)
	f.send("Cleanup", "Delete", "cleanup", nil)
	if why := f.send("Unknown", "Create", "", nil); !strings.Contains(why, "Custom::Unknown") {
		t.Errorf("an unknown resource: %s", why)
	}
	want := []string{"changed orders STOPPED", "changed orders RUNNING", "changed orders RUNNING", "changed orders RUNNING", "cleaned"}
	if !slices.Equal(f.did, want) {
		t.Errorf("triggers were told %q, want %q", f.did, want)
	}
}

func TestInvoke_RepeatsWhatCloudFormationDidNotHear(t *testing.T) {
	t.Parallel()
	f := newFormation(t)
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer refuses.Close()
	event := `{"RequestType": "Create", "ResponseURL": "` + refuses.URL + `", "ResourceType": "Custom::Cleanup", "ResourceProperties": {}}`
	if _, err := f.handler.Invoke(t.Context(), []byte(event)); err == nil {
		t.Error("nobody heard it, and it counts as done")
	}
	if stack.Is([]byte(`{"connector": "orders"}`)) || stack.Is([]byte(`[]`)) {
		t.Error("a tick is taken for an event of CloudFormation")
	}
}
