package registry_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// pythonAsk and pythonAnswer are lines of local/reference/confluent.py.
type pythonAsk struct {
	Registry string `json:"registry"`
	Type     string `json:"type"`
	Topic    string `json:"topic"`
	Bytes    []byte `json:"bytes,omitempty"`
	Schema   string `json:"schema,omitempty"`
	Value    any    `json:"value,omitempty"`
	Files    []byte `json:"files,omitempty"`
	Message  string `json:"message,omitempty"`
	Manage   bool   `json:"manage,omitempty"`
}

type pythonAnswer struct {
	Value, Error string
	Bytes        []byte
}

// python asks Confluent's Python client, in a process for all questions.
func python(t *testing.T, asks []pythonAsk) []pythonAnswer {
	t.Helper()
	interpreter := os.Getenv("SLUICE_TEST_PYTHON")
	if interpreter != "" && exec.CommandContext(t.Context(), interpreter, "-c", "import confluent_kafka.schema_registry.avro").Run() != nil {
		interpreter = ""
	}
	if interpreter == "" {
		if os.Getenv("SLUICE_CI") != "" {
			t.Fatal("SLUICE_TEST_PYTHON does not name a Python with confluent-kafka[avro,json,protobuf]")
		}
		t.Skip("SLUICE_TEST_PYTHON does not name a Python with confluent-kafka[avro,json,protobuf]")
	}
	var in bytes.Buffer
	for _, ask := range asks {
		line, err := json.Marshal(ask)
		if err != nil {
			t.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	cmd := exec.CommandContext(t.Context(), interpreter, "../../../local/reference/confluent.py")
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []pythonAnswer
	for line := range bytes.Lines(out) {
		var a pythonAnswer
		if err := json.Unmarshal(line, &a); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(asks) {
		t.Fatalf("%d answers to %d questions", len(answers), len(asks))
	}
	return answers
}

// files are a .proto file and what it imports, for a reader that knows neither.
func files(t *testing.T, text string) []byte {
	t.Helper()
	const name = "it.proto"
	compiler := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{name: text}),
	})}
	made, err := compiler.Compile(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	for i := range made[0].Imports().Len() {
		set.File = append(set.File, protodesc.ToFileDescriptorProto(made[0].Imports().Get(i).FileDescriptor))
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(made[0]))
	b, err := proto.Marshal(&set)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// latestText is the newest schema of a subject.
func latestText(t *testing.T, address, subject string) string {
	t.Helper()
	answer, err := http.Get(address + "/subjects/" + subject + "/versions/latest") //nolint:gosec // the registry of a test
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	var found struct{ Schema string }
	if err != nil || json.Unmarshal(body, &found) != nil || found.Schema == "" {
		t.Fatalf("%s: %v", body, err)
	}
	return found.Schema
}

// What is written here is read by Confluent's Python client, which writes what it read as the same bytes; and what that
// client writes with schemas of its own is read here.
func TestConverter_WithConfluentsPythonClient(t *testing.T) {
	t.Parallel()
	own := served(t, opened(t))
	address := cmp.Or(os.Getenv("SLUICE_TEST_REGISTRY"), own)
	topic := "python-" + time.Now().Format("150405.000000000") + "-"
	type exchange struct {
		class string
		ask   pythonAsk
		in    connect.Datum // what we wrote, or what we are to read
	}
	var all []exchange
	for typ, class := range map[string]string{"AVRO": avroClass, "JSON": jsonClass, "PROTOBUF": protobufClass} {
		records := []connect.Datum{order(6), order(2)}
		if typ != "PROTOBUF" {
			records = append(records, every())
		}
		for i, in := range records {
			ask := pythonAsk{Registry: address, Type: typ, Topic: topic + typ + string(rune('0'+i))}
			if typ == "PROTOBUF" {
				ask.Registry = own // the client asks for descriptors, which not every registry has
			}
			write, err := newConverter(t, class, false, ask.Registry, nil, false)
			if err != nil {
				t.Fatal(err)
			}
			if ask.Bytes, err = write.Encode(t.Context(), ask.Topic, in); err != nil {
				t.Fatal(err)
			}
			if typ == "PROTOBUF" {
				ask.Files, ask.Message = files(t, latestText(t, own, ask.Topic+"-value")), in.Schema.Name
			}
			all = append(all, exchange{class, ask, in})
		}
	}
	user := schema.StructOf([]schema.Field{schema.F("name", schema.Of(schema.String)), schema.F("age", schema.Of(schema.Int32))}, schema.Named("User"))
	adam := connect.Datum{Schema: user, Value: schema.StructFrom(user, []any{"Adam", int32(930)})}
	value := map[string]any{"name": "Adam", "age": 930}
	const (
		avroText  = `{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"age","type":"int"}]}`
		jsonText  = `{"type":"object","title":"User","properties":{"name":{"type":"string","connect.index":0},"age":{"type":"integer","connect.type":"int32","connect.index":1}}}`
		protoText = `syntax = "proto3"; message User { string name = 1; int32 age = 2; }`
	)
	all = append(all,
		exchange{avroClass, pythonAsk{Registry: address, Type: "AVRO", Topic: topic + "a", Value: value, Schema: avroText}, adam},
		exchange{jsonClass, pythonAsk{Registry: address, Type: "JSON", Topic: topic + "j", Value: value, Schema: jsonText}, adam},
		exchange{protobufClass, pythonAsk{Registry: address, Type: "PROTOBUF", Topic: topic + "p", Value: value, Files: files(t, protoText), Message: "User"}, adam})

	asks := make([]pythonAsk, len(all))
	for i, e := range all {
		asks[i] = e.ask
	}
	for i, a := range python(t, asks) {
		e := all[i]
		if a.Error != "" {
			t.Errorf("%s, topic %s: %s", e.class, e.ask.Topic, a.Error)
			continue
		}
		if e.ask.Bytes != nil && !sameWritten(e.ask.Type, e.ask.Bytes, a.Bytes) {
			t.Errorf("%s: it read %s as\n%s and wrote that as\n%s", e.class, base64.StdEncoding.EncodeToString(e.ask.Bytes), a.Value, base64.StdEncoding.EncodeToString(a.Bytes))
		}
		read, err := newConverter(t, e.class, false, e.ask.Registry, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		out, err := read.Decode(t.Context(), e.ask.Topic, a.Bytes)
		if err != nil {
			t.Errorf("%s: %v", e.class, err)
		} else if got, want := schema.Text(out.Value), schema.Text(e.in.Value); got != want {
			t.Errorf("%s: Python wrote\n%s, which is read as\n%s", e.class, want, got)
		}
	}
}

// sameWritten compares records: JSON as JSON, the others by their bytes.
func sameWritten(typ string, a, b []byte) bool {
	if typ != "JSON" || len(a) < 5 || len(b) < 5 {
		return bytes.Equal(a, b)
	}
	var v, w any
	if json.Unmarshal(a[5:], &v) != nil || json.Unmarshal(b[5:], &w) != nil {
		return false
	}
	x, _ := json.Marshal(v) //nolint:errchkjson // it was JSON
	y, _ := json.Marshal(w) //nolint:errchkjson // it was JSON
	return bytes.Equal(a[:5], b[:5]) && bytes.Equal(x, y)
}

// All that Confluent's Python client can do with a registry, it can do with the desk's.
func TestDesk_WithConfluentsPythonClient(t *testing.T) {
	t.Parallel()
	answer := python(t, []pythonAsk{{Registry: served(t, opened(t)), Manage: true}})[0]
	if answer.Error != "" {
		t.Fatal(answer.Error)
	}
	if diff := gocmp.Diff(strings.Split(strings.TrimSpace(managed), "\n"), strings.Split(answer.Value, "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// managed is what comes of it, with Confluent's numbers of errors. What the client calls deleted_only means nothing to a registry.
const managed = `
register_schema: 1
register_schema: 2
register_schema: error 409
register_schema: 2
register_schema: 3
get_schema: "int"
get_schema: error 40403
lookup_schema: s, version 2, id 2
lookup_schema: error 40403
get_subjects: ['s', 't', 'user']
get_subjects: ['user']
get_versions: [1, 2]
get_version: s, version 1, id 1
get_version: error 40402
get_latest_version: s, version 2, id 2
get_latest_version: error 40401
get_schema_versions: ['s 2', 't 1']
get_subjects_by_schema_id: ['s', 't']
get_referenced_by: [3]
get_schema_types: ['JSON', 'PROTOBUF', 'AVRO']
get_contexts: ['.']
test_compatibility: False
test_compatibility: False
test_compatibility_all_versions: True
get_compatibility: BACKWARD
get_compatibility: error 40408
set_compatibility: {'compatibility': 'NONE'}
get_config: NONE
register_schema: 4
delete_config: NONE
get_config: BACKWARD
get_global_mode: READWRITE
update_mode: READONLY
get_mode: READONLY
register_schema: error 42205
delete_mode: READONLY
get_mode: error 40409
delete_version: 2
get_versions: [1, 3]
get_versions: [1, 2, 3]
get_versions: [1, 3]
delete_version: 2
delete_subject: [1]
get_subjects: ['s', 't', 'user']
get_subjects: ['s', 'user']
delete_subject: [1]
delete_subject: error 40401
`
