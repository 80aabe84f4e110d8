package avro

import (
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Data translates between Connect and Avro and remembers what it has translated. It is used by one goroutine at a time;
// what it returns may be used by many.
type Data struct {
	options Options
	written schema.Cache[*Encoder]
	avro    schema.Cache[*Schema]
	read    map[readKey]*Decoder
}

type readKey struct {
	w, r    *Schema
	version int32
}

// New returns a Data with these options.
func New(o Options) *Data {
	d := &Data{options: o, read: map[readKey]*Decoder{}}
	d.written.Limit, d.avro.Limit = o.CacheSize, o.CacheSize
	return d
}

// FromConnect is the Avro schema of a Connect schema; that of data without a schema is a record that holds anything. The
// same or an equal schema gives the same pointer as long as the cache holds it.
func (d *Data) FromConnect(s *schema.Schema) (*Schema, error) {
	return d.avro.Get(s, func() (*Schema, error) { return (&fromConnect{Options: &d.options}).schema(s) })
}

// ToConnect is the Connect schema of an Avro schema, nil if that holds anything. version is the one the schema has in its
// registry; nil means it has none.
func (d *Data) ToConnect(a *Schema, version *int32) (*schema.Schema, error) {
	if d.options.isAnything(a) {
		return nil, nil
	}
	return (&toConnect{Options: &d.options}).schema(a, place{version: version})
}

// Encoder writes values of s with the Avro schema w, or with the one that s translates to when w is nil.
func (d *Data) Encoder(s *schema.Schema, w *Schema) (*Encoder, error) {
	own, err := d.FromConnect(s)
	if err != nil {
		return nil, err
	}
	if w != nil && w != own {
		return d.encoder(s, own, w), nil
	}
	return d.written.Get(s, func() (*Encoder, error) { return d.encoder(s, own, own), nil })
}

func (d *Data) encoder(s *schema.Schema, own, w *Schema) *Encoder {
	c := encoders{Options: &d.options, made: map[encoderKey]*encoder{}}
	return &Encoder{c.of(s, own, w)}
}

// Decoder reads what was written with w as r; a nil r is w. version is that of ToConnect.
func (d *Data) Decoder(w, r *Schema, version *int32) (*Decoder, error) {
	if r == nil {
		r = w
	}
	key := readKey{w: w, r: r, version: -1}
	if version != nil {
		key.version = *version
	}
	if known, ok := d.read[key]; ok {
		return known, nil
	}
	made, err := d.decoder(w, r, version)
	if err != nil {
		return nil, err
	}
	if len(d.read) >= max(d.options.CacheSize, 1) {
		clear(d.read)
	}
	d.read[key] = made
	return made, nil
}

func (d *Data) decoder(w, r *Schema, version *int32) (*Decoder, error) {
	if w.Type == Null {
		return &Decoder{root: &decoder{wire: Null}}, nil // there is no value to have a schema
	}
	s, err := d.ToConnect(r, version)
	if err != nil {
		return nil, err
	}
	if s == nil {
		if w != r && !d.options.isAnything(w) {
			return &Decoder{root: &decoder{wire: w.Type, err: mismatch(w, r)}}, nil
		}
		return &Decoder{root: &decoder{wire: Record, target: Null}}, nil
	}
	c := decoders{Options: &d.options, made: map[decoderKey]*decoder{}, values: &toConnect{Options: &d.options}}
	root, err := c.of(w, r, s)
	return &Decoder{s, root}, err
}
