package connect

import (
	"context"

	"github.com/sluice-connect/sluice/runtime/config"
)

// Converter turns values into the bytes of a Kafka key or value and back. It is used by one task at a time.
type Converter interface {
	config.Definer
	// Encode returns the bytes of d, nil for a tombstone. The result is immutable and may share memory with d.
	Encode(ctx context.Context, topic string, d Datum) ([]byte, error)
	// Decode reads bytes, nil for a tombstone. The result may share memory with b.
	Decode(ctx context.Context, topic string, b []byte) (Datum, error)
}

// HeadedConverter is a Converter that may keep a part of what it writes in a header of the record, such as the number of a
// schema. The runtime calls these methods in place of those of Converter.
type HeadedConverter interface {
	// HeaderName is the name of that header. Transforms and sinks see it like any other.
	HeaderName() string
	// EncodeHeaded is Encode. header is the value of the header to add; nil adds none.
	EncodeHeaded(ctx context.Context, topic string, d Datum) (b, header []byte, err error)
	// DecodeHeaded is Decode. header is the value of the record's last header of that name, nil if there is none.
	DecodeHeaded(ctx context.Context, topic string, b, header []byte) (Datum, error)
}

// HeaderConverter turns values into the bytes of a Kafka header and back.
type HeaderConverter interface {
	config.Definer
	EncodeHeader(ctx context.Context, topic, header string, d Datum) ([]byte, error)
	DecodeHeader(ctx context.Context, topic, header string, b []byte) (Datum, error)
}

// Transform changes records one at a time.
type Transform interface {
	config.Definer
	// Apply changes r in place. keep false drops the record and ends the chain.
	Apply(r *Record) (keep bool, err error)
}

// Predicate tells records apart, to say which ones a transform is for.
type Predicate interface {
	config.Definer
	Match(r *Record) (bool, error)
}

// Plugin describes a converter, header converter, transform or predicate.
type Plugin[P any] struct {
	// Class is the full Java class name that configurations name.
	Class string
	// Doc says in a sentence what it does.
	Doc string
	// New returns a fresh one. It does nothing else.
	New func() P
	// InFull tells that it goes by its full name only, because its simple name is another vendor's.
	InFull bool
}
