package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// metric is a number of the functions' lines of metrics as Prometheus gets it.
type metric struct {
	// name is that in the line, full the one of Prometheus.
	name, full string
	counter    bool
	help       string
}

// exported are the numbers that /metrics shows, under the names that the usual settings of the JMX exporter give to
// Kafka Connect's beans, so that dashboards made for Connect go on working. Those that Connect does not have begin with
// sluice.
var exported = []metric{
	{"source-record-poll-total", "kafka_connect_source_task_source_record_poll_total", true, "Records polled, before transforms."},
	{"source-record-write-total", "kafka_connect_source_task_source_record_write_total", true, "Records that Kafka acknowledged."},
	{"poll-batch-avg-time-ms", "kafka_connect_source_task_poll_batch_avg_time_ms", false, "Mean time of a poll in the last invocation."},
	{"poll-batch-max-time-ms", "kafka_connect_source_task_poll_batch_max_time_ms", false, "Longest time of a poll in the last invocation."},
	{"sink-record-read-total", "kafka_connect_sink_task_sink_record_read_total", true, "Records read, before transforms."},
	{"sink-record-send-total", "kafka_connect_sink_task_sink_record_send_total", true, "Records that the target has."},
	{"put-batch-avg-time-ms", "kafka_connect_sink_task_put_batch_avg_time_ms", false, "Mean time of a put in the last invocation."},
	{"put-batch-max-time-ms", "kafka_connect_sink_task_put_batch_max_time_ms", false, "Longest time of a put in the last invocation."},
	{"partition-count", "kafka_connect_sink_task_partition_count", false, "Kafka partitions in the last event."},
	{"batch-size-avg", "kafka_connect_connector_task_batch_size_avg", false, "Mean records of a poll or put in the last invocation."},
	{"batch-size-max", "kafka_connect_connector_task_batch_size_max", false, "Most records of a poll or put in the last invocation."},
	{"offset-commit-avg-time-ms", "kafka_connect_connector_task_offset_commit_avg_time_ms", false, "Mean time of a commit in the last invocation."},
	{"offset-commit-max-time-ms", "kafka_connect_connector_task_offset_commit_max_time_ms", false, "Longest time of a commit in the last invocation."},
	{"offset-commit-success-percentage", "kafka_connect_connector_task_offset_commit_success_percentage", false, "Part of the commits that succeeded."},
	{"offset-commit-failure-percentage", "kafka_connect_connector_task_offset_commit_failure_percentage", false, "Part of the commits that failed."},
	{"total-record-failures", "kafka_connect_task_error_total_record_failures", true, "Failed tries of operations on records."},
	{"total-record-errors", "kafka_connect_task_error_total_record_errors", true, "Failures that ended the task."},
	{"total-records-skipped", "kafka_connect_task_error_total_records_skipped", true, "Records left out because failures are tolerated."},
	{"total-retries", "kafka_connect_task_error_total_retries", true, "Operations tried again."},
	{"total-errors-logged", "kafka_connect_task_error_total_errors_logged", true, "Failures written to the log."},
	{"deadletterqueue-produce-requests", "kafka_connect_task_error_deadletterqueue_produce_requests", true, "Dead letters handed to Kafka."},
	{"deadletterqueue-produce-failures", "kafka_connect_task_error_deadletterqueue_produce_failures", true, "Dead letters that Kafka did not take."},
	{"last-error-timestamp", "kafka_connect_task_error_last_error_timestamp", false, "When something last failed, in milliseconds since 1970."},
	{"offset-commit-total", "sluice_offset_commit_total", true, "Commits of offsets."},
	{"records-dropped-total", "sluice_records_dropped_total", true, "Records that a transform dropped."},
	{"record-bytes-total", "sluice_record_bytes_total", true, "Bytes of keys and values."},
	{"record-age-max-ms", "sluice_record_age_max_ms", false, "Age of the oldest record of the last invocation when it was durable."},
	{"billed-duration-ms", "sluice_billed_duration_ms_total", true, "Milliseconds that Lambda would have billed."},
	{"table-calls-total", "sluice_table_calls_total", true, "Requests to the table."},
}

// serveMetrics answers GET /metrics in the text format of Prometheus. Connect's REST API has nothing under that path, so
// it shares the address of REST with it.
func (l *ledger) serveMetrics(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(exposition(l.snapshot(time.Now())))
}

// exposition writes accounts in the text format of Prometheus.
func exposition(all []account) []byte {
	var b bytes.Buffer
	family := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	family("kafka_connect_worker_connector_count", "gauge", "Connectors.")
	fmt.Fprintf(&b, "kafka_connect_worker_connector_count %d\n", len(all))
	family("kafka_connect_connector_status", "gauge", "1 for the state that the connector is in.")
	for i := range all {
		if all[i].State != "" {
			fmt.Fprintf(&b, "kafka_connect_connector_status{connector=%s,status=%s} 1\n", label(all[i].Name), label(strings.ToLower(all[i].State)))
		}
	}
	family("sluice_sink_lag", "gauge", "Records in the topics that the sink has not read yet.")
	for i := range all {
		if all[i].Lag >= 0 {
			fmt.Fprintf(&b, "sluice_sink_lag{connector=%s} %d\n", label(all[i].Name), all[i].Lag)
		}
	}
	family("sluice_invocations_total", "counter", "Invocations of functions, by how they ended.")
	for i := range all {
		for _, s := range sorted(all[i].Counters) {
			if did, ok := strings.CutPrefix(s.Name, "invocations:"); ok {
				fmt.Fprintf(&b, "sluice_invocations_total{connector=%s,task=%s,did=%s} %v\n", label(all[i].Name), label(s.Task), label(did), all[i].Counters[s])
			}
		}
	}
	for _, m := range exported {
		m.write(&b, all, family)
	}
	return b.Bytes()
}

func (m *metric) write(b *bytes.Buffer, all []account, family func(name, kind, help string)) {
	kind := "gauge"
	if m.counter {
		kind = "counter"
	}
	family(m.full, kind, m.help)
	for i := range all {
		values := all[i].Gauges
		if m.counter {
			values = all[i].Counters
		}
		for _, s := range sorted(values) {
			if s.Name == m.name {
				fmt.Fprintf(b, "%s{connector=%s,task=%s} %v\n", m.full, label(all[i].Name), label(s.Task), values[s])
			}
		}
	}
}

func sorted(values map[series]float64) []series {
	return slices.SortedFunc(maps.Keys(values), func(x, y series) int {
		return strings.Compare(x.Task+"\x00"+x.Name, y.Task+"\x00"+y.Name)
	})
}

// label quotes a label's value.
func label(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}
