package dynamo_test

import (
	"crypto/rand"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime/connecttest"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

func TestStore_IsAStore(t *testing.T) {
	t.Parallel()
	connecttest.Store(t, func(t *testing.T, now func() time.Time) offset.Store {
		return open(t, endpoint(t), dynamo.Options{Now: now, Attempt: 20 * time.Second, Patience: time.Minute})
	})
}

// TestStore_IsAStoreOnDynamoDB runs the same against DynamoDB itself or DynamoDB Local.
func TestStore_IsAStoreOnDynamoDB(t *testing.T) {
	t.Parallel()
	url := os.Getenv("SLUICE_TEST_DYNAMODB")
	if url == "" {
		if os.Getenv("SLUICE_CI") != "" {
			t.Fatal("SLUICE_TEST_DYNAMODB is not set: it must be the URL of a DynamoDB Local, such as http://localhost:8000")
		}
		t.Skip("needs a DynamoDB Local; set SLUICE_TEST_DYNAMODB to its URL")
	}
	connecttest.Store(t, func(t *testing.T, now func() time.Time) offset.Store {
		return open(t, url, dynamo.Options{
			Table: "sluice-" + rand.Text(), Now: now, Attempt: 20 * time.Second, Patience: time.Minute,
		})
	})
}

// tableName is the only table at an endpoint of this process.
const tableName = "sluice-test"

// endpoint serves an empty DynamoDB of this process.
func endpoint(t *testing.T) string {
	t.Helper()
	db, err := table.Open("")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(db)
	t.Cleanup(func() {
		server.Close()
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

// open makes the table at a DynamoDB.
func open(t *testing.T, url string, o dynamo.Options) *dynamo.Store {
	t.Helper()
	if o.Table == "" {
		o.Table = tableName
	}
	o.Region, o.Endpoint, o.AccessKey, o.SecretKey = "us-east-1", url, "any", "any"
	s, err := dynamo.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}
