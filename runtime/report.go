package runtime

import (
	"io"
	"maps"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/runtime/metric"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// writeReport writes an invocation's line of metrics. Control requests have none.
//
// The names are those of Kafka Connect's attributes where it has one for the thing; a total is that of this invocation.
// Only what alarms and dashboards need is declared to CloudWatch, and by connector, because each metric of each
// combination of dimensions costs money every month. All other numbers stand in the line beside them, for queries over
// the log.
func writeReport(w io.Writer, r worker.Report, now time.Time) error {
	if r.Connector == "" {
		return nil
	}
	line := metric.Line{
		Time:       now,
		Dimensions: map[string]string{"connector": r.Connector},
		Metrics: map[string]metric.Metric{
			"total-record-errors":     count(r.Errors),
			"total-records-skipped":   count(r.Skipped),
			"record-age-max-ms":       millis(r.Age),
			"invocation-duration-ms":  millis(r.Took),
			"dead-letter-write-total": count(r.Dead),
		},
		Properties: map[string]any{
			"did": r.Did, "worker": r.Worker, "kind": r.Kind,
			"total-record-failures":            r.Failures,
			"total-retries":                    r.Retries,
			"total-errors-logged":              r.Logged,
			"deadletterqueue-produce-requests": r.Dead + r.DeadFailures,
			"deadletterqueue-produce-failures": r.DeadFailures,
			"records-dropped-total":            r.Dropped,
			"record-bytes-total":               r.Bytes,
			"batch-size-max":                   r.BatchMax,
			"billed-duration-ms":               billed(r.Took),
			"table-calls-total":                r.TableCalls,
		},
	}
	if r.Kind == "sink" {
		reportSink(&line, &r)
	} else {
		reportSource(&line, &r)
	}
	if r.Calls.N > 0 {
		line.Properties["batch-size-avg"] = float64(r.Polled) / float64(r.Calls.N)
	}
	if !r.LastError.IsZero() {
		line.Properties["last-error-timestamp"] = r.LastError.UnixMilli()
	}
	if r.Task >= 0 {
		line.Properties["task"] = strconv.Itoa(r.Task)
	}
	if r.Did == "ran" {
		line.Metrics["task-successes"] = count(1)
	}
	if r.Err != nil {
		line.Metrics["task-failures"] = count(1)
		line.Properties["error"] = r.Err.Error()
	}
	return line.Write(w)
}

func reportSource(line *metric.Line, r *worker.Report) {
	line.Metrics["source-record-poll-total"] = count(r.Polled)
	line.Metrics["source-record-write-total"] = count(r.Written)
	maps.Copy(line.Properties, map[string]any{
		"poll-batch-max-time-ms":    millis(r.Calls.Max).Value,
		"poll-batch-avg-time-ms":    millis(r.Calls.Mean()).Value,
		"offset-commit-max-time-ms": millis(r.Commits.Max).Value,
		"offset-commit-avg-time-ms": millis(r.Commits.Mean()).Value,
		"offset-commit-total":       r.Commits.N,
	})
	if all := r.Commits.N + r.CommitFailures; all > 0 {
		line.Properties["offset-commit-success-percentage"] = float64(r.Commits.N) / float64(all)
		line.Properties["offset-commit-failure-percentage"] = float64(r.CommitFailures) / float64(all)
	}
}

func reportSink(line *metric.Line, r *worker.Report) {
	line.Metrics["sink-record-read-total"] = count(r.Polled)
	line.Metrics["sink-record-send-total"] = count(r.Written)
	maps.Copy(line.Properties, map[string]any{
		"put-batch-max-time-ms": millis(r.Calls.Max).Value,
		"put-batch-avg-time-ms": millis(r.Calls.Mean()).Value,
		"partition-count":       r.Partitions,
		"event-decode-time-ms":  millis(r.Decode).Value,
	})
}

func count(n int) metric.Metric { return metric.Metric{Value: float64(n), Unit: metric.Count} }

func millis(d time.Duration) metric.Metric {
	return metric.Metric{Value: float64(d.Microseconds()) / 1000, Unit: metric.Milliseconds}
}

// billed is what an invocation costs: Lambda rounds up to a millisecond.
func billed(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }
