package registry

import (
	"context"
	"errors"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
	"github.com/sluice-connect/sluice/runtime/schema/protobuf"
)

// format is a way to write values with a schema: what the converters differ in.
type format interface {
	// translate returns the schema that a Connect schema translates to, and the full name of the record that it is, "" if it is
	// none.
	translate(s *schema.Schema) (own Schema, record string, err error)
	// record is that name for a schema that was found. b are the bytes that were written with it.
	record(found Registered, b []byte) (string, error)
	// encoder writes values of s with the schema that was found; nil is the one that s translates to.
	encoder(s *schema.Schema, found *Registered) (encoder, error)
	// decoder reads what was written with one schema as another.
	decoder(written, as Registered) (decoder, error)
	// check tells why values of s cannot be read with a schema that was found.
	check(s *schema.Schema, found Registered) error
}

type encoder interface {
	AppendMessage(dst []byte, v any) ([]byte, error)
}

type decoder interface {
	decode(b []byte) (connect.Datum, error)
}

// isForm tells whether an error is one of a format's bytes, which Java's serializers wrap. Others are those of the mapping.
func isForm(err error) bool {
	_, isAvro := errors.AsType[*avro.FormError](err)
	_, isProtobuf := errors.AsType[*protobuf.FormError](err)
	_, isJSON := errors.AsType[invalidError](err)
	return isAvro || isProtobuf || isJSON
}

// converter is what the converters share: it knows the schemas of topics, and frames what their formats write. The zero
// converter is to be made ready first.
type converter struct {
	words  words
	format format
	system system
	most   int // how many schemas are remembered for a topic

	writers map[string]*schema.Cache[*writer] // by topic
	readers map[readerKey]decoder

	lastTopic   string
	lastWriters *schema.Cache[*writer]
	lastRead    readerKey
	lastReader  decoder
}

// writer writes values of one schema to one topic.
type writer struct {
	framing
	encoder encoder
	size    int // of what was written last, with a margin
	skip    int // how many bytes of what is written stand in the header already
}

type readerKey struct {
	topic string
	schemaRef
}

// ready makes the converter ready to use a system with a format, for so many schemas of a topic.
func (c *converter) ready(w words, sys system, f format, most int) {
	c.words, c.system, c.format, c.most = w, sys, f, most
	c.writers, c.readers = map[string]*schema.Cache[*writer]{}, map[readerKey]decoder{}
}

// encode writes a value that is not nil.
func (c *converter) encode(ctx context.Context, topic string, d connect.Datum) (b, header []byte, err error) {
	w, err := c.writersOf(topic).Get(d.Schema, func() (*writer, error) { return c.writer(ctx, topic, d) })
	if err != nil {
		return nil, nil, err
	}
	b = append(make([]byte, 0, w.size), w.prefix...)
	if b, err = w.encoder.AppendMessage(b, d.Value); err != nil {
		return nil, nil, c.failed(topic, err)
	}
	w.size = max(len(b)+len(b)/8, w.size)
	if w.pack != nil {
		if b, err = w.pack(b, len(w.prefix)); err != nil {
			return nil, nil, err
		}
	}
	return b[w.skip:], w.header, nil
}

// failed leaves what is wrong with a value as it is, and makes of what the format has no place for what Java's serializer
// does.
func (c *converter) failed(topic string, err error) error {
	if isForm(err) {
		return c.words.encodeError(topic, c.words.encoding(), err)
	}
	return err
}

// mostTopics is for how many topics schemas are remembered.
const mostTopics = 1000

func (c *converter) writersOf(topic string) *schema.Cache[*writer] {
	if c.lastWriters != nil && c.lastTopic == topic {
		return c.lastWriters
	}
	known, ok := c.writers[topic]
	if !ok {
		if len(c.writers) >= mostTopics {
			clear(c.writers)
		}
		known = &schema.Cache[*writer]{Limit: c.most}
		c.writers[topic] = known
	}
	c.lastTopic, c.lastWriters = topic, known
	return known
}

// writer finds out how values of a schema are written. The value at hand is tried first: a schema is registered only for
// values that are of it.
func (c *converter) writer(ctx context.Context, topic string, d connect.Datum) (*writer, error) {
	own, record, err := c.format.translate(d.Schema)
	if err != nil {
		return nil, err
	}
	plain, err := c.format.encoder(d.Schema, nil)
	if err != nil {
		return nil, err
	}
	if _, err := plain.AppendMessage(nil, d.Value); err != nil && !isForm(err) {
		return nil, err
	}
	check := func(r Registered) error { return c.format.check(d.Schema, r) }
	r, frame, err := c.system.writing(ctx, topic, record, own, check)
	if err != nil {
		return nil, err
	}
	made := &writer{framing: frame, encoder: plain}
	if r.Text != own.Text {
		if made.encoder, err = c.format.encoder(d.Schema, &r); err != nil {
			return nil, c.words.encodeError(topic, c.words.encoding(), err)
		}
	}
	return made, made.split(c.words, d.Value)
}

// split moves what a format writes in front of every value to the header, if there is one.
func (w *writer) split(words words, v any) error {
	if !words.indexed || w.header == nil {
		return nil
	}
	b, err := w.encoder.AppendMessage(nil, v)
	if err == nil {
		w.skip, err = protobuf.Indexes(b)
	}
	if err != nil {
		return err
	}
	w.header = append(w.header, b[:w.skip]...)
	return nil
}

// decode reads bytes that are not nil. header is nil if there is none.
func (c *converter) decode(ctx context.Context, topic string, b, header []byte) (connect.Datum, error) {
	ref, body, err := c.system.unframe(topic, b, header)
	if err != nil {
		return connect.Datum{}, err
	}
	r, err := c.reader(ctx, readerKey{topic, ref}, body)
	if err != nil {
		return connect.Datum{}, err
	}
	d, err := r.decode(body)
	if err != nil {
		if isForm(err) {
			err = c.words.decodeError(topic, c.words.decoding(ref), err)
		}
		return connect.Datum{}, err
	}
	return d, nil
}

func (c *converter) reader(ctx context.Context, key readerKey, b []byte) (decoder, error) {
	if c.lastReader != nil && c.lastRead == key {
		return c.lastReader, nil
	}
	r, ok := c.readers[key]
	if !ok {
		var err error
		if r, err = c.makeReader(ctx, key, b); err != nil {
			return nil, err
		}
		if len(c.readers) >= max(c.most, 1) {
			clear(c.readers)
		}
		c.readers[key] = r
	}
	c.lastRead, c.lastReader = key, r
	return r, nil
}

func (c *converter) makeReader(ctx context.Context, key readerKey, b []byte) (decoder, error) {
	w := c.words
	found, err := c.system.reading(ctx, key.topic, key.schemaRef, func(r Registered) (string, error) { return c.format.record(r, b) })
	if err != nil {
		return nil, err
	}
	as := found.Registered
	if found.readAs != nil {
		version := as.Version
		as = *found.readAs
		if !w.newestVersion {
			as.Version = version
		}
	}
	d, err := c.format.decoder(found.Registered, as)
	if err != nil && isForm(err) {
		err = w.decodeError(key.topic, w.decoding(key.schemaRef), err)
	}
	return d, err
}
