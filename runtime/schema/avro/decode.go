package avro

import (
	"slices"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Decoder reads Avro's binary form as Connect values. It may be used by any number of goroutines.
type Decoder struct {
	// Schema is that of the values, nil for data without a schema.
	Schema *schema.Schema
	root   *decoder
}

// Decode reads one value and returns what follows it. Texts and bytes of the value share b's memory. A FormError says that
// the bytes are not what the Avro schema says, a schema.Error that the value is none of Schema.
func (d *Decoder) Decode(b []byte) (v any, rest []byte, err error) {
	r := reader{b: b}
	if v, err = d.root.read(&r); err != nil {
		return nil, nil, err
	}
	return v, b[r.at:], nil
}

// DecodeMessage reads what AppendMessage wrote. What follows a value is not looked at.
func (d *Decoder) DecodeMessage(b []byte) (any, error) {
	if d.root.wire == Bytes && d.root.target == Bytes {
		return d.root.finish(slices.Clip(b))
	}
	v, _, err := d.Decode(b)
	return v, err
}

// decoder reads the values of one place in a schema.
type decoder struct {
	wire    Type           // the type in the bytes
	connect *schema.Schema // nil: skip it
	target  Type           // the type it becomes in Avro's terms, where numbers and texts are promoted
	logical bool

	size     int
	symbols  []any // what each symbol of an enum becomes; nil is an unknown one
	items    *decoder
	key      *decoder // of a map that is an array of entries
	swapped  bool     // whose value comes first
	empty    bool     // an item may take no bytes
	branches []*decoder
	fields   []decoderField
	defaults []fieldDefault
	err      error // why there is no way to read a value

	// In a union that is a struct, the field that a branch is. With generalized sums it is found by its name.
	wrap  *schema.Schema
	field int
	named string
}

type decoderField struct {
	index int // in the struct, or -1
	*decoder
}

type fieldDefault struct {
	index int
	value any
}

func (d *decoder) read(r *reader) (any, error) {
	v, err := d.value(r)
	if err != nil || d.wrap == nil {
		return v, err
	}
	s := schema.NewStruct(d.wrap)
	if d.named == "" {
		s.SetAt(d.field, v)
		return s, nil
	}
	return s, s.Put(d.named, v)
}

func (d *decoder) value(r *reader) (any, error) {
	if d.err != nil {
		return nil, d.err
	}
	switch d.wire {
	case Null:
		return nil, nil
	case Boolean:
		return boxed(r.boolean())
	case Int:
		n, err := r.int()
		if err != nil {
			return nil, err
		}
		return d.number(int64(n))
	case Long:
		n, err := r.long()
		if err != nil {
			return nil, err
		}
		return d.number(n)
	case Float:
		f, err := r.float()
		if err != nil || d.target == Float {
			return boxed(f, err)
		}
		return float64(f), nil
	case Double:
		return boxed(r.double())
	case String, Bytes:
		return d.text(r)
	case Fixed:
		b, err := r.fixed(d.size)
		if err != nil {
			return nil, err
		}
		return d.finish(b)
	case Enum:
		return d.enum(r)
	case Union:
		i, err := r.long()
		if err != nil {
			return nil, err
		}
		if i < 0 || i >= int64(len(d.branches)) {
			return nil, outOfBounds(i, len(d.branches))
		}
		return d.branches[i].read(r)
	default:
		return d.collection(r)
	}
}

func boxed[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}

// number makes of an integer what it becomes. A skipped one becomes nothing.
func (d *decoder) number(n int64) (any, error) {
	if d.connect == nil {
		return nil, nil
	}
	switch d.target {
	case Long:
		if d.logical {
			return d.finish(n)
		}
		return n, nil
	case Float:
		return float32(n), nil
	case Double:
		return float64(n), nil
	default:
	}
	switch d.connect.Type {
	case schema.Int8:
		return d.finish(int8(n))
	case schema.Int16:
		return d.finish(int16(n))
	default:
		if d.logical {
			return d.finish(int32(n))
		}
		return int32(n), nil
	}
}

// finish turns a value of a logical type into what Connect has for it.
func (d *decoder) finish(v any) (any, error) {
	if !d.logical {
		return v, nil
	}
	return toLogical(d.connect, v)
}

func (d *decoder) text(r *reader) (any, error) {
	switch {
	case d.connect == nil:
		_, err := r.bytes()
		return nil, err
	case d.target == String:
		s, err := r.string()
		if err != nil {
			return nil, err
		}
		return d.finish(s)
	}
	b, err := r.bytes()
	if err != nil {
		return nil, err
	}
	return d.finish(b)
}

func (d *decoder) enum(r *reader) (any, error) {
	i, err := r.int()
	if err != nil {
		return nil, err
	}
	if i < 0 || int(i) >= len(d.symbols) {
		e := outOfBounds(int64(i), len(d.symbols))
		return nil, e
	}
	v := d.symbols[i]
	if v == nil && d.connect != nil {
		return nil, &FormError{"org.apache.avro.AvroTypeException", "No match for enum symbol"}
	}
	return v, nil
}

func (d *decoder) collection(r *reader) (any, error) {
	if err := r.enter(); err != nil {
		return nil, err
	}
	defer r.leave()
	switch {
	case d.wire == Record && d.target == Null:
		return r.anything()
	case d.wire == Record:
		return d.record(r)
	case d.connect == nil:
		return nil, d.skip(r)
	case d.wire == Array && d.key == nil:
		return d.array(r)
	}
	return d.mapping(r)
}

func (d *decoder) record(r *reader) (any, error) {
	if d.connect == nil {
		for i := range d.fields {
			if _, err := d.fields[i].read(r); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
	values := make([]any, len(d.connect.Fields))
	for i := range d.fields {
		f := &d.fields[i]
		v, err := f.read(r)
		if err != nil {
			return nil, err
		}
		if f.index >= 0 {
			values[f.index] = v
		}
	}
	for _, f := range d.defaults {
		values[f.index] = f.value
	}
	return schema.StructFrom(d.connect, values), nil
}

func (d *decoder) skip(r *reader) error {
	for {
		n, err := r.count(d.empty)
		if err != nil || n == 0 {
			return err
		}
		for range n {
			if d.wire == Map {
				if _, err := r.bytes(); err != nil {
					return err
				}
			}
			if _, err := d.items.read(r); err != nil {
				return err
			}
		}
	}
}

func (d *decoder) array(r *reader) (any, error) {
	var out []any
	for {
		n, err := r.count(d.empty)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			if out == nil {
				out = []any{}
			}
			return out, nil
		}
		if out == nil {
			out = make([]any, 0, n)
		}
		for range n {
			v, err := d.items.read(r)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
	}
}

// mapping reads a map, which is in Java's order.
func (d *decoder) mapping(r *reader) (any, error) {
	var out *schema.Map
	for {
		n, err := r.count(d.empty)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = schema.NewHashMap(int(n))
		}
		if n == 0 {
			return out, nil
		}
		for range n {
			k, v, err := d.entry(r)
			if err != nil {
				return nil, err
			}
			out.Set(k, v)
		}
	}
}

func (d *decoder) entry(r *reader) (k, v any, err error) {
	switch {
	case d.key == nil:
		if k, err = r.string(); err != nil {
			return nil, nil, err
		}
		v, err = d.items.read(r)
	case d.swapped:
		if v, err = d.items.read(r); err != nil {
			return nil, nil, err
		}
		k, err = d.key.read(r)
	default:
		if k, err = d.key.read(r); err != nil {
			return nil, nil, err
		}
		v, err = d.items.read(r)
	}
	return k, v, err
}
