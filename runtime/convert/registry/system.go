package registry

import "context"

// system is a kind of registry and the way in which serializers use it: how they find a schema there, and how a record
// names it. Its errors are those of the converter.
type system interface {
	// writing returns the schema to write values of own with, and what names it in a record. record is the full name of the
	// record that own is, "" if it is none; check tells why a schema that was not just registered cannot read what is written.
	writing(ctx context.Context, topic, record string, own Schema, check func(Registered) error) (Registered, framing, error)
	// unframe finds out which schema a record names, and what is left to read. header is nil if there is none.
	unframe(topic string, b, header []byte) (schemaRef, []byte, error)
	// reading returns the schema that a record names. record gives the full name of the record that a schema is.
	reading(ctx context.Context, topic string, ref schemaRef, record func(Registered) (string, error)) (foundSchema, error)
}

// framing is what names a schema in a record: bytes before the value, or a header.
type framing struct {
	prefix, header []byte
	// pack changes what stands behind the prefix, which is the first at bytes of b. nil leaves it.
	pack func(b []byte, at int) ([]byte, error)
}

// foundSchema is the schema that a record was written with.
type foundSchema struct {
	Registered
	readAs *Registered // the schema to read it as, if that is another one
}
