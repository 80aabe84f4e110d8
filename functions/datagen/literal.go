package datagen

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// textBytes says what the bytes of a text are that stands for bytes.
type textBytes bool

const (
	utf8   textBytes = false // in options
	latin1 textBytes = true  // in defaults, as Avro has it: one byte a character
)

func (t textBytes) of(s string) []byte {
	if t == utf8 {
		return []byte(s)
	}
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = append(b, byte(r))
	}
	return b
}

// literal turns a JSON value that stands for one of the type a into a Connect value of the schema s, which is a.shape().
func (a *avro) literal(v any, s *schema.Schema, text textBytes) (any, error) {
	switch a.kind {
	case "union":
		return a.unionLiteral(v, s, text)
	case "null":
		if v == nil {
			return nil, nil
		}
	case "boolean":
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case "int", "long", "float", "double":
		if n, ok := v.(json.Number); ok {
			return a.number(n)
		}
	case "string":
		if t, ok := v.(string); ok {
			return t, nil
		}
	case "enum":
		if t, ok := v.(string); ok && slices.Contains(a.symbols, t) {
			return t, nil
		}
	case "bytes", "fixed":
		if t, ok := v.(string); ok {
			return a.bytes(text.of(t))
		}
	case "array":
		if list, ok := v.([]any); ok {
			return a.arrayLiteral(list, s, text)
		}
	case "map":
		if o, ok := v.(map[string]any); ok {
			return a.mapLiteral(o, s, text)
		}
	case "record":
		if o, ok := v.(map[string]any); ok {
			return a.recordLiteral(o, s, text)
		}
	}
	shown, err := json.Marshal(v)
	if err != nil {
		shown = []byte(fmt.Sprint(v))
	}
	return nil, fmt.Errorf("%s is not a value of type %s", shown, a.branchName())
}

// number reads a number, logical types included.
func (a *avro) number(n json.Number) (any, error) {
	switch a.kind {
	case "float", "double":
		f, err := n.Float64()
		if err != nil {
			return nil, fmt.Errorf("%s is out of range", n)
		}
		if a.kind == "float" {
			return float32(f), nil
		}
		return f, nil
	}
	i, err := n.Int64()
	if err != nil || a.kind == "int" && i != int64(int32(i)) {
		return nil, fmt.Errorf("%s is not a value of type %s", n, a.kind)
	}
	return a.integer(i), nil
}

// integer makes the Connect value of an int or a long.
func (a *avro) integer(i int64) any {
	switch a.logicalKind() {
	case "date":
		return time.Unix(i*24*60*60, 0).UTC()
	case "time-millis", "timestamp-millis":
		return time.UnixMilli(i).UTC()
	}
	if a.kind == "int" {
		return int32(i)
	}
	return i
}

// bytes makes the Connect value of a bytes or a fixed. It takes over b.
func (a *avro) bytes(b []byte) (any, error) {
	if a.kind == "fixed" && len(b) != a.size {
		return nil, fmt.Errorf("type %s has %d bytes, not %d", a.name, a.size, len(b))
	}
	if a.logicalKind() == "decimal" {
		n := new(big.Int).SetBytes(b)
		if len(b) > 0 && b[0] >= 0x80 { // two's complement
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		return schema.Decimal{Unscaled: n, Scale: int32(a.scale)}, nil
	}
	return b, nil
}

func (a *avro) arrayLiteral(list []any, s *schema.Schema, text textBytes) (any, error) {
	out := make([]any, len(list))
	for i, v := range list {
		var err error
		if out[i], err = a.items.literal(v, s.Value, text); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *avro) mapLiteral(o map[string]any, s *schema.Schema, text textBytes) (any, error) {
	out := schema.NewMap(len(o))
	for _, k := range slices.Sorted(maps.Keys(o)) {
		v, err := a.items.literal(o[k], s.Value, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		out.Set(k, v)
	}
	return out, nil
}

func (a *avro) recordLiteral(o map[string]any, s *schema.Schema, text textBytes) (any, error) {
	out := schema.NewStruct(s)
	for i, f := range a.fields {
		v, given := o[f.name]
		how := text
		if !given {
			if !f.hasDefault {
				return nil, fmt.Errorf("field %s has neither value nor default", f.name)
			}
			v, how = f.def, latin1
		}
		value, err := f.typ.literal(v, s.Fields[i].Schema, how)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.name, err)
		}
		out.SetAt(i, value)
	}
	return out, nil
}

// unionLiteral takes the first branch that fits, or, as in Avro's JSON, the one named by the only member of an object.
func (a *avro) unionLiteral(v any, s *schema.Schema, text textBytes) (any, error) {
	if o, ok := v.(map[string]any); ok && len(o) == 1 {
		for name, inner := range o {
			for _, b := range a.branches {
				if name != b.branchName() && name != b.fullName() {
					continue
				}
				if value, err := b.literal(inner, a.branchShape(b, s), text); err == nil {
					return a.choose(b, value, s), nil
				}
			}
		}
	}
	for _, b := range a.branches {
		if value, err := b.literal(v, a.branchShape(b, s), text); err == nil {
			return a.choose(b, value, s), nil
		}
	}
	return nil, fmt.Errorf("%v is of no type of the union", v)
}

// branchShape is the schema of a branch within that of the union.
func (a *avro) branchShape(b *avro, s *schema.Schema) *schema.Schema {
	if _, only := a.optional(); only != nil {
		return s
	}
	if f := s.Field(b.branchName()); f != nil {
		return f.Schema
	}
	return nil // null's
}

// choose makes the Connect value of a union of the value of one of its branches.
func (a *avro) choose(b *avro, value any, s *schema.Schema) any {
	if _, only := a.optional(); only != nil || b.kind == "null" {
		return value
	}
	out := schema.NewStruct(s)
	out.SetAt(s.Field(b.branchName()).Index, value)
	return out
}
