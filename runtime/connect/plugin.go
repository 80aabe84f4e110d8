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
}
