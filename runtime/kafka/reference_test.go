package kafka_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

// reference decodes an event with encoding/json: slowly, and so plainly that it can be trusted.
func reference(payload []byte) (kafka.Event, error) {
	top, err := members(payload)
	if err != nil {
		return kafka.Event{}, err
	}
	var e kafka.Event
	found := false
	for _, m := range top {
		switch m.key {
		case "eventSource":
			e.Source, _, err = text(m.value)
		case "eventSourceArn":
			e.Arn, _, err = text(m.value)
		case "bootstrapServers":
			e.Bootstrap, _, err = text(m.value)
		case "records":
			if !null(m.value) {
				found = true
				e.Batches, err = partitions(e.Batches, m.value)
			}
		}
		if err != nil {
			return kafka.Event{}, err
		}
	}
	if !found {
		return kafka.Event{}, errors.New("no records")
	}
	return e, nil
}

func partitions(batches []kafka.Batch, raw json.RawMessage) ([]kafka.Batch, error) {
	all, err := members(raw)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		var records []json.RawMessage
		if err := json.Unmarshal(p.value, &records); err != nil {
			return nil, err
		}
		first := len(batches)
		for _, r := range records {
			topic, partition, m, err := record(r)
			if err != nil {
				return nil, err
			}
			last := len(batches) - 1
			if last < first || batches[last].Topic != topic || batches[last].Partition != partition {
				batches = append(batches, kafka.Batch{ID: p.key, Topic: topic, Partition: partition})
				last++
			}
			batches[last].Messages = append(batches[last].Messages, m)
		}
	}
	return batches, nil
}

func record(raw json.RawMessage) (topic string, partition int32, m kafka.Message, err error) {
	all, err := members(raw)
	if err != nil {
		return "", 0, m, err
	}
	m.Timestamp = -1
	var hasTopic, hasPartition, hasOffset, hasTime, hasType bool
	for _, f := range all {
		var n int64
		switch f.key {
		case "topic":
			topic, hasTopic, err = text(f.value)
		case "partition":
			n, hasPartition, err = whole(f.value)
			if partition = int32(n); int64(partition) != n || n < 0 {
				err = fmt.Errorf("partition %d", n)
			}
		case "offset":
			if m.Offset, hasOffset, err = whole(f.value); m.Offset < 0 {
				err = fmt.Errorf("offset %d", m.Offset)
			}
		case "timestamp":
			if m.Timestamp, hasTime, err = whole(f.value); !hasTime {
				m.Timestamp = -1
			}
		case "timestampType":
			var name string
			name, hasType, err = text(f.value)
			m.TimestampType = map[string]kafka.TimestampType{"CREATE_TIME": 0, "LOG_APPEND_TIME": 1}[name]
			if hasType && name != "CREATE_TIME" && name != "LOG_APPEND_TIME" {
				m.TimestampType = -1
			}
		case "key":
			m.Key, err = blob(f.value)
		case "value":
			m.Value, err = blob(f.value)
		case "headers":
			m.Headers, err = headers(f.value)
		}
		if err != nil {
			return "", 0, m, err
		}
	}
	if !hasType && m.Timestamp < 0 {
		m.TimestampType = -1
	}
	if !hasTopic || !hasPartition || !hasOffset {
		err = errors.New("incomplete record")
	}
	return topic, partition, m, err
}

func headers(raw json.RawMessage) ([]kafka.Header, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	var out []kafka.Header
	for _, raw := range list {
		all, err := members(raw)
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			h := kafka.Header{Key: m.key}
			var numbers []json.Number
			if err := json.Unmarshal(m.value, &numbers); err != nil {
				return nil, err
			}
			var elements []json.RawMessage
			if err := json.Unmarshal(m.value, &elements); err != nil {
				return nil, err
			}
			if !null(m.value) {
				h.Value = []byte{}
			}
			for i, n := range numbers {
				b, err := strconv.ParseInt(n.String(), 10, 64)
				if err != nil || b < -128 || b > 255 || elements[i][0] == '"' {
					return nil, fmt.Errorf("byte %s", n)
				}
				h.Value = append(h.Value, byte(b))
			}
			out = append(out, h)
		}
	}
	return out, nil
}

type member struct {
	key   string
	value json.RawMessage
}

// members returns what an object has, in order and with duplicates.
func members(raw []byte) ([]member, error) {
	if !json.Valid(raw) {
		return nil, errors.New("invalid JSON")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, fmt.Errorf("no object: %v %v", open, err)
	}
	var all []member
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{key: key.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func null(raw json.RawMessage) bool { return string(raw) == "null" }

func text(raw json.RawMessage) (string, bool, error) {
	var s string
	err := json.Unmarshal(raw, &s)
	return s, !null(raw), err
}

func blob(raw json.RawMessage) ([]byte, error) {
	s, ok, err := text(raw)
	if err != nil || !ok {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(s)
}

func whole(raw json.RawMessage) (int64, bool, error) {
	if null(raw) {
		return 0, false, nil
	}
	if raw[0] == '"' {
		s, _, err := text(raw)
		if err != nil {
			return 0, false, err
		}
		n, err := strconv.ParseInt(s, 10, 64)
		return n, true, err
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return n, true, err
}
