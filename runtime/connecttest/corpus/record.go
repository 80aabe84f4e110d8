package corpus

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

type record struct {
	Kind, Topic        string
	Partition          *int32
	Offset             string
	TimestampType      string
	Timestamp          json.RawMessage
	KeySchema, Key     json.RawMessage
	ValueSchema, Value json.RawMessage
	Headers            []header
	SourcePartition    json.RawMessage
	SourceOffset       json.RawMessage
}

type header struct {
	Key           string
	Schema, Value json.RawMessage
}

// Record decodes the record that a transform, predicate or chain is given.
func Record(raw json.RawMessage) (connect.Record, error) {
	var in record
	if err := json.Unmarshal(raw, &in); err != nil {
		return connect.Record{}, fmt.Errorf("decoding a record: %w", err)
	}
	r := connect.Record{Topic: in.Topic, Partition: connect.AnyPartition}
	if in.Partition != nil {
		r.Partition = *in.Partition
	}
	var err error
	if r.Time, err = timestamp(in.Timestamp); err != nil {
		return connect.Record{}, err
	}
	if r.Key, err = datum(in.KeySchema, in.Key); err != nil {
		return connect.Record{}, fmt.Errorf("decoding the key: %w", err)
	}
	if r.Value, err = datum(in.ValueSchema, in.Value); err != nil {
		return connect.Record{}, fmt.Errorf("decoding the value: %w", err)
	}
	if r.Headers, err = headers(in.Headers); err != nil {
		return connect.Record{}, err
	}
	if in.Kind == "source" {
		r.Source, err = source(in)
		return r, err
	}
	r.Kafka = connect.Kafka{Topic: r.Topic, Partition: r.Partition, TimeType: timeType(in.TimestampType)}
	r.Kafka.Offset, err = strconv.ParseInt(in.Offset, 10, 64)
	return r, err
}

// Changed returns the record that a case expects: r with the parts replaced that output names. drop tells that the record
// is to be dropped.
func Changed(r connect.Record, output json.RawMessage) (want connect.Record, drop bool, err error) {
	if isNull(output) {
		return connect.Record{}, true, nil
	}
	var parts map[string]json.RawMessage
	var in record
	if err := json.Unmarshal(output, &parts); err != nil {
		return r, false, fmt.Errorf("decoding a changed record: %w", err)
	}
	if err := json.Unmarshal(output, &in); err != nil {
		return r, false, fmt.Errorf("decoding a changed record: %w", err)
	}
	for part, raw := range parts {
		switch part {
		case "topic":
			r.Topic = in.Topic
		case "partition":
			r.Partition = connect.AnyPartition
			if in.Partition != nil {
				r.Partition = *in.Partition
			}
		case "timestamp":
			r.Time, err = timestamp(raw)
		case "headers":
			r.Headers, err = headers(in.Headers)
		case "keySchema":
			r.Key.Schema, err = Schema(raw)
		case "valueSchema":
			r.Value.Schema, err = Schema(raw)
		case "key", "value": // below, when the schemas around them are known
		default:
			err = fmt.Errorf("decoding a changed record: unknown part %s", part)
		}
		if err != nil {
			return r, false, err
		}
	}
	if err := changedValue(&r.Key, parts["key"], parts["keySchema"]); err != nil {
		return r, false, err
	}
	return r, false, changedValue(&r.Value, parts["value"], parts["valueSchema"])
}

// changedValue replaces the value of a datum by the one that is given. A struct that is not given, because its fields are
// the same, takes the new schema around it.
func changedValue(d *connect.Datum, value, around json.RawMessage) (err error) {
	if value != nil {
		d.Value, err = Value(value, d.Schema)
		return err
	}
	v, ok := d.Value.(*schema.Struct)
	if !ok || around == nil || d.Schema == nil || len(d.Schema.Fields) != len(v.Schema().Fields) {
		return nil
	}
	values := make([]any, len(d.Schema.Fields))
	for i := range values {
		values[i] = v.Raw(i)
	}
	d.Value = schema.StructFrom(d.Schema, values)
	return nil
}

func headers(in []header) ([]connect.Header, error) {
	var out []connect.Header
	for _, h := range in {
		d, err := datum(h.Schema, h.Value)
		if err != nil {
			return nil, fmt.Errorf("decoding the header %s: %w", h.Key, err)
		}
		out = append(out, connect.Header{Key: h.Key, Value: d})
	}
	return out, nil
}

func timestamp(raw json.RawMessage) (time.Time, error) {
	if isNull(raw) {
		return time.Time{}, nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return time.Time{}, fmt.Errorf("decoding a timestamp: %w", err)
	}
	ms, err := strconv.ParseInt(text, 10, 64)
	t := schema.Instant(ms)
	if t.IsZero() {
		t = t.Add(time.Nanosecond) // that instant would count as none
	}
	return t, err
}

func timeType(name string) connect.TimeType {
	for _, t := range []connect.TimeType{connect.CreateTime, connect.LogAppendTime} {
		if t.String() == name {
			return t
		}
	}
	return connect.NoTime
}

func source(in record) (connect.Source, error) {
	partition, err := fields(in.SourcePartition)
	if err != nil {
		return connect.Source{}, fmt.Errorf("decoding the source partition: %w", err)
	}
	offset, err := fields(in.SourceOffset)
	if err != nil {
		return connect.Source{}, fmt.Errorf("decoding the source offset: %w", err)
	}
	var s connect.Source
	if partition != nil {
		if s.Partition, err = connect.NewPartition(partition); err != nil {
			return s, err
		}
	}
	if offset != nil {
		s.Position = connect.NewPosition(offset)
	}
	return s, nil
}

func fields(raw json.RawMessage) (map[string]any, error) {
	v, err := Value(raw, nil)
	if err != nil || v == nil {
		return nil, err
	}
	m, ok := v.(*schema.Map)
	if !ok {
		return nil, fmt.Errorf("a %T is not a map", v)
	}
	out := make(map[string]any, m.Len())
	for k, e := range m.All() {
		out[schema.Text(k)] = e
	}
	return out, nil
}
