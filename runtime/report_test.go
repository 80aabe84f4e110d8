package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/worker"
)

func reported(t *testing.T, r worker.Report) map[string]any {
	t.Helper()
	var out bytes.Buffer
	if err := writeReport(&out, r, time.UnixMilli(1700000000000)); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 1 || !strings.HasPrefix(out.String(), `{"_aws":`) {
		t.Errorf("%q is not one line of metrics", out.String())
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	return line
}

func TestWriteReport_OfASource(t *testing.T) {
	t.Parallel()
	line := reported(t, worker.Report{
		Kind: "source", Connector: "orders", Worker: "w:1", Task: 2, Did: "ran", Polled: 10, Written: 7, Dropped: 1, Skipped: 2, Dead: 2,
		Bytes: 700, Calls: worker.Timing{N: 4, Sum: 8 * time.Millisecond, Max: 5 * time.Millisecond}, BatchMax: 6,
		Commits: worker.Timing{N: 3, Sum: 6 * time.Millisecond, Max: 3 * time.Millisecond}, CommitFailures: 1,
		Failures: 5, Retries: 3, Logged: 2, LastError: time.UnixMilli(1699999999000), Took: 1500100 * time.Microsecond,
		Age: time.Second, TableCalls: 6,
	})
	want := map[string]any{
		"_aws": map[string]any{
			"Timestamp": 1700000000000.0,
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": "Sluice", "Dimensions": []any{[]any{"connector"}},
				"Metrics": []any{
					map[string]any{"Name": "dead-letter-write-total", "Unit": "Count"},
					map[string]any{"Name": "invocation-duration-ms", "Unit": "Milliseconds"},
					map[string]any{"Name": "record-age-max-ms", "Unit": "Milliseconds"},
					map[string]any{"Name": "source-record-poll-total", "Unit": "Count"},
					map[string]any{"Name": "source-record-write-total", "Unit": "Count"},
					map[string]any{"Name": "task-successes", "Unit": "Count"},
					map[string]any{"Name": "total-record-errors", "Unit": "Count"},
					map[string]any{"Name": "total-records-skipped", "Unit": "Count"},
				},
			}},
		},
		"connector": "orders", "task": "2", "worker": "w:1", "did": "ran", "kind": "source",
		"source-record-poll-total": 10.0, "source-record-write-total": 7.0, "records-dropped-total": 1.0,
		"total-records-skipped": 2.0, "dead-letter-write-total": 2.0, "task-successes": 1.0,
		"deadletterqueue-produce-requests": 2.0, "deadletterqueue-produce-failures": 0.0,
		"total-record-failures": 5.0, "total-record-errors": 0.0, "total-retries": 3.0, "total-errors-logged": 2.0,
		"last-error-timestamp": 1699999999000.0, "batch-size-max": 6.0, "batch-size-avg": 2.5,
		"poll-batch-max-time-ms": 5.0, "poll-batch-avg-time-ms": 2.0,
		"offset-commit-max-time-ms": 3.0, "offset-commit-avg-time-ms": 2.0, "offset-commit-total": 3.0,
		"offset-commit-success-percentage": 0.75, "offset-commit-failure-percentage": 0.25,
		"record-bytes-total": 700.0, "record-age-max-ms": 1000.0, "invocation-duration-ms": 1500.1, "billed-duration-ms": 1501.0,
		"table-calls-total": 6.0,
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Error(diff)
	}
}

func TestWriteReport_OfASink(t *testing.T) {
	t.Parallel()
	line := reported(t, worker.Report{
		Kind: "sink", Connector: "s", Task: 0, Did: "failed", Polled: 3, Err: errors.New("no such table"), Partitions: 2, Errors: 1, DeadFailures: 1,
	})
	for name, want := range map[string]any{
		"task-failures": 1.0, "sink-record-read-total": 3.0, "sink-record-send-total": 0.0, "partition-count": 2.0, "error": "no such table",
		"total-record-errors": 1.0, "deadletterqueue-produce-requests": 1.0, "deadletterqueue-produce-failures": 1.0,
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	for name := range line {
		if strings.HasPrefix(name, "source-") || strings.HasPrefix(name, "offset-commit") {
			t.Errorf("a sink has no %s", name)
		}
	}
}

func TestWriteReport_OfAControlRequest(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := writeReport(&out, worker.Report{}, time.Now()); err != nil || out.Len() > 0 {
		t.Errorf("%q, %v", out.String(), err)
	}
}
