package runtime

import (
	"io"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/runtime/metric"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// writeReport writes an invocation's line of metrics. Control requests have none.
func writeReport(w io.Writer, r worker.Report) error {
	if r.Connector == "" {
		return nil
	}
	count := func(n int) metric.Metric { return metric.Metric{Value: float64(n), Unit: metric.Count} }
	line := metric.Line{
		Time:       time.Now(),
		Dimensions: map[string]string{"connector": r.Connector},
		Metrics: map[string]metric.Metric{
			"records-polled":         count(r.Polled),
			"records-written":        count(r.Written),
			"records-dropped":        count(r.Dropped),
			"total-records-skipped":  count(r.Skipped),
			"deadletterqueue-writes": count(r.Dead),
			"total-retries":          count(r.Retries),
			"offset-commits":         count(r.Commits),
			"bytes":                  {Value: float64(r.Bytes), Unit: metric.Bytes},
			"duration":               {Value: float64(r.Took.Microseconds()) / 1000, Unit: metric.Milliseconds},
		},
		Properties: map[string]any{"did": r.Did, "worker": r.Worker},
	}
	if r.Decode > 0 {
		line.Metrics["event-decode-time"] = metric.Metric{Value: float64(r.Decode.Microseconds()) / 1000, Unit: metric.Milliseconds}
	}
	if r.Task >= 0 {
		line.Dimensions["task"] = strconv.Itoa(r.Task)
	}
	if r.Err != nil {
		line.Properties["error"] = r.Err.Error()
	}
	return line.Write(w)
}
