package registry_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Against an emulator of Glue that others wrote: SLUICE_TEST_MOTO is its URL.
func TestGlue_WithAnotherEmulator(t *testing.T) {
	t.Parallel()
	address := os.Getenv("SLUICE_TEST_MOTO")
	if address == "" && os.Getenv("SLUICE_CI") != "" {
		t.Fatal("SLUICE_TEST_MOTO is not set")
	}
	if address == "" {
		t.Skip("needs an emulator of AWS: SLUICE_TEST_MOTO is not set")
	}
	name := "sluice-" + strings.ReplaceAll(time.Now().Format("150405.000000000"), ".", "-")
	api := glue.New(glue.Options{Region: "us-east-1", BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	if _, err := api.CreateRegistry(t.Context(), &glue.CreateRegistryInput{RegistryName: aws.String(name)}); err != nil {
		t.Fatal(err)
	}
	for _, class := range []string{glueAvroClass, glueJSONClass, glueProtobufClass} {
		withEmulator(t, class, address, name)
	}
}

func withEmulator(t *testing.T, class, address, name string) {
	t.Helper()
	topic := "orders" + class[strings.LastIndexByte(class, '.'):]
	write := glueOf(t, class, address, "registry.name", name, "compatibility", "NONE")
	read := glueOf(t, class, address, "registry.name", name, "schemaAutoRegistrationEnabled", "false")
	ids := map[string]bool{}
	for i, fields := range []int{2, 4, 2, 6} {
		in := order(fields)
		b, err := write.Encode(t.Context(), topic, in)
		if err != nil {
			t.Fatal(err)
		}
		ids[string(b[2:18])] = true
		again, err := read.Encode(t.Context(), topic, in)
		if err != nil || !bytes.Equal(b, again) {
			t.Errorf("record %d: %x, %v; want %x", i, again, err, b)
		}
		out, err := read.Decode(t.Context(), topic, b)
		if err != nil || schema.Text(out.Value) != schema.Text(in.Value) {
			t.Errorf("record %d is read as %v, %v", i, out, err)
		}
	}
	if len(ids) != 3 {
		t.Errorf("%d schemas were used, want 3", len(ids))
	}
	_, err := read.Encode(t.Context(), topic+"-others", order(2))
	if err == nil || !strings.Contains(err.Error(), "Auto registration of schema is not enabled.") {
		t.Errorf("a schema that is not there fails with %v", err)
	}
}
