package registry_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/convert"
)

const glueAvroClass = "com.amazonaws.services.schemaregistry.kafkaconnect.AWSKafkaAvroConverter"

// java is AWS Glue's own converter, in a process of its own.
type java struct {
	in  *json.Encoder
	out *bufio.Reader
}

// question and reply are its lines: local/reference/Glue.java.
type question struct {
	Topic   string            `json:"topic"`
	Config  map[string]string `json:"config"`
	Connect json.RawMessage   `json:"connect,omitempty"`
	Bytes   *string           `json:"bytes,omitempty"`
}

type reply struct {
	Connect json.RawMessage
	Bytes   []byte
	Error   string
}

func startJava(t *testing.T) *java {
	t.Helper()
	path := os.Getenv("SLUICE_TEST_GLUE")
	if path == "" {
		if os.Getenv("SLUICE_CI") != "" {
			t.Fatal("SLUICE_TEST_GLUE does not name local/reference/glue")
		}
		t.Skip("needs Java and Maven: SLUICE_TEST_GLUE does not name local/reference/glue")
	}
	cmd := exec.CommandContext(t.Context(), path)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		io.Copy(io.Discard, out)
		cmd.Wait()
	})
	return &java{in: json.NewEncoder(in), out: bufio.NewReader(out)}
}

func (j *java) ask(t *testing.T, q question) reply {
	t.Helper()
	if err := j.in.Encode(q); err != nil {
		t.Fatal(err)
	}
	line, err := j.out.ReadBytes('\n')
	if err != nil {
		t.Fatalf("the Java converter ended: %v", err)
	}
	var r reply
	if err := json.Unmarshal(line, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// plain is Connect's own JsonConverter, in whose form the two processes tell each other what they converted.
func plain(t *testing.T) connect.Converter {
	t.Helper()
	for _, p := range convert.Converters() {
		if p.Class == "org.apache.kafka.connect.json.JsonConverter" {
			c := p.New()
			if err := config.Parse(map[string]string{convert.TypeKey: convert.ValueType}, c); err != nil {
				t.Fatal(err)
			}
			return c
		}
	}
	t.Fatal("there is no JsonConverter")
	return nil
}

// Whatever the recorded cases of Confluent's converter convert, and some more, AWS's own converter and ours write as the same
// bytes, with the same schema in the registry, and each reads what the other wrote as the same.
func TestGlue_AsJava(t *testing.T) {
	other, address, envelope := startJava(t), served(t, opened(t)), plain(t)
	same, known := 0, 0
	for name, c := range glueCases(t, envelope) {
		settings := map[string]string{
			"region": "us-east-1", "endpoint": address, "schemaAutoRegistrationEnabled": "true", "avroRecordType": "GENERIC_RECORD", "schemaName": name,
		}
		maps.Copy(settings, c.settings)
		in, err := envelope.Decode(t.Context(), "t", c.text)
		if err != nil {
			continue // it has no form in JSON
		}
		ours := glueConverter(t, glueAvroClass, settings)
		theirs := other.ask(t, question{Topic: "t", Config: settings, Connect: c.text})
		got, err := ours.Encode(t.Context(), "t", in)
		switch {
		case stricter.MatchString(theirs.Error) && err == nil:
			known++
			continue
		case theirs.Error != "" && err == nil:
			t.Errorf("%s: %s\nwe write %x, Java fails with %s", name, c.text, got, theirs.Error)
			continue
		case theirs.Error != "":
			same++
			continue
		case err != nil || !bytes.Equal(got, theirs.Bytes):
			t.Errorf("%s: %s\nwe wrote   %x\nJava wrote %x\nerror: %v", name, c.text, got, theirs.Bytes, err)
			continue
		}
		if got == nil {
			same++ // a tombstone, which Java writes and does not read
			continue
		}
		ourText := glueRead(t, ours, envelope, theirs.Bytes)
		encoded := base64.StdEncoding.EncodeToString(got)
		back := other.ask(t, question{Topic: "t", Config: settings, Bytes: &encoded})
		if back.Error != "" {
			t.Errorf("%s: Java cannot read %x, which we read as %s: %s", name, got, ourText, back.Error)
			continue
		}
		if diff := cmp.Diff(value(t, back.Connect), value(t, ourText)); diff != "" {
			t.Errorf("%s: -Java read it so, +we so:\n%s", name, diff)
			continue
		}
		same++
	}
	t.Logf("%d cases are the same, %d are what only we write", same, known)
	if same < 80 {
		t.Error("that are too few")
	}
}

// stricter is what Java fails with and we do not: its serializer takes nothing but records, arrays and enums, while texts and
// numbers are good keys that readers know; it calls all structs without a name the same; and it does not drop a dot at the
// end of a name, as Confluent's newer converter does.
var stricter = regexp.MustCompile("Unsupported type passed for serialization|Can't redefine: .*ConnectDefault|Empty name")

func glueRead(t *testing.T, c, envelope connect.Converter, b []byte) []byte {
	t.Helper()
	read, err := c.Decode(t.Context(), "t", b)
	if err != nil {
		t.Fatal(err)
	}
	text, err := envelope.Encode(t.Context(), "t", read)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// glueCase is a value in the form of Connect's JsonConverter.
type glueCase struct {
	text     []byte
	settings map[string]string
}

// glueCases are those of the corpus that have a form in JSON and that no later version of Java's converter is needed for, and
// those of testdata/glue.jsonl.
func glueCases(t *testing.T, envelope connect.Converter) map[string]glueCase {
	t.Helper()
	all := map[string]glueCase{}
	for _, c := range corpus.Load(t, "convert-avro-from") {
		if c.Op != "fromConnectData" || len(c.Input) == 0 {
			continue
		}
		in, err := corpus.Datum(c.Input)
		if err != nil {
			t.Fatal(err)
		}
		text, err := envelope.Encode(t.Context(), "t", in)
		if err != nil || !json.Valid(text) {
			continue
		}
		settings := map[string]string{}
		for _, name := range []string{"enhanced.avro.schema.support", "connect.meta.data"} {
			if v := c.Config[name]; v != nil {
				settings[name] = *v
			}
		}
		all[c.ID] = glueCase{text, settings}
	}
	lines, err := os.ReadFile("testdata/glue.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range bytes.Split(bytes.TrimSpace(lines), []byte("\n")) {
		all["line-"+strconv.Itoa(i+1)] = glueCase{text: line}
	}
	return all
}

func value(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func glueConverter(t testing.TB, class string, settings map[string]string) connect.Converter {
	t.Helper()
	all := map[string]*string{}
	for name, v := range settings {
		all[name] = &v
	}
	c, err := parsed(t, class, false, all)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
