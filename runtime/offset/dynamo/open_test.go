package dynamo_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// The tests of the environment are not parallel, since there is only one.

func TestOpen_TakesTheEnvironment(t *testing.T) {
	db, err := table.Open("")
	ok(t, err)
	server := httptest.NewServer(db)
	t.Cleanup(func() {
		server.Close()
		ok(t, db.Close())
	})
	for _, env := range []map[string]string{
		{"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL_DYNAMODB": server.URL, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
		{"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-central-1", "AWS_ENDPOINT_URL_DYNAMODB": "", "AWS_ENDPOINT_URL": server.URL},
	} {
		for name, value := range env {
			t.Setenv(name, value)
		}
		t.Setenv("AWS_ACCESS_KEY_ID", "id")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
		s, err := dynamo.Open(t.Context(), dynamo.Options{Table: "absent"})
		ok(t, err)
		ok(t, s.CreateTable(t.Context()))
		ok(t, s.CreateTable(t.Context())) // it is there already
		if _, err := s.Put(t.Context(), offset.Connector{Name: t.Name()}, offset.Keep); err != nil && !strings.Contains(err.Error(), "changed") {
			t.Fatal(err)
		}
	}
}

func TestOpen_SaysWhatIsMissing(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"} {
		t.Setenv(name, "")
	}
	url := endpoint(t)
	for want, o := range map[string]dynamo.Options{
		"no name":                   {Region: "r"},
		"set AWS_REGION":            {Table: "absent"},
		"set AWS_ACCESS_KEY_ID":     {Table: "absent", Region: "r", Endpoint: url},
		`there a table "absent" in`: {Table: "absent", Region: "r", Endpoint: url, AccessKey: "id", SecretKey: "secret"},
	} {
		s, err := dynamo.Open(t.Context(), o)
		if err == nil {
			_, err = s.List(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %s", err, want)
		}
	}
}

// TestOpen_IsCheap bounds what every start of a function pays before it does anything.
func TestOpen_IsCheap(t *testing.T) {
	o := dynamo.Options{Table: "absent", Region: "r", Endpoint: "http://127.0.0.1:1", AccessKey: "id", SecretKey: "secret"}
	n := testing.AllocsPerRun(20, func() {
		if _, err := dynamo.Open(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	})
	if n > 300 {
		t.Errorf("opening allocates %v times", n)
	}
}

func BenchmarkOpen(b *testing.B) {
	o := dynamo.Options{Table: "absent", Region: "r", Endpoint: "http://127.0.0.1:1", AccessKey: "id", SecretKey: "secret"}
	for b.Loop() {
		if _, err := dynamo.Open(b.Context(), o); err != nil {
			b.Fatal(err)
		}
	}
}
