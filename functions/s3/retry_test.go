package s3_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/sluice-connect/sluice/functions/s3/s3test"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
)

// A request that fails is tried again as often as the settings say, those of Confluent's connector or of Aiven's.
func TestSink_TriesRequestsAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		extra []string
		tries int32
	}{
		"Confluent": {[]string{"s3.part.retries", "2", "s3.retry.backoff.ms", "1", "aws.s3.backoff.max.retries", "7"}, 3},
		"none":      {[]string{"s3.part.retries", "0"}, 1},
		"Aiven": {[]string{
			"connector.class", "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "aws.s3.bucket.name", "test", "aws.s3.region", "us-east-1",
			"aws.s3.backoff.max.retries", "1", "aws.s3.backoff.delay.ms", "1", "s3.part.retries", "7", "format.output.fields", "offset",
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			store, failing := &s3test.Server{}, atomic.Bool{}
			failing.Store(true)
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if failing.Load() {
					asked.Add(1)
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				store.ServeHTTP(w, r)
			}))
			t.Cleanup(web.Close)
			settings := confluent(web.URL, append([]string{"aws.s3.endpoint", web.URL}, test.extra...)...)
			task := openSink(t, settings, &storagetest.State{})
			if err := task.Put(t.Context(), rows("t", 0, 3, 2)); err == nil {
				t.Fatal("no error")
			}
			if n := asked.Load(); n != test.tries {
				t.Errorf("%d tries, want %d", n, test.tries)
			}
			failing.Store(false)
			put(t, task, rows("t", 0, 3, 2))
		})
	}
}
