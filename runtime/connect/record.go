package connect

import (
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// AnyPartition lets the producer's partitioner choose.
const AnyPartition int32 = -1

// Record is one message on its way between an outside system and Kafka, in either direction.
type Record struct {
	// Topic is the Kafka topic. A source sets it; transforms may change it.
	Topic string
	// Partition is the Kafka partition. A source that does not care sets AnyPartition.
	Partition int32
	// Key and Value are the data. The zero Datum is null; a null Value is a tombstone.
	Key, Value Datum
	// Headers keep their order; names may repeat.
	Headers []Header
	// Time is the record's timestamp; the zero Time means it has none, and Kafka's clock is taken.
	Time time.Time
	// Source says where a source's record came from. Sinks leave it alone.
	Source Source
	// Kafka says where a sink's record was in Kafka, before any transform. Sources leave it alone.
	Kafka Kafka
}

// Datum is a value with its schema. A nil Schema means schemaless data.
type Datum struct {
	Schema *schema.Schema
	Value  any
}

// IsNull tells whether the datum has neither schema nor value.
func (d Datum) IsNull() bool { return d.Schema == nil && d.Value == nil }

// Header is one header of a record.
type Header struct {
	Key   string
	Value Datum
}

// Source is what the runtime needs to resume a source after this record.
type Source struct {
	// Partition is the part of the outside system that the record belongs to. Order is kept within it.
	Partition Partition
	// Position is where to go on after this record. The zero Position means this is no place to resume from; the
	// next one that has a Position covers it.
	Position Position
}

// Kafka is where a sink's record was read from.
type Kafka struct {
	Topic     string
	Partition int32
	Offset    int64
	TimeType  TimeType
}

// TimeType says who set a Kafka record's timestamp.
type TimeType uint8

// The kinds of timestamps.
const (
	NoTime TimeType = iota
	CreateTime
	LogAppendTime
)

// String is Kafka's name of the kind.
func (t TimeType) String() string {
	switch t {
	case CreateTime:
		return "CreateTime"
	case LogAppendTime:
		return "LogAppendTime"
	case NoTime:
	}
	return "NoTimestampType"
}
