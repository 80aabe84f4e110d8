package kafka

import (
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/segmentio/asm/base64"
)

// MaxEventSize is the most bytes a trigger sends in one event.
const MaxEventSize = 6 << 20

// Encoder builds an event the way a trigger does, record by record, and knows its exact size while it does so. The
// zero value builds an event without a source; it is not safe for concurrent use.
type Encoder struct {
	// Source, Arn and Bootstrap become the fields of [Event] with these names. An empty Arn is left out.
	Source, Arn, Bootstrap string
	// Limit is the most bytes the event may have. Defaults to MaxEventSize.
	Limit int

	buf       []byte
	count     int
	topic     string
	partition int32
	head      []byte // with which every record of the partition begins
}

// Add appends a record and says whether it did: if the event would grow beyond the limit, nothing is added. Records of
// one partition have to be added one after the other. A first record that does not fit will never fit.
func (e *Encoder) Add(topic string, partition int32, m *Message) bool {
	limit := e.Limit
	if limit == 0 {
		limit = MaxEventSize
	}
	before := len(e.buf)
	if before == 0 {
		e.begin()
	}
	switch {
	case e.count == 0:
		e.beginPartition(topic, partition)
	case topic != e.topic || partition != e.partition:
		e.buf = append(e.buf, `],`...)
		e.beginPartition(topic, partition)
	default:
		e.buf = append(e.buf, ',')
	}
	e.buf = appendMessage(append(e.buf, e.head...), m)
	if len(e.buf)+len(eventEnd) > limit {
		e.buf = e.buf[:before]
		e.setHead(e.topic, e.partition) // that of another partition may have taken its place
		return false
	}
	e.count++
	e.topic, e.partition = topic, partition
	return true
}

// Len returns the number of records added.
func (e *Encoder) Len() int { return e.count }

// Size returns how many bytes Bytes would return.
func (e *Encoder) Size() int {
	if e.count == 0 {
		return len(e.Bytes())
	}
	return len(e.buf) + len(eventEnd)
}

// eventEnd closes the list of a partition, the object of all of them, and the event.
const eventEnd = "]}}"

// Bytes returns the event. It is valid until the next Add or Reset.
func (e *Encoder) Bytes() []byte {
	if e.count == 0 {
		e.begin()
		empty := append(e.buf, "}}"...) //nolint:gocritic // the buffer itself stays empty
		e.buf = e.buf[:0]
		return empty
	}
	return append(e.buf, eventEnd...)
}

// Reset makes e empty again and keeps its memory and its settings.
func (e *Encoder) Reset() {
	e.buf, e.count, e.topic, e.partition = e.buf[:0], 0, "", 0
}

func (e *Encoder) begin() {
	e.buf = append(e.buf[:0], `{"eventSource":`...)
	e.buf = appendString(e.buf, e.Source)
	if e.Arn != "" {
		e.buf = append(e.buf, `,"eventSourceArn":`...)
		e.buf = appendString(e.buf, e.Arn)
	}
	e.buf = append(e.buf, `,"bootstrapServers":`...)
	e.buf = appendString(e.buf, e.Bootstrap)
	e.buf = append(e.buf, `,"records":{`...)
}

func (e *Encoder) beginPartition(topic string, partition int32) {
	e.buf = appendString(e.buf, BatchID(topic, partition))
	e.buf = append(e.buf, ":["...)
	e.setHead(topic, partition)
}

func (e *Encoder) setHead(topic string, partition int32) {
	e.head = appendString(append(e.head[:0], `{"topic":`...), topic)
	e.head = strconv.AppendInt(append(e.head, `,"partition":`...), int64(partition), 10)
	e.head = append(e.head, `,"offset":`...)
}

// BatchID returns the key under which an event lists the records of a partition.
func BatchID(topic string, partition int32) string {
	return topic + "-" + strconv.Itoa(int(partition))
}

// AppendEvent appends the JSON of e to dst, without a limit. Batches that follow each other and have the same topic and
// partition become one; otherwise no partition may occur twice.
func AppendEvent(dst []byte, e *Event) []byte {
	enc := Encoder{Source: e.Source, Arn: e.Arn, Bootstrap: e.Bootstrap, Limit: math.MaxInt}
	for i := range e.Batches {
		b := &e.Batches[i]
		for j := range b.Messages {
			enc.Add(b.Topic, b.Partition, &b.Messages[j])
		}
	}
	return append(dst, enc.Bytes()...)
}

// appendMessage appends the rest of a record, from its offset on. As the real trigger does, it leaves out a key or value
// that is null.
func appendMessage(dst []byte, m *Message) []byte {
	dst = strconv.AppendInt(dst, m.Offset, 10)
	dst = append(dst, `,"timestamp":`...)
	dst = strconv.AppendInt(dst, m.Timestamp, 10)
	dst = append(dst, `,"timestampType":"`...)
	dst = append(dst, m.TimestampType.String()...)
	dst = append(dst, '"')
	if m.Key != nil {
		dst = appendBase64(append(dst, `,"key":`...), m.Key)
	}
	if m.Value != nil {
		dst = appendBase64(append(dst, `,"value":`...), m.Value)
	}
	dst = append(dst, `,"headers":[`...)
	for i := range m.Headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendHeader(dst, &m.Headers[i])
	}
	return append(dst, `]}`...)
}

func appendHeader(dst []byte, h *Header) []byte {
	dst = append(dst, '{')
	dst = appendString(dst, h.Key)
	if h.Value == nil {
		return append(dst, `:null}`...)
	}
	dst = append(dst, `:[`...)
	for i, b := range h.Value {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, int64(int8(b)), 10)
	}
	return append(dst, `]}`...)
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	n := base64.StdEncoding.EncodedLen(len(b))
	dst = grow(dst, n)
	base64.StdEncoding.Encode(dst[len(dst):len(dst)+n], b)
	return append(dst[:len(dst)+n], '"')
}

// grow makes room for n more bytes, and for what usually follows a value.
func grow(dst []byte, n int) []byte {
	if cap(dst)-len(dst) >= n {
		return dst
	}
	grown := make([]byte, len(dst), 2*cap(dst)+n+256)
	copy(grown, dst)
	return grown
}

// appendString appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', digits[r>>4], digits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
