package corpus

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Datum decodes {schema, value}; null is the zero Datum.
func Datum(raw json.RawMessage) (connect.Datum, error) {
	if isNull(raw) {
		return connect.Datum{}, nil
	}
	var d struct{ Schema, Value json.RawMessage }
	if err := json.Unmarshal(raw, &d); err != nil {
		return connect.Datum{}, fmt.Errorf("decoding a datum: %w", err)
	}
	return datum(d.Schema, d.Value)
}

func datum(rawSchema, rawValue json.RawMessage) (connect.Datum, error) {
	s, err := Schema(rawSchema)
	if err != nil {
		return connect.Datum{}, err
	}
	v, err := Value(rawValue, s)
	return connect.Datum{Schema: s, Value: v}, err
}

// Bytes decodes raw bytes; null is nil, and no bytes are an empty slice.
func Bytes(raw json.RawMessage) ([]byte, error) {
	if isNull(raw) {
		return nil, nil
	}
	var b struct {
		UTF8   *string `json:"utf8"`
		Base64 []byte  `json:"base64"`
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("decoding bytes: %w", err)
	}
	if b.UTF8 != nil {
		return []byte(*b.UTF8), nil
	}
	return append([]byte{}, b.Base64...), nil
}

// Schema decodes a schema; null is nil. Structs may contain themselves.
func Schema(raw json.RawMessage) (*schema.Schema, error) { return (&schemas{}).decode(raw) }

// schemas decodes one schema.
type schemas struct{ open []*openStruct }

// openStruct is a struct whose fields are being decoded, with the places in it that stand for it.
type openStruct struct {
	name string
	refs []*schema.Schema
}

func (d *schemas) decode(raw json.RawMessage) (*schema.Schema, error) {
	if isNull(raw) {
		return nil, nil
	}
	var in struct {
		Type            string
		Name, Doc       *string
		Optional, Ref   bool
		Version         *int32
		Params, Default json.RawMessage
		Key, Value      json.RawMessage
		Fields          []struct {
			Name   string
			Schema json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("decoding a schema: %w", err)
	}
	t, ok := typeOf(in.Type)
	if !ok {
		return nil, fmt.Errorf("decoding a schema: unknown type %q", in.Type)
	}
	if !in.Ref {
		d.open = append(d.open, &openStruct{})
		if in.Name != nil {
			d.open[len(d.open)-1].name = *in.Name
		}
	}
	fields := make([]schema.Field, 0, len(in.Fields))
	for _, f := range in.Fields {
		fs, err := d.decode(f.Schema)
		if err != nil {
			return nil, err
		}
		fields = append(fields, schema.F(f.Name, fs))
	}
	s := schema.StructOf(fields)
	s.Type, s.Optional, s.Version = t, in.Optional, in.Version
	if in.Name != nil {
		schema.Named(*in.Name)(s)
	}
	if in.Doc != nil {
		schema.Documented(*in.Doc)(s)
	}
	var err error
	if s.Params, err = params(in.Params); err != nil {
		return nil, err
	}
	if in.Ref {
		return s, d.refer(s)
	}
	if s.Key, err = d.decode(in.Key); err != nil {
		return nil, err
	}
	if s.Value, err = d.decode(in.Value); err != nil {
		return nil, err
	}
	d.close(s)
	s.Default, err = Value(in.Default, s)
	return s, err
}

// refer notes that s stands for the struct of its name around it.
func (d *schemas) refer(s *schema.Schema) error {
	for _, o := range slices.Backward(d.open) {
		if o.name == s.Name {
			o.refs = append(o.refs, s)
			return nil
		}
	}
	return fmt.Errorf("decoding a schema: no struct %q is around its reference", s.Name)
}

// close gives what stands for s its fields.
func (d *schemas) close(s *schema.Schema) {
	last := len(d.open) - 1
	for _, ref := range d.open[last].refs {
		own := *ref
		*ref = *s
		ref.Optional, ref.Version, ref.Params, ref.Doc = own.Optional, own.Version, own.Params, own.Doc
	}
	d.open = d.open[:last]
}

func typeOf(name string) (schema.Type, bool) {
	for t := schema.Int8; t <= schema.StructType; t++ {
		if strings.EqualFold(t.String(), name) {
			return t, true
		}
	}
	return schema.Invalid, false
}

// params keeps the order, which Connect does as well.
func params(raw json.RawMessage) ([]schema.Param, error) {
	names, values, err := members(raw)
	if err != nil {
		return nil, fmt.Errorf("decoding schema parameters: %w", err)
	}
	var all []schema.Param
	for i, name := range names {
		var text string
		if err := json.Unmarshal(values[i], &text); err != nil {
			return nil, fmt.Errorf("decoding the schema parameter %s: %w", name, err)
		}
		all = append(all, schema.Param{Name: name, Value: text})
	}
	return all, nil
}

// members are an object's members in order; none for null.
func members(raw json.RawMessage) (names []string, values []json.RawMessage, err error) {
	if isNull(raw) {
		return nil, nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, nil, err
		}
		text, _ := name.(string)
		names, values = append(names, text), append(values, v)
	}
	return names, values, nil
}

// Value decodes a value; s is the schema around it, which structs take when they bring none of their own. Nothing and
// {"null": true} are nil. Values of the kinds password and class are strings.
func Value(raw json.RawMessage, s *schema.Schema) (any, error) {
	names, values, err := members(raw)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	own := s
	at := 0
	for i, name := range names {
		if name == "schema" {
			if own, err = Schema(values[i]); err != nil {
				return nil, err
			}
		} else {
			at = i
		}
	}
	v, err := value(names[at], values[at], own)
	if err != nil {
		return nil, fmt.Errorf("decoding a value of kind %s: %w", names[at], err)
	}
	return v, nil
}

func value(kind string, raw json.RawMessage, s *schema.Schema) (any, error) {
	switch kind {
	case "null":
		return nil, nil
	case "boolean":
		var b bool
		err := json.Unmarshal(raw, &b)
		return b, err
	case "bytes":
		b := []byte{}
		err := json.Unmarshal(raw, &b)
		return b, err
	case "array":
		return array(raw, s)
	case "map":
		return entries(raw, s)
	case "struct":
		return structOf(raw, s)
	case "int8", "int16", "int32":
		return scalar(kind, string(raw))
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, err
	}
	return scalar(kind, text)
}

func scalar(kind, text string) (any, error) {
	switch kind {
	case "string", "password", "class":
		return text, nil
	case "int8":
		n, err := strconv.ParseInt(text, 10, 8)
		return int8(n), err
	case "int16":
		n, err := strconv.ParseInt(text, 10, 16)
		return int16(n), err
	case "int32":
		n, err := strconv.ParseInt(text, 10, 32)
		return int32(n), err
	case "int64":
		return strconv.ParseInt(text, 10, 64)
	case "float32":
		f, err := strconv.ParseFloat(text, 32)
		return float32(f), err
	case "float64":
		return strconv.ParseFloat(text, 64)
	case "decimal":
		return schema.ParseDecimal(text)
	case "bigint":
		n, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return nil, errors.New("no integer: " + text)
		}
		return n, nil
	case "date":
		ms, err := strconv.ParseInt(text, 10, 64)
		return schema.Instant(ms), err
	case "utf16":
		return units(text)
	}
	return nil, errors.New("unknown kind")
}

// units reads UTF-16 units in hex. An unpaired surrogate becomes a question mark, which is this project's rule for them.
func units(text string) (any, error) {
	var all []uint16
	for hex := range strings.FieldsSeq(text) {
		u, err := strconv.ParseUint(hex, 16, 16)
		if err != nil {
			return nil, err
		}
		all = append(all, uint16(u))
	}
	return strings.ReplaceAll(string(utf16.Decode(all)), "\ufffd", "?"), nil
}

func array(raw json.RawMessage, s *schema.Schema) (any, error) {
	var in []json.RawMessage
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	out := make([]any, len(in))
	for i := range in {
		var err error
		if out[i], err = Value(in[i], part(s, false)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func entries(raw json.RawMessage, s *schema.Schema) (any, error) {
	var in [][2]json.RawMessage
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	out := schema.NewMap(len(in))
	for _, e := range in {
		k, err := Value(e[0], part(s, true))
		if err != nil {
			return nil, err
		}
		v, err := Value(e[1], part(s, false))
		if err != nil {
			return nil, err
		}
		out.Set(k, v)
	}
	return out, nil
}

func structOf(raw json.RawMessage, s *schema.Schema) (any, error) {
	if s == nil || s.Type != schema.StructType {
		return nil, errors.New("there is no struct schema around")
	}
	names, values, err := members(raw)
	if err != nil {
		return nil, err
	}
	out := schema.NewStruct(s)
	for i, name := range names {
		f := s.Field(name)
		if f == nil {
			return nil, fmt.Errorf("the schema has no field %q", name)
		}
		v, err := Value(values[i], f.Schema)
		if err != nil {
			return nil, err
		}
		out.SetAt(f.Index, v)
	}
	return out, nil
}

func part(s *schema.Schema, key bool) *schema.Schema {
	switch {
	case s == nil:
		return nil
	case key:
		return s.Key
	}
	return s.Value
}

func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || string(bytes.TrimSpace(raw)) == "null"
}
