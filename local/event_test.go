package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sluice-connect/sluice/local/broker"
	"github.com/sluice-connect/sluice/runtime/kafka"
)

// event runs sluice event.
func event(t *testing.T, in string, arguments ...string) (kafka.Event, error) {
	t.Helper()
	cmd := eventCommand()
	var out bytes.Buffer
	cmd.SetIn(strings.NewReader(in))
	cmd.SetOut(&out)
	cmd.SetArgs(arguments)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		return kafka.Event{}, err
	}
	var decoder kafka.Decoder
	e, err := decoder.Decode(bytes.Clone(out.Bytes()))
	if err != nil {
		t.Fatalf("%v in %s", err, &out)
	}
	return e, nil
}

func TestEvent_OfLines(t *testing.T) {
	t.Parallel()
	e, err := event(t, "one\n\nthree", "--lines", "-", "--topic", "orders", "--records", "3")
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Batches) != 1 || e.Batches[0].Topic != "orders" || len(e.Batches[0].Messages) != 3 || string(e.Batches[0].Messages[2].Value) != "three" {
		t.Errorf("the event is %+v", e)
	}
	if _, err := event(t, "", "--lines", "-"); err == nil {
		t.Error("an event of nothing is made")
	}
}

func TestEvent_OfATopic(t *testing.T) {
	t.Parallel()
	b, err := broker.Open(broker.Options{Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.AllowAutoTopicCreation())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, value := range []string{"a", "b", "c"} {
		r := &kgo.Record{Topic: "t", Key: []byte("k"), Value: []byte(value), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{0xff}}}}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	e, err := event(t, "", "--brokers", b.Addr(), "--topic", "t", "--records", "2")
	if err != nil {
		t.Fatal(err)
	}
	m := e.Batches[0].Messages
	if len(m) != 2 || string(m[1].Value) != "b" || string(m[1].Key) != "k" || m[1].Offset != 1 || m[1].Headers[0].Value[0] != 0xff {
		t.Errorf("the event is %+v", e)
	}
}

// What is said in the README to be invoked is what the stack ships with.
func TestEvents_OfTheShippedConnectors(t *testing.T) {
	t.Parallel()
	read := func(path string) []byte {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var tick struct{ Connector string }
	if err := json.Unmarshal(read(filepath.Join("../events", "demo-source.json")), &tick); err != nil {
		t.Fatal(err)
	}
	source, err := readConnectorFile("../infra/connectors/demo-source.json")
	if err != nil || source.name != tick.Connector {
		t.Errorf("the tick is for %q, the connector is %q, %v", tick.Connector, source.name, err)
	}
	var decoder kafka.Decoder
	e, err := decoder.Decode(read(filepath.Join("../events", "demo-sink.json")))
	if err != nil {
		t.Fatal(err)
	}
	sink, err := readConnectorFile("../infra/connectors/demo-sink.json")
	if err != nil || len(e.Batches) != 1 || sink.config["topics"] != e.Batches[0].Topic {
		t.Errorf("the event is of %+v, the connector reads %q, %v", e.Batches, sink.config["topics"], err)
	}
}
