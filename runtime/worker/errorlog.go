package worker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/kafka"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// logFailure writes Connect's log line about a failed record, if errors.log.enable asks for it.
func (r *sinkRun) logFailure(b *kafka.Batch, m *kafka.Message, err error) {
	p := &r.task.pipe.policy
	if !p.log {
		return
	}
	text := failureText(r.sink.Name, r.item.ID, err)
	if p.logMessages {
		text += fmt.Sprintf(", where consumed record is {topic='%s', partition=%d, offset=%d", b.Topic, b.Partition, m.Offset)
		if t := timeType(m); t != connect.NoTime {
			text += fmt.Sprintf(", timestamp=%d, timestampType=%s", m.Timestamp, t)
		}
		text += "}"
	}
	r.report.Logged++
	r.log.Error(text+".", "error", err)
}

// logFailure writes Connect's log line about a failed record, if errors.log.enable asks for it. original is the record
// before its transforms, nil if it is not known any more.
func (r *sourceRun) logFailure(original *connect.Record, err error) {
	p := &r.pipe.policy
	if !p.log {
		return
	}
	text := failureText(r.connector.Name, r.task.ID, err)
	if p.logMessages && original != nil {
		text += ", where source record is = " + recordText(original)
	}
	r.report.Logged++
	r.log.Error(text+".", "error", err)
}

func failureText(name string, task int, err error) string {
	stage, class := stageOf(err)
	return fmt.Sprintf("Error encountered in task %s-%d. Executing stage '%s' with class '%s'", name, task, stage, class)
}

// recordText is what Java's SourceRecord.toString returns.
func recordText(r *connect.Record) string {
	partition, time := "null", "null"
	if r.Partition >= 0 {
		partition = strconv.Itoa(int(r.Partition))
	}
	if !r.Time.IsZero() {
		time = strconv.FormatInt(r.Time.UnixMilli(), 10)
	}
	headers := ""
	for i, h := range r.Headers {
		if i > 0 {
			headers += ", "
		}
		headers += fmt.Sprintf("ConnectHeader(key=%s, value=%s, schema=%s)", h.Key, schema.Text(h.Value.Value), schemaText(h.Value.Schema))
	}
	if len(r.Headers) > 0 {
		headers = "[" + headers + "]"
	}
	return fmt.Sprintf("SourceRecord{sourcePartition=%s, sourceOffset=%s} ConnectRecord{topic='%s', kafkaPartition=%s, key=%s, keySchema=%s, "+
		"value=%s, valueSchema=%s, timestamp=%s, headers=ConnectHeaders(headers=%s)}",
		fieldsText(r.Source.Partition.Fields()), fieldsText(r.Source.Position.Fields()), r.Topic, partition,
		schema.Text(r.Key.Value), schemaText(r.Key.Schema), schema.Text(r.Value.Value), schemaText(r.Value.Schema), time, headers)
}

func schemaText(s *schema.Schema) string {
	if s == nil {
		return "null"
	}
	return s.String()
}

// fieldsText writes a partition or position as Java writes a HashMap.
func fieldsText(fields map[string]any) string {
	m := schema.NewHashMap(0)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		m.Set(name, fields[name])
	}
	return schema.Text(m)
}
