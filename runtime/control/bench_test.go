package control_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-connect/sluice/local/table"
	"github.com/sluice-connect/sluice/runtime/offset"
	"github.com/sluice-connect/sluice/runtime/offset/dynamo"
)

// durable is a server whose table is the desk's, with n connectors that have two tasks each.
func durable(b *testing.B, n int) *httptest.Server {
	b.Helper()
	items, err := table.Open(filepath.Join(b.TempDir(), "table.db"))
	if err != nil {
		b.Fatal(err)
	}
	endpoint := httptest.NewServer(items)
	w, g := stillWorld(b, "127.0.0.1:1"), newGroups()
	store, err := dynamo.Open(b.Context(), dynamo.Options{Table: "sluice", Region: "us-east-1", Endpoint: endpoint.URL, AccessKey: "a", SecretKey: "b"})
	if err != nil {
		b.Fatal(err)
	}
	if err := store.CreateTable(b.Context()); err != nil {
		b.Fatal(err)
	}
	w.store = store
	server := httptest.NewServer(w.handler(g))
	b.Cleanup(func() {
		server.Close()
		endpoint.Close()
		if err := items.Close(); err != nil {
			b.Error(err)
		}
	})
	for i := range n {
		name := fmt.Sprintf("c%d", i)
		c := offset.Connector{Name: name, Config: map[string]string{"connector.class": "FileStreamSource", "file": "f", "topic": "t", "name": name}, Target: offset.Running, Stale: true}
		if _, err := store.Put(b.Context(), c, offset.Restart); err != nil {
			b.Fatal(err)
		}
		publishAs(b, w, name, 2)
	}
	return server
}

// measure sends requests and reports the median time of an answer.
func measure(b *testing.B, server *httptest.Server, method, path string, body func(n int) string) {
	b.Helper()
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		request, err := http.NewRequestWithContext(b.Context(), method, server.URL+path, strings.NewReader(body(n)))
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		start := time.Now()
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		took = append(took, time.Since(start))
		if err != nil || response.StatusCode != http.StatusOK {
			b.Fatalf("%s %s: %d %s, %v", method, path, response.StatusCode, text, err)
		}
		if err := response.Body.Close(); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
}

// BenchmarkServer measures answers over the desk's table.
func BenchmarkServer(b *testing.B) {
	nothing := func(int) string { return "" }
	b.Run("status", func(b *testing.B) {
		measure(b, durable(b, 1), "GET", "/connectors/c0/status", nothing)
	})
	b.Run("config", func(b *testing.B) {
		measure(b, durable(b, 1), "PUT", "/connectors/c0/config", func(n int) string {
			return fmt.Sprintf(`{"connector.class": "FileStreamSource", "file": "f", "topic": "t", "batch.size": "%d"}`, n+1)
		})
	})
	b.Run("list-1000", func(b *testing.B) {
		measure(b, durable(b, 1000), "GET", "/connectors?expand=info&expand=status", nothing)
	})
}
