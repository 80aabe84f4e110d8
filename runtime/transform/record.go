package transform

import (
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// hasTime tells whether a record has a timestamp. The instant that Go takes for no time at all, in year 1, counts as one
// when it comes with a part of a millisecond, which Java would not see.
func hasTime(r *connect.Record) bool { return r.Time != time.Time{} }

// noTimestamp is the error about a record without a timestamp, which shows the whole record.
func noTimestamp(r *connect.Record) error {
	return schema.Errorf("Timestamp missing on record: %s", describe(r))
}

// describe writes a record as Java's toString does.
func describe(r *connect.Record) string {
	b := make([]byte, 0, 256)
	if fromSink(r) {
		b = append(b, "SinkRecord{kafkaOffset="...)
		b = strconv.AppendInt(b, r.Kafka.Offset, 10)
		b = append(b, ", timestampType="+r.Kafka.TimeType.String()+", originalTopic="+r.Kafka.Topic...)
		b = append(b, ", originalKafkaPartition="...)
		b = strconv.AppendInt(b, int64(r.Kafka.Partition), 10)
		b = append(b, ", originalKafkaOffset="...)
		b = strconv.AppendInt(b, r.Kafka.Offset, 10)
	} else {
		b = append(b, "SourceRecord{sourcePartition="...)
		b = appendFields(b, r.Source.Partition.IsZero(), r.Source.Partition.Fields())
		b = append(b, ", sourceOffset="...)
		b = appendFields(b, r.Source.Position.IsZero(), r.Source.Position.Fields())
	}
	b = append(b, "} ConnectRecord{topic='"+r.Topic+"', kafkaPartition="...)
	if r.Partition == connect.AnyPartition {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, int64(r.Partition), 10)
	}
	b = append(b, ", key="...)
	b = append(schema.AppendText(b, r.Key.Value), ", keySchema="+r.Key.Schema.String()+", value="...)
	b = append(schema.AppendText(b, r.Value.Value), ", valueSchema="+r.Value.Schema.String()+", timestamp="...)
	if hasTime(r) {
		b = strconv.AppendInt(b, r.Time.UnixMilli(), 10)
	} else {
		b = append(b, "null"...)
	}
	return string(b) + ", headers=ConnectHeaders(headers=" + describeHeaders(r.Headers) + ")}"
}

// appendFields writes a partition or offset as Java shows a map. The order is that of a HashMap.
func appendFields(b []byte, none bool, fields map[string]any) []byte {
	if none {
		return append(b, "null"...)
	}
	m := schema.NewHashMap(0)
	for k, v := range fields {
		m.Set(k, v)
	}
	return schema.AppendText(b, m)
}

func describeHeaders(headers []connect.Header) string {
	if len(headers) == 0 {
		return ""
	}
	texts := make([]string, len(headers))
	for i, h := range headers {
		texts[i] = "ConnectHeader(key=" + h.Key + ", value=" + schema.Text(h.Value.Value) + ", schema=" + h.Value.Schema.String() + ")"
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
