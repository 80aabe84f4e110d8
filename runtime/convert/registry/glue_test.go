package registry_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// TestMain gives the SDK credentials: Lambda does it in a function.
func TestMain(m *testing.M) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if os.Getenv(name) == "" {
			os.Setenv(name, "test")
		}
	}
	os.Exit(m.Run())
}

// glueAt makes a converter of values whose Glue is at an address: that of Avro.
func glueAt(t testing.TB, address string, settings ...string) connect.Converter {
	t.Helper()
	return glueOf(t, glueAvroClass, address, settings...)
}

func glueOf(t testing.TB, class, address string, settings ...string) connect.Converter {
	t.Helper()
	all := map[string]string{"region": "us-east-1", "endpoint": address, "schemaAutoRegistrationEnabled": "true"}
	for i := 0; i < len(settings); i += 2 {
		all[settings[i]] = settings[i+1]
	}
	return glueConverter(t, class, all)
}

// What is written is framed by the version of the frame, the compression and the id of the schema's version, and is read by
// a converter that knows nothing yet, however it was compressed. A schema may change in the middle of a batch.
func TestGlue_WritesAndReads(t *testing.T) {
	t.Parallel()
	address := served(t, opened(t))
	for compression, mark := range map[string]byte{"NONE": 0, "zlib": 5} {
		write := glueAt(t, address, "compression", compression, "schemaName", "changing", "compatibility", "none")
		read := glueAt(t, address, "schemaAutoRegistrationEnabled", "false")
		ids := map[string]bool{}
		for i, fields := range []int{2, 2, 4, 2, 6, 4, 6} {
			in := order(fields)
			b, err := write.Encode(t.Context(), "t", in)
			if err != nil {
				t.Fatal(err)
			}
			if b[0] != 3 || b[1] != mark {
				t.Errorf("record %d begins with %x, want 03%02x", i, b[:2], mark)
			}
			ids[string(b[2:18])] = true
			out, err := read.Decode(t.Context(), "t", b)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := schema.Text(out.Value), schema.Text(in.Value); got != want {
				t.Errorf("record %d\n got: %s\nwant: %s", i, got, want)
			}
			if out.Schema.Version != nil {
				t.Errorf("record %d has version %d, want none", i, *out.Schema.Version)
			}
		}
		if len(ids) != 3 {
			t.Errorf("%d schemas were used, want 3", len(ids))
		}
		b, err := write.Encode(t.Context(), "t", connect.Datum{})
		if err != nil || b != nil {
			t.Errorf("a tombstone is written as %x, %v", b, err)
		}
		if out, err := read.Decode(t.Context(), "t", nil); err != nil || out.Value != nil {
			t.Errorf("a tombstone is read as %v, %v", out, err)
		}
	}
}

// A schema that is not there is registered only where that is allowed, under the topic's name, and says for which topic.
func TestGlue_Registers(t *testing.T) {
	t.Parallel()
	r := opened(t)
	address := served(t, r)
	silent := glueAt(t, address, "schemaAutoRegistrationEnabled", "false")
	_, err := silent.Encode(t.Context(), "orders", order(2))
	if err == nil || !strings.Contains(err.Error(), "Auto registration of schema is not enabled.") {
		t.Errorf("without registering it failed with %v", err)
	}
	b, err := glueAt(t, address).Encode(t.Context(), "orders", order(2))
	if err != nil {
		t.Fatal(err)
	}
	again, err := glueAt(t, address, "schemaAutoRegistrationEnabled", "false").Encode(t.Context(), "orders", order(2))
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("with a schema that is there: %x, %v; want %x", again, err, b)
	}
	if versions := r.Versions(); len(versions) != 1 || versions[0].Subject != "glue:default-registry/orders" {
		t.Errorf("registered: %v", versions)
	}
	// One that does not fit to the one before: a field more without a default.
	s := schema.StructOf([]schema.Field{schema.F("id", schema.Of(schema.Int64)), schema.F("must", schema.Of(schema.String))}, schema.Named("com.example.Order"))
	_, err = glueAt(t, address).Encode(t.Context(), "orders", connect.Datum{Schema: s, Value: schema.StructFrom(s, []any{int64(1), "x"})})
	if class, _ := corpus.Classify(err); class != schema.DataException || !strings.Contains(err.Error(), "Schema evolution check failed.") {
		t.Errorf("a schema that does not fit failed with %v", err)
	}
}

// What Glue can do wrong, and whose fault each is.
func TestGlue_Failures(t *testing.T) {
	t.Parallel()
	answer := func(status int, kind string) string {
		return served(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"__type":%q,"Message":"because"}`, kind)
		}))
	}
	for _, tt := range []struct {
		name, address string
		outage        bool
		message       string
	}{
		{"down", "http://127.0.0.1:1", true, "connection refused"},
		{"in trouble", answer(500, "InternalServiceException"), true, "because"},
		{"too busy", answer(400, "ThrottlingException"), true, "because"},
		{"an old token", answer(400, "ExpiredTokenException"), true, "because"},
		{"forbidden", answer(400, "AccessDeniedException"), false, "glue:GetSchemaVersion"},
		{"a wrong key", answer(400, "UnrecognizedClientException"), false, "because"},
		{"no registry", answer(400, "InvalidInputException"), false, "because"},
		{"nonsense", served(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })), true, "deserialization"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := glueAt(t, tt.address)
			_, writing := c.Encode(t.Context(), "t", order(2))
			_, reading := c.Decode(t.Context(), "t", append([]byte{3, 0}, make([]byte, 16)...))
			for what, err := range map[string]error{"writing": writing, "reading": reading} {
				if err == nil || !strings.Contains(err.Error(), tt.message) {
					t.Errorf("%s failed with %v, want %q in it", what, err, tt.message)
					continue
				}
				retry, isRetry := errors.AsType[*connect.RetryError](err)
				if isRetry != tt.outage || isRetry && !retry.Outage {
					t.Errorf("%s: that it is an outage is %v, want %v: %v", what, isRetry, tt.outage, err)
				}
				if class, _ := corpus.Classify(err); !tt.outage && class != schema.DataException {
					t.Errorf("%s failed with class %s", what, class)
				}
			}
		})
	}
}

// Bytes that are none of Glue's fail as in Java, unless another deserializer is named for them.
func TestGlue_ForeignBytes(t *testing.T) {
	t.Parallel()
	r := opened(t)
	address := served(t, r)
	confluent := converter(t, address)
	foreign, err := confluent.Encode(t.Context(), "t", order(2))
	if err != nil {
		t.Fatal(err)
	}
	c := glueAt(t, address)
	for name, tt := range map[string]struct {
		bytes   []byte
		message string
	}{
		"Confluent's":   {foreign, "Didn't find secondary deserializer."},
		"empty":         {[]byte{}, "there are no bytes"},
		"cut off":       {[]byte{3, 0, 1}, "Data is not compatible with schema registry size: 3"},
		"compressed so": {append([]byte{3, 7}, make([]byte, 16)...), "Invalid schema registry compression byte in data"},
		"unknown":       {append([]byte{3, 0}, make([]byte, 16)...), "Failed to get schema version Id = 00000000-0000-0000-0000-000000000000"},
		"no zlib":       {append([]byte{3, 5}, make([]byte, 20)...), "Error while decompressing data"},
	} {
		_, err := c.Decode(t.Context(), "t", tt.bytes)
		if class, _ := corpus.Classify(err); class != schema.DataException || !strings.Contains(err.Error(), tt.message) {
			t.Errorf("%s: failed with %v, want %q", name, err, tt.message)
		}
	}
	both := glueAt(t, address, "secondaryDeserializer", "io.confluent.kafka.serializers.KafkaAvroDeserializer", "schema.registry.url", address)
	out, err := both.Decode(t.Context(), "t", foreign)
	if err != nil || schema.Text(out.Value) != schema.Text(order(2).Value) {
		t.Errorf("with the other deserializer: %v, %v", out, err)
	}
	mine, err := both.Encode(t.Context(), "t", order(2))
	if err != nil || mine[0] != 3 {
		t.Errorf("with the other deserializer it writes %x, %v", mine, err)
	}
}

func TestGlue_RefusesSettings(t *testing.T) {
	t.Parallel()
	for setting, value := range map[string]string{
		"schemaNameGenerationClass": "com.example.Mine", "compression": "lz4", "compatibility": "sometimes", "avroRecordType": "any", "dataFormat": "JSON",
		"secondaryDeserializer": "org.apache.kafka.common.serialization.StringDeserializer", "tags": "a=b", "metadata": "a", "proxyUrl": "nowhere", "cacheSize": "x",
		"jacksonSerializationFeatures": "INDENT_OUTPUT",
	} {
		all := map[string]*string{"region": new("us-east-1"), setting: &value}
		_, err := parsed(t, glueAvroClass, false, all)
		if problems := config.Errors(err); len(problems) != 1 || !strings.Contains(problems[0].Error(), setting) && setting != "proxyUrl" {
			t.Errorf("%s = %s is refused with %v", setting, value, err)
		}
	}
}

// Glue is asked once for each schema, however many records there are.
func TestGlue_AsksOnce(t *testing.T) {
	t.Parallel()
	r := opened(t)
	var asked atomic.Int32
	address := served(t, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked.Add(1)
		r.ServeHTTP(w, req)
	}))
	c := glueAt(t, address)
	for range 100 {
		b, err := c.Encode(t.Context(), "t", order(2))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Decode(t.Context(), "t", b); err != nil {
			t.Fatal(err)
		}
	}
	// To look for it, make it and note the topic, and to read it.
	if n := asked.Load(); n != 4 {
		t.Errorf("Glue was asked %d times, want 4", n)
	}
}
