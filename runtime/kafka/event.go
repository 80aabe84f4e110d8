package kafka

import (
	"fmt"
	"time"
)

// Event is what a Kafka trigger hands to a function: some records of one or more partitions.
type Event struct {
	// Source says what kind of cluster sent it: "aws:kafka" for a managed one, "SelfManagedKafka" or
	// "aws:SelfManagedKafka" otherwise.
	Source string
	// Arn names a managed cluster; empty for any other.
	Arn string
	// Bootstrap is the comma-separated list of broker addresses.
	Bootstrap string
	// Batches are in the order of the event.
	Batches []Batch
}

// Len returns the number of records in all batches.
func (e *Event) Len() int {
	n := 0
	for i := range e.Batches {
		n += len(e.Batches[i].Messages)
	}
	return n
}

// Batch is a run of records of one partition.
type Batch struct {
	// ID is the key under which the event lists the records, for example "orders-3". It is what a partial answer has
	// to repeat; see [Response.Fail]. Several batches may share an ID.
	ID string
	// Topic and Partition come from the records themselves.
	Topic     string
	Partition int32
	// Messages are in the order of the event, which is the order of their offsets.
	Messages []Message
}

// Message is one record of an event.
//
// Key, Value and the header values are never written again once decoded: they may be kept and handed on as they are,
// also after the next Decode. The Headers slice itself belongs to the [Decoder].
type Message struct {
	// Offset of the record in its partition.
	Offset int64
	// Timestamp in milliseconds since 1970, or -1 if the record has none.
	Timestamp int64
	// Key and Value are nil where Kafka has null, and empty but not nil where Kafka has no bytes.
	Key, Value []byte
	// Headers are in order, and names may repeat.
	Headers []Header
	// TimestampType says who set Timestamp.
	TimestampType TimestampType
}

// Time returns the timestamp as a time, or the zero time if the record has none.
func (m *Message) Time() time.Time {
	if m.Timestamp < 0 {
		return time.Time{}
	}
	return time.UnixMilli(m.Timestamp)
}

// Header is one header of a record. A nil Value is Kafka's null.
type Header struct {
	Key   string
	Value []byte
}

// TimestampType says who set a record's timestamp. Its values are Kafka's own.
type TimestampType int8

// The timestamp types Kafka knows.
const (
	NoTimestampType TimestampType = iota - 1
	CreateTime
	LogAppendTime
)

// String returns the name Kafka gives to t.
func (t TimestampType) String() string {
	switch t {
	case CreateTime:
		return "CREATE_TIME"
	case LogAppendTime:
		return "LOG_APPEND_TIME"
	default:
		return "NO_TIMESTAMP_TYPE"
	}
}

// Decode reads a trigger's event with a decoder of its own. See [Decoder.Decode].
func Decode(payload []byte) (Event, error) {
	var d Decoder
	return d.Decode(payload)
}

// Decoder reads trigger events, one after the other. The zero value is ready to use; it is not safe for concurrent use.
//
// What may be kept: all strings, and all byte slices, which are fresh for every event. What may not: the slices of
// batches, messages and headers, which the next Decode fills again.
type Decoder struct {
	scan scanner

	batches  []Batch
	spans    []int // spans[i] is where the messages of batch i begin
	messages []Message
	headers  []Header
	usedHdrs int    // headers[:usedHdrs] belong to messages of this event
	arena    []byte // the free rest of the piece of memory the byte slices are cut from
	names    map[string]string
}

const (
	// arenaPiece is the most that is set aside at a time for decoded bytes. It bounds what an event of many small
	// records with much text around them wastes.
	arenaPiece = 512 << 10
	// maxNames bounds the table of topic and header names kept between events.
	maxNames = 1024
)

// Decode reads one event. Nothing in the result refers to payload. A field that is absent is the same as null;
// fields nobody knows are skipped, whatever their value.
//
// Malformed events are errors that name the place: "decoding trigger event: record 3 of orders-0: byte 812: …".
func (d *Decoder) Decode(payload []byte) (Event, error) {
	d.reset(payload)
	e, err := d.event()
	if err != nil {
		return Event{}, fmt.Errorf("decoding trigger event: %w", err)
	}
	return e, nil
}

func (d *Decoder) reset(payload []byte) {
	d.scan.data, d.scan.pos = payload, 0
	// Forget the last event's bytes now, or two events would be held in memory while this one is worked on.
	clear(d.batches)
	clear(d.messages)
	clear(d.headers[:d.usedHdrs])
	d.batches, d.spans, d.messages = d.batches[:0], d.spans[:0], d.messages[:0]
	d.usedHdrs, d.arena = 0, nil
	if len(d.names) > maxNames {
		clear(d.names)
	}
	if d.names == nil {
		d.names = make(map[string]string, 8)
	}
}

func (d *Decoder) event() (Event, error) {
	s := &d.scan
	var e Event
	found := false
	err := s.object(func(key []byte) error {
		var err error
		switch string(key) {
		case "eventSource":
			e.Source, _, err = d.text()
		case "eventSourceArn":
			e.Arn, _, err = d.text()
		case "bootstrapServers":
			e.Bootstrap, _, err = d.text()
		case "records":
			found, err = d.partitions(found)
		default:
			err = s.skip()
		}
		return err
	})
	if err != nil {
		return Event{}, err
	}
	s.space()
	if s.pos < len(s.data) {
		return Event{}, s.unexpected("nothing more after the event")
	}
	if !found {
		// Without this a control message taken for an event would be a success that did nothing.
		return Event{}, fmt.Errorf("there is no object named records")
	}

	d.spans = append(d.spans, len(d.messages))
	for i := range d.batches {
		d.batches[i].Messages = d.messages[d.spans[i]:d.spans[i+1]:d.spans[i+1]]
	}
	e.Batches = d.batches
	return e, nil
}

// partitions reads the object of all records. It returns whether there was one.
func (d *Decoder) partitions(found bool) (bool, error) {
	if d.scan.null() {
		return found, nil
	}
	err := d.scan.object(func(key []byte) error {
		return d.partition(d.intern(d.scan.valid(key)))
	})
	return true, err
}

// partition reads the array of records listed under id.
func (d *Decoder) partition(id string) error {
	if d.scan.null() {
		return nil
	}
	open := false
	n := 0
	return d.scan.array(func() error {
		topic, partition, err := d.record()
		if err != nil {
			return fmt.Errorf("record %d of %s: %w", n, id, err)
		}
		n++
		// A record's own coordinates count. They agree with the key in all events seen, but nothing promises it.
		if last := len(d.batches) - 1; !open || d.batches[last].Partition != partition || d.batches[last].Topic != topic {
			d.batches = append(d.batches, Batch{ID: id, Topic: topic, Partition: partition})
			d.spans = append(d.spans, len(d.messages)-1)
			open = true
		}
		return nil
	})
}

// record reads one record into the next message.
func (d *Decoder) record() (topic string, partition int32, err error) {
	s := &d.scan
	d.messages = append(d.messages, Message{Timestamp: -1})
	m := &d.messages[len(d.messages)-1]
	var hasTopic, hasPartition, hasOffset, hasType bool
	var number int64

	err = s.object(func(key []byte) error {
		var err error
		var ok bool
		switch string(key) {
		case "topic":
			topic, hasTopic, err = d.text()
		case "partition":
			number, hasPartition, err = s.integer("partition", 0, 1<<31-1)
			partition = int32(number)
		case "offset":
			m.Offset, hasOffset, err = s.integer("offset", 0, 1<<63-1)
		case "timestamp":
			if number, ok, err = s.integer("timestamp", -1<<63, 1<<63-1); ok {
				m.Timestamp = number
			} else {
				m.Timestamp = -1
			}
		case "timestampType":
			hasType, err = d.timestampType(m)
		case "key":
			m.Key, err = d.base64("key")
		case "value":
			m.Value, err = d.base64("value")
		case "headers":
			m.Headers, err = d.headerList()
		default:
			err = s.skip()
		}
		return err
	})
	switch {
	case err != nil:
	case !hasTopic:
		err = fmt.Errorf("byte %d: the record has no topic", s.pos)
	case !hasPartition:
		err = fmt.Errorf("byte %d: the record has no partition", s.pos)
	case !hasOffset:
		err = fmt.Errorf("byte %d: the record has no offset", s.pos)
	case !hasType && m.Timestamp < 0:
		m.TimestampType = NoTimestampType
	}
	return topic, partition, err
}

func (d *Decoder) timestampType(m *Message) (bool, error) {
	s := &d.scan
	if s.null() {
		m.TimestampType = CreateTime
		return false, nil
	}
	name, err := s.str()
	if err != nil {
		return false, err
	}
	switch string(name) {
	case "CREATE_TIME":
		m.TimestampType = CreateTime
	case "LOG_APPEND_TIME":
		m.TimestampType = LogAppendTime
	default:
		m.TimestampType = NoTimestampType
	}
	return true, nil
}

// text reads a string or null, and says whether it was a string.
func (d *Decoder) text() (string, bool, error) {
	if d.scan.null() {
		return "", false, nil
	}
	b, err := d.scan.str()
	if err != nil {
		return "", false, err
	}
	return d.intern(d.scan.valid(b)), true, nil
}

// intern returns b as a string that is allocated the first time only.
func (d *Decoder) intern(b []byte) string {
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	s := string(b)
	d.names[s] = s
	return s
}

// headerList reads the array of headers: objects of a name and the signed bytes of its value.
func (d *Decoder) headerList() ([]Header, error) {
	s := &d.scan
	if s.null() {
		return nil, nil
	}
	start := d.usedHdrs
	err := s.array(func() error {
		return s.object(func(key []byte) error {
			name := d.intern(s.valid(key))
			value, err := d.signedBytes(name)
			if err != nil {
				return err
			}
			start = d.addHeader(start, Header{Key: name, Value: value})
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	if start == d.usedHdrs {
		return nil, nil
	}
	return d.headers[start:d.usedHdrs:d.usedHdrs], nil
}

// addHeader appends h to the headers from start on and returns where they start now.
func (d *Decoder) addHeader(start int, h Header) int {
	if d.usedHdrs == len(d.headers) {
		// The full slice stays with the records that have it; only this record's headers move over.
		grown := make([]Header, max(64, 2*len(d.headers)))
		n := copy(grown, d.headers[start:d.usedHdrs])
		d.headers, start, d.usedHdrs = grown, 0, n
	}
	d.headers[d.usedHdrs] = h
	d.usedHdrs++
	return start
}

// alloc returns n bytes of the arena without taking them; take does.
func (d *Decoder) alloc(n int) []byte {
	if n > len(d.arena) {
		// All that is still to come cannot decode to more than three quarters of its text.
		rest := (len(d.scan.data) - d.scan.pos) / 4 * 3
		d.arena = make([]byte, max(n, min(arenaPiece, rest)))
	}
	return d.arena[:n]
}

// take takes the first n bytes of the arena for good.
func (d *Decoder) take(n int) []byte {
	if n == 0 {
		return []byte{}
	}
	b := d.arena[:n:n]
	d.arena = d.arena[n:]
	return b
}
