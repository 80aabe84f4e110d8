package avro

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// decoders makes the decoders of one schema: of what was written with w, read as r, which translates to s. A nil s skips.
type decoders struct {
	*Options
	made   map[decoderKey]*decoder
	values *toConnect
}

type decoderKey struct {
	w, r *Schema
	s    *schema.Schema
}

func (c *decoders) of(w, r *Schema, s *schema.Schema) (*decoder, error) {
	key := decoderKey{w, r, s}
	if d, ok := c.made[key]; ok {
		return d, nil
	}
	d := &decoder{wire: w.Type, connect: s}
	c.made[key] = d
	if s == nil {
		return d, c.skip(d, w)
	}
	if w.Type == Union {
		for i, b := range w.Branches {
			member, err := c.branch(b, r, s, i, w == r)
			if err != nil {
				return nil, err
			}
			d.branches = append(d.branches, member)
		}
		return d, nil
	}
	return d, c.match(d, w, r, s)
}

// branch reads the i-th branch of a written union. same tells that it is read as the same union.
func (c *decoders) branch(b, r *Schema, s *schema.Schema, i int, same bool) (*decoder, error) {
	d := &decoder{wire: b.Type, connect: s}
	if r.Type != Union {
		return d, c.match(d, b, r, s)
	}
	if !same {
		i = bestBranch(b, r)
	}
	return d, c.into(d, b, r, i, s)
}

// match makes d read w, which is no union, as r.
func (c *decoders) match(d *decoder, w, r *Schema, s *schema.Schema) error {
	if r.Type == Union {
		return c.into(d, w, r, bestBranch(w, r), s)
	}
	return c.plain(d, w, r, s)
}

// into makes d read w as the i-th branch of the union r.
func (c *decoders) into(d *decoder, w, r *Schema, i int, s *schema.Schema) error {
	if i < 0 {
		d.err = mismatch(w, r)
		return nil
	}
	b := r.Branches[i]
	if b.Type == Null {
		d.wire = Null
		return nil
	}
	if c.only(r) != nil {
		return c.plain(d, w, b, s)
	}
	field := i
	if n := nullAt(r); n >= 0 && n < i {
		field--
	}
	d.wrap, d.field = s, field
	if c.GeneralizedSums {
		// Java numbers the branches when it makes the fields and the fields when it fills them.
		d.named = "connect_union_field_" + strconv.Itoa(field)
	}
	d.connect = s.Fields[field].Schema
	return c.plain(d, w, b, d.connect)
}

func mismatch(w, r *Schema) error {
	return &FormError{"org.apache.avro.AvroTypeException", fmt.Sprintf("Found %s, expecting %s", w.FullName(), r.FullName())}
}

// bestBranch is the branch of r as which w is read: its own type, or else the first that it can become.
func bestBranch(w, r *Schema) int {
	if i := r.branch(w.FullName()); i >= 0 {
		return i
	}
	for i, b := range r.Branches {
		if b.Type == w.Type && (!b.Type.isNamed() || named(w, b)) || promotes(w.Type, b.Type) {
			return i
		}
	}
	return -1
}

func promotes(w, r Type) bool {
	switch w {
	case Int:
		return r == Long || r == Float || r == Double
	case Long:
		return r == Float || r == Double
	case Float:
		return r == Double
	case String:
		return r == Bytes
	case Bytes:
		return r == String
	default:
		return false
	}
}

// named tells whether two named types are the same, whatever their namespaces, or one is an alias of the other.
func named(w, r *Schema) bool {
	if w.Name == r.Name {
		return true
	}
	for _, alias := range r.Aliases {
		if _, name := splitName(alias); name == w.Name {
			return true
		}
	}
	return false
}

// plain makes d read w as r when neither is a union.
func (c *decoders) plain(d *decoder, w, r *Schema, s *schema.Schema) error {
	switch s.Name {
	case schema.DecimalName, schema.DateName, schema.TimeName, schema.TimestampName:
		d.logical = true
	}
	d.target = r.Type
	if w.Type != r.Type && !promotes(w.Type, r.Type) || w != r && w.Type.isNamed() && !named(w, r) {
		d.err = mismatch(w, r)
		return nil
	}
	switch w.Type {
	case Fixed:
		if d.size = w.Size; w.Size != r.Size {
			d.err = mismatch(w, r)
		}
	case Enum:
		c.enum(d, w, r)
	case Array, Map:
		return c.collection(d, w, r, s)
	case Record:
		return c.record(d, w, r, s)
	default:
	}
	return nil
}

func (c *decoders) enum(d *decoder, w, r *Schema) {
	d.symbols = make([]any, len(w.Symbols))
	for i, symbol := range w.Symbols {
		if w == r {
			d.symbols[i] = symbol
			continue
		}
		if r.EnumDefault != "" {
			d.symbols[i] = r.EnumDefault
		}
		for _, known := range r.Symbols {
			if known == symbol {
				d.symbols[i] = symbol
			}
		}
	}
}

func (c *decoders) collection(d *decoder, w, r *Schema, s *schema.Schema) (err error) {
	if w.Type == Array && s.Type == schema.MapType {
		return c.entries(d, w, r, s)
	}
	d.empty = w.Type == Array && takesNothing(w.Items, nil)
	d.items, err = c.of(w.Items, r.Items, s.Value)
	return err
}

// entries makes d read a map whose keys are no texts.
func (c *decoders) entries(d *decoder, w, r *Schema, s *schema.Schema) (err error) {
	wk, at := w.Items.Field("key")
	wv, _ := w.Items.Field("value")
	rk, _ := r.Items.Field("key")
	rv, _ := r.Items.Field("value")
	if wk == nil || wv == nil || len(w.Items.Fields) != 2 {
		d.err = mismatch(w, r)
		return nil
	}
	d.swapped = at == 1
	d.empty = takesNothing(w.Items, nil)
	if d.key, err = c.of(wk.Type, rk.Type, s.Key); err != nil {
		return err
	}
	d.items, err = c.of(wv.Type, rv.Type, s.Value)
	return err
}

func (c *decoders) record(d *decoder, w, r *Schema, s *schema.Schema) error {
	for i := range w.Fields {
		wf := &w.Fields[i]
		rf, at := readerField(wf.Name, r)
		field := decoderField{index: -1}
		var err error
		if rf == nil {
			field.decoder, err = c.of(wf.Type, wf.Type, nil)
		} else {
			field.index = at
			field.decoder, err = c.of(wf.Type, rf.Type, s.Fields[at].Schema)
		}
		if err != nil {
			return err
		}
		d.fields = append(d.fields, field)
	}
	if w == r {
		return nil
	}
	for i := range r.Fields {
		if written(d.fields, i) {
			continue
		}
		rf := &r.Fields[i]
		if !rf.HasDefault {
			d.err = &FormError{"org.apache.avro.AvroTypeException", fmt.Sprintf("Found %s, expecting %s, missing required field %s", w.FullName(), r.FullName(), rf.Name)}
			return nil
		}
		v, err := c.values.partDefault(s.Fields[i].Schema, rf.Type, rf.Default)
		if err != nil {
			return err
		}
		d.defaults = append(d.defaults, fieldDefault{i, v})
	}
	return nil
}

// readerField is the field of r as which a written field is read: by its name or an alias.
func readerField(name string, r *Schema) (*Field, int) {
	if f, i := r.Field(name); f != nil {
		return f, i
	}
	for i := range r.Fields {
		if slices.Contains(r.Fields[i].Aliases, name) {
			return &r.Fields[i], i
		}
	}
	return nil, -1
}

func written(fields []decoderField, index int) bool {
	for _, f := range fields {
		if f.index == index {
			return true
		}
	}
	return false
}

// skip makes d read w and forget it.
func (c *decoders) skip(d *decoder, w *Schema) (err error) {
	d.target = w.Type
	switch w.Type {
	case Fixed:
		d.size = w.Size
	case Enum:
		d.symbols = make([]any, len(w.Symbols))
	case Array, Map:
		d.empty = w.Type == Array && takesNothing(w.Items, nil)
		d.items, err = c.of(w.Items, w.Items, nil)
	case Union:
		for _, b := range w.Branches {
			member, err := c.of(b, b, nil)
			if err != nil {
				return err
			}
			d.branches = append(d.branches, member)
		}
	case Record:
		for i := range w.Fields {
			field, err := c.of(w.Fields[i].Type, w.Fields[i].Type, nil)
			if err != nil {
				return err
			}
			d.fields = append(d.fields, decoderField{-1, field})
		}
	default:
	}
	return err
}

// takesNothing tells whether a value may take no bytes at all. around are the records around it.
func takesNothing(s *Schema, around []*Schema) bool {
	switch s.Type {
	case Null:
		return true
	case Fixed:
		return s.Size == 0
	case Record:
		if slices.Contains(around, s) {
			return true // nothing but itself
		}
		around = append(around, s)
		for i := range s.Fields {
			if !takesNothing(s.Fields[i].Type, around) {
				return false
			}
		}
		return true
	default:
		return false
	}
}
