package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLedger_ServesMetrics(t *testing.T) {
	t.Parallel()
	l := newLedger()
	tap := &metricsTap{log: io.Discard, ledger: l, failed: func(string, string) {}, did: func(string) {}}
	for _, line := range []string{
		`{"_aws":{},"connector":"a \"b\"","task":"0","did":"ran","source-record-poll-total":10,"source-record-write-total":7,"poll-batch-max-time-ms":5,"table-calls-total":4}`,
		`{"_aws":{},"connector":"a \"b\"","task":"0","did":"ran","source-record-poll-total":2,"source-record-write-total":1,"poll-batch-max-time-ms":2.5,"table-calls-total":4}`,
		`{"_aws":{},"connector":"a \"b\"","task":"1","did":"failed","source-record-poll-total":1,"total-record-errors":1,"error":"x"}`,
		`{"_aws":{},"connector":"s","task":"0","did":"ran","sink-record-read-total":3,"sink-record-send-total":2,"dead-letter-write-total":1}`,
		"no line of metrics",
	} {
		if _, err := tap.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	l.update("s", func(a *account) { a.State, a.Lag = "RUNNING", 12 })

	answer := httptest.NewRecorder()
	(&rest{metrics: http.HandlerFunc(l.serveMetrics)}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if answer.Code != http.StatusOK || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %v", answer.Code, answer.Header())
	}
	var got []string
	typed := map[string]bool{}
	for line := range strings.Lines(answer.Body.String()) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			typed[strings.Fields(name)[0]] = true
		}
		if !strings.HasPrefix(line, "#") {
			got = append(got, line)
			if name := line[:strings.IndexAny(line, "{ ")]; !typed[name] {
				t.Errorf("%s has no type", name)
			}
		}
	}
	want := []string{
		`kafka_connect_worker_connector_count 2`,
		`kafka_connect_connector_status{connector="s",status="running"} 1`,
		`sluice_sink_lag{connector="s"} 12`,
		`sluice_invocations_total{connector="a \"b\"",task="0",did="ran"} 2`,
		`sluice_invocations_total{connector="a \"b\"",task="1",did="failed"} 1`,
		`sluice_invocations_total{connector="s",task="0",did="ran"} 1`,
		`kafka_connect_source_task_source_record_poll_total{connector="a \"b\"",task="0"} 12`,
		`kafka_connect_source_task_source_record_poll_total{connector="a \"b\"",task="1"} 1`,
		`kafka_connect_source_task_source_record_write_total{connector="a \"b\"",task="0"} 8`,
		`kafka_connect_source_task_poll_batch_max_time_ms{connector="a \"b\"",task="0"} 2.5`,
		`kafka_connect_sink_task_sink_record_read_total{connector="s",task="0"} 3`,
		`kafka_connect_sink_task_sink_record_send_total{connector="s",task="0"} 2`,
		`kafka_connect_task_error_total_record_errors{connector="a \"b\"",task="1"} 1`,
		`sluice_table_calls_total{connector="a \"b\"",task="0"} 8`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// The live view shows the same numbers.
	for _, a := range l.snapshot(l.all["s"].sampleAt) {
		if a.Name == "s" && (a.In != 3 || a.Out != 2 || a.Dead != 1) {
			t.Errorf("%+v", a)
		}
	}

	refused := httptest.NewRecorder()
	(&rest{metrics: http.HandlerFunc(l.serveMetrics)}).ServeHTTP(refused, httptest.NewRequest(http.MethodPost, "/metrics", http.NoBody))
	if refused.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST is answered with %d", refused.Code)
	}
}
