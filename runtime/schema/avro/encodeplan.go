package avro

import (
	"fmt"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// encoders makes the encoders of one schema. Like Java, it goes two steps at once: what the value becomes under the Avro
// schema that the Connect schema translates to, own, and how that is written with another one, w.
type encoders struct {
	*Options
	made map[encoderKey]*encoder
}

type encoderKey struct {
	connect *schema.Schema
	own, w  *Schema
}

// of returns the encoder for values of s. own and w may be unions.
func (c *encoders) of(s *schema.Schema, own, w *Schema) *encoder {
	key := encoderKey{s, own, w}
	if e, ok := c.made[key]; ok {
		return e
	}
	e := &encoder{connect: s}
	c.made[key] = e
	if s == nil {
		c.anything(e, w)
		return e
	}
	e.optional = s.Optional
	e.plain = c.NullsOverDefaults && s.Optional
	c.null(e, w)
	if c.isUnion(s) {
		e.step = writeUnion
		c.branches(e, s, own, w)
		return e
	}
	if own.Type == Union {
		own = own.Branches[(nullAt(own)+1)%2]
	}
	c.choose(e, own, w)
	return e
}

func nullAt(u *Schema) int {
	for i, b := range u.Branches {
		if b.Type == Null {
			return i
		}
	}
	return -1
}

func (c *encoders) anything(e *encoder, w *Schema) {
	e.step = writeAnything
	if !c.isAnything(w) {
		e.step, e.err = fail, unwritable("data without a schema", w)
		e.connect = &schema.Schema{}
	}
}

func unwritable(what string, w *Schema) error {
	return &FormError{"java.lang.ClassCastException", fmt.Sprintf("%s cannot be cast to expected type %s", what, w.FullName())}
}

// null says how nil is written.
func (c *encoders) null(e *encoder, w *Schema) {
	switch {
	case w.Type == Null:
	case w.Type == Union && nullAt(w) >= 0:
		e.null = appendLong(nil, int64(nullAt(w)))
	default:
		e.nullErr = &FormError{"java.lang.NullPointerException", "null value for (non-nullable) " + w.FullName()}
	}
}

func (c *encoders) branches(e *encoder, s *schema.Schema, own, w *Schema) {
	shift := 0
	if s.Optional {
		shift = 1 // null comes first
	}
	for i, f := range s.Fields {
		branch := own.Branches[i+shift]
		field := &encoder{connect: f.Schema, optional: true}
		c.null(field, w)
		c.choose(field, branch, w)
		e.fields = append(e.fields, encoderField{i, field})
	}
}

// choose says how a value that is a datum of own, no union, is written with w.
func (c *encoders) choose(e *encoder, own, w *Schema) {
	if w.Type == Union {
		i := w.branch(own.FullName())
		if i < 0 {
			e.err = &FormError{"org.apache.avro.UnresolvedUnionException", fmt.Sprintf("Not in union %s: %s", w, own.FullName())}
			return
		}
		e.prefix = appendLong(nil, int64(i))
		w = w.Branches[i]
	}
	s := e.connect
	switch s.Name {
	case schema.DecimalName, schema.DateName, schema.TimeName, schema.TimestampName:
		e.logical = true
	}
	switch own.Type {
	case Int, Long, Float, Double:
		e.number = w.Type
		if w.Type == Int || w.Type == Long || w.Type == Float || w.Type == Double {
			e.step = numberStep(s.Type)
		}
	case Array, Map:
		c.collection(e, own, w)
	case Record:
		if w.Type == Record {
			c.record(e, own, w)
		}
	default:
		if own.Type == w.Type {
			c.scalar(e, w)
		}
	}
	if e.step == fail {
		e.err = unwritable("a value of "+own.FullName(), w)
	}
}

func numberStep(t schema.Type) step {
	switch t {
	case schema.Int8:
		return writeInt8
	case schema.Int16:
		return writeInt16
	case schema.Int32:
		return writeInt32
	case schema.Int64:
		return writeInt64
	case schema.Float32:
		return writeFloat32
	case schema.Float64:
		return writeFloat64
	default:
		return fail
	}
}

func (c *encoders) scalar(e *encoder, w *Schema) {
	switch w.Type {
	case Boolean:
		e.step = writeBool
	case String:
		e.step = writeString
	case Bytes:
		e.step = writeBytes
	case Fixed:
		e.step, e.size = writeFixed, w.Size
	case Enum:
		e.step, e.symbols = writeEnum, make(map[string]int, len(w.Symbols))
		for i, symbol := range w.Symbols {
			e.symbols[symbol] = i
		}
	default:
	}
}

func (c *encoders) collection(e *encoder, own, w *Schema) {
	s := e.connect
	switch {
	case own.Type != w.Type:
	case s.Type == schema.Array:
		e.step = writeArray
		e.items = c.of(s.Value, own.Items, w.Items)
	case own.Type == Map:
		e.step = writeMap
		e.items = c.of(s.Value, own.Items, w.Items)
	case w.Items.Type == Record && len(w.Items.Fields) == 2:
		e.step = writeEntries
		e.key = c.of(s.Key, own.Items.Fields[0].Type, w.Items.Fields[0].Type)
		e.items = c.of(s.Value, own.Items.Fields[1].Type, w.Items.Fields[1].Type)
	}
}

// record writes fields by their place, as Java does: the names may differ.
func (c *encoders) record(e *encoder, own, w *Schema) {
	e.step = writeStruct
	for i := range w.Fields {
		if i >= len(own.Fields) {
			e.missing = &FormError{
				Class:   "java.lang.ArrayIndexOutOfBoundsException",
				Message: "Index " + strconv.Itoa(i) + " out of bounds for length " + strconv.Itoa(len(own.Fields)),
			}
			return
		}
		e.fields = append(e.fields, encoderField{i, c.of(e.connect.Fields[i].Schema, own.Fields[i].Type, w.Fields[i].Type)})
	}
}
