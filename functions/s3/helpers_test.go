package s3_test

import (
	"context"
	"maps"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/sluice-connect/sluice/functions/s3"
	"github.com/sluice-connect/sluice/functions/s3/s3test"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// quiet takes no notes.
type quiet struct{}

func (quiet) Info(string, ...any) {}
func (quiet) Warn(string, ...any) {}

// serve starts the server in memory.
func serve(tb testing.TB) (*s3test.Server, string) {
	tb.Helper()
	server := &s3test.Server{}
	web := httptest.NewServer(server)
	tb.Cleanup(web.Close)
	return server, web.URL
}

func confluent(url string, extra ...string) map[string]string {
	return with(map[string]string{
		"connector.class": "io.confluent.connect.s3.S3SinkConnector", "s3.bucket.name": "test", "s3.region": "us-east-1", "store.url": url,
		"aws.access.key.id": "test", "aws.secret.access.key": "testtest", "flush.size": "3",
		"format.class": "io.confluent.connect.s3.format.json.JsonFormat", "storage.class": "io.confluent.connect.s3.storage.S3Storage",
	}, extra...)
}

func with(s map[string]string, extra ...string) map[string]string {
	s = maps.Clone(s)
	for i := 0; i+1 < len(extra); i += 2 {
		s[extra[i]] = extra[i+1]
	}
	return s
}

// openSink opens a sink task.
func openSink(tb testing.TB, settings map[string]string, state *storagetest.State) connect.SinkTask {
	tb.Helper()
	task, err := tryOpen(settings, state)
	if err != nil {
		tb.Fatal(err)
	}
	return task
}

func tryOpen(settings map[string]string, state *storagetest.State) (connect.SinkTask, error) {
	task := s3.Sink.New()
	if err := config.Parse(settings, task); err != nil {
		return nil, err
	}
	if err := task.(connect.Validator).Validate(); err != nil {
		return nil, err
	}
	return task, task.Open(context.Background(), connect.SinkAssignment{Connector: "c", State: &storagetest.StateClient{State: state}, Log: quiet{}})
}

// real is the URL of a real server; the test is skipped without one.
func real(tb testing.TB) string {
	tb.Helper()
	url := os.Getenv("SLUICE_TEST_S3")
	if url == "" {
		if os.Getenv("SLUICE_CI") == "1" {
			tb.Fatal("SLUICE_TEST_S3 says no S3 server")
		}
		tb.Skip("SLUICE_TEST_S3 says no S3 server")
	}
	return url
}
