package registry_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/google/go-cmp/cmp"
)

const (
	glueJSONClass     = "com.amazonaws.services.schemaregistry.kafkaconnect.jsonschema.JsonSchemaConverter"
	glueProtobufClass = "com.amazonaws.services.schemaregistry.kafkaconnect.protobuf.ProtobufSchemaConverter"
)

// recorded is what AWS's converter made of a value, or of what stands in a topic behind the frame.
type recorded struct {
	Config  map[string]string `json:"config"`
	Connect json.RawMessage   `json:"connect"` // in the form of Connect's JsonConverter
	Schema  string            `json:"schema"`  // as it was registered
	Bytes   *string           `json:"bytes"`
	Error   string            `json:"error"`
	// Back is what it read again, in the form of Connect, unless that failed.
	Back      json.RawMessage `json:"back"`
	BackError string          `json:"backError"`
}

// better is what AWS's converters fail with and ours do not.
type better struct{ write, read *regexp.Regexp }

// Whatever AWS's converters wrote, and read again, ours write as the same bytes with the same schema, and read as the same.
func TestGlue_AsRecorded(t *testing.T) {
	t.Parallel()
	for file, tt := range map[string]struct {
		class, format string
		better
	}{
		"gluejson": {glueJSONClass, "JSON", better{
			write: regexp.MustCompile(`^never$`),
			// Unions of null and several schemas, or with anyOf; newer versions of JSON Schema; constants; numbers with a format,
			// or without a type.
			read: regexp.MustCompile(`optional has already been set|could not determine version|EmptySchema|"type"\] not found|union field for data: 5`),
		}},
		"glueprotobuf": {glueProtobufClass, "PROTOBUF", better{
			// Maps that are null, where they may be.
			write: regexp.MustCompile("entrySet"),
			read:  regexp.MustCompile(`^never$`),
		}},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			in, err := os.Open("testdata/" + file + ".jsonl")
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			lines := bufio.NewScanner(in)
			lines.Buffer(nil, 1<<22)
			for n := 1; lines.Scan(); n++ {
				var r recorded
				if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
					t.Fatalf("line %d: %v", n, err)
				}
				t.Run(strconv.Itoa(n), func(t *testing.T) {
					t.Parallel()
					r.check(t, tt.class, tt.format, tt.better)
				})
			}
			if err := lines.Err(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func (r recorded) check(t *testing.T, class, format string, better better) {
	t.Helper()
	registry := opened(t)
	settings := map[string]string{"region": "us-east-1", "endpoint": served(t, registry), "schemaAutoRegistrationEnabled": "true"}
	maps.Copy(settings, r.Config)
	c, envelope := glueConverter(t, class, settings), plain(t)
	var frame []byte
	if r.Connect != nil {
		in, err := envelope.Decode(t.Context(), "t", r.Connect)
		if err != nil {
			t.Skip("it has no form in an envelope")
		}
		got, err := c.Encode(t.Context(), "t", in)
		switch {
		case r.Error != "" && err == nil && !better.write.MatchString(r.Error):
			t.Fatalf("%s\nwas written as %q, Java failed with %s", r.Connect, got, r.Error)
		case r.Error != "":
			return
		case err != nil:
			t.Fatalf("%s\nfailed: %v", r.Connect, err)
		}
		versions := registry.Versions()
		if len(versions) != 1 || versions[0].Text != r.Schema {
			t.Fatalf("%s\nwas registered: %v\nwant:           %s", r.Connect, versions, r.Schema)
		}
		want, err := base64.StdEncoding.DecodeString(*r.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		same := bytes.Equal(got[18:], want) || format == "JSON" && cmp.Equal(value(t, got[18:]), value(t, want))
		if !same {
			t.Fatalf("%s\nwas written as %q\nwant           %q", r.Connect, got[18:], want)
		}
		frame = got
	} else {
		api := glue.New(glue.Options{
			Region: "us-east-1", BaseEndpoint: new(settings["endpoint"]), Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		})
		v, err := api.CreateSchema(t.Context(), &glue.CreateSchemaInput{SchemaName: new("t"), SchemaDefinition: &r.Schema, DataFormat: types.DataFormat(format)})
		if err != nil {
			t.Skipf("the registry does not take it: %v", err)
		}
		body, err := base64.StdEncoding.DecodeString(*r.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		frame = append(glueHeader(t, *v.SchemaVersionId), body...)
	}
	out, err := c.Decode(t.Context(), "t", frame)
	switch {
	case r.BackError != "" && err == nil && !better.read.MatchString(r.BackError):
		t.Errorf("%q with %s\nwas read as %v, Java failed with %s", frame[18:], r.Schema, out, r.BackError)
		return
	case r.BackError != "":
		return
	case err != nil:
		t.Errorf("%q with %s\nfailed: %v", frame[18:], r.Schema, err)
		return
	}
	text, err := envelope.Encode(t.Context(), "t", out)
	if err != nil {
		t.Fatal(err)
	}
	if text == nil {
		text = []byte("null")
	}
	// A parameter that is null in Java has no text.
	if diff := cmp.Diff(value(t, bytes.ReplaceAll(r.Back, []byte(`.Enum":null`), []byte(`.Enum":""`))), value(t, text)); diff != "" {
		t.Errorf("%q with %s\n-Java read, +we:\n%s", frame[18:], r.Schema, diff)
	}
}

func glueHeader(t *testing.T, guid string) []byte {
	t.Helper()
	b := []byte{3, 0}
	for i := 0; i < len(guid); i++ {
		if guid[i] == '-' {
			continue
		}
		n, err := strconv.ParseUint(guid[i:i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, byte(n))
		i++
	}
	return b
}
