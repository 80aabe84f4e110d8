package convert

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// jsonWriter writes Connect values as JSON.
type jsonWriter struct {
	replaceNull bool
	numeric     bool // decimals as numbers
	limit       int  // of plans

	scratch []byte
	depth   int
	plans   map[*schema.Schema]*plan
	last    *plan // the one used last
}

// document writes one value, in an envelope or bare.
func (w *jsonWriter) document(s *schema.Schema, v any, envelope bool) ([]byte, error) {
	w.depth = 0
	p := w.planOf(s)
	dst := w.scratch[:0]
	var err error
	if envelope {
		w.depth = 1
		if dst, err = w.head(dst, p); err != nil {
			return nil, err
		}
	}
	if v == nil && s == nil {
		dst = append(dst, "null"...)
	} else {
		dst, err = w.value(dst, p, v)
	}
	if err != nil {
		return nil, err
	}
	if envelope {
		dst = append(dst, '}')
	}
	w.scratch = dst
	return append(make([]byte, 0, len(dst)), dst...), nil
}

// head writes the envelope up to the payload.
func (w *jsonWriter) head(dst []byte, p *plan) ([]byte, error) {
	if p == nil {
		return append(dst, `{"schema":null,"payload":`...), nil
	}
	if p.head == nil {
		text, err := w.schema([]byte(`{"schema":`), p, nil)
		if err != nil {
			return nil, err
		}
		text = append(text, `,"payload":`...)
		p.head = text
	}
	return append(dst, p.head...), nil
}

// value writes v. A nil plan stands for schemaless data.
func (w *jsonWriter) value(dst []byte, p *plan, v any) ([]byte, error) {
	if v == nil {
		switch {
		case p == nil:
			return append(dst, "null"...), nil
		case p.schema.Default != nil && w.replaceNull:
			return w.value(dst, p, p.schema.Default)
		case p.schema.Optional:
			return append(dst, "null"...), nil
		}
		return nil, schema.Errorf("Conversion error: null value for field that is required and has no default value")
	}
	if p == nil {
		return w.free(dst, v)
	}
	if p.logical != "" {
		return w.logical(dst, p, v)
	}
	if dst, ok := scalar(dst, p.schema.Type, v); ok {
		return dst, nil
	}
	switch v := v.(type) {
	case []any:
		if p.schema.Type == schema.Array {
			return w.array(dst, p.value, v)
		}
	case *schema.Map:
		if p.schema.Type == schema.MapType {
			return w.mapped(dst, p.key, p.value, v, p.schema.Key != nil && p.schema.Key.Type == schema.String)
		}
	case *schema.Struct:
		if p.schema.Type == schema.StructType {
			return w.structOf(dst, p, v)
		}
	}
	if p.schema.Type == schema.Bytes {
		return nil, schema.Errorf("Invalid type for bytes type: class %s", schema.JavaClass(v))
	}
	return nil, schema.Errorf("Invalid type for %s: class %s", p.schema.Type, schema.JavaClass(v))
}

// scalar writes a value without parts when it is of the type.
func scalar(dst []byte, t schema.Type, v any) ([]byte, bool) {
	switch v := v.(type) {
	case string:
		if t == schema.String {
			return appendString(dst, v), true
		}
	case int64:
		if t == schema.Int64 {
			return strconv.AppendInt(dst, v, 10), true
		}
	case int32:
		if t == schema.Int32 {
			return strconv.AppendInt(dst, int64(v), 10), true
		}
	case float64:
		if t == schema.Float64 {
			return appendNumber(dst, v, v), true
		}
	case bool:
		if t == schema.Boolean {
			return strconv.AppendBool(dst, v), true
		}
	case float32:
		if t == schema.Float32 {
			return appendNumber(dst, float64(v), v), true
		}
	case int16:
		if t == schema.Int16 {
			return strconv.AppendInt(dst, int64(v), 10), true
		}
	case int8:
		if t == schema.Int8 {
			return strconv.AppendInt(dst, int64(v), 10), true
		}
	case []byte:
		if t == schema.Bytes {
			return appendBase64(dst, v), true
		}
	}
	return dst, false
}

// appendNumber puts what is no number in quotes.
func appendNumber[F float32 | float64](dst []byte, f float64, v F) []byte {
	quote := f != f || math.IsInf(f, 0)
	if quote {
		dst = append(dst, '"')
	}
	switch v := any(v).(type) {
	case float32:
		dst = schema.AppendFloat32(dst, v)
	case float64:
		dst = schema.AppendFloat64(dst, v)
	}
	if quote {
		dst = append(dst, '"')
	}
	return dst
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

// free writes a value without a schema.
func (w *jsonWriter) free(dst []byte, v any) ([]byte, error) {
	if dst, ok := scalar(dst, schema.TypeOf(v), v); ok {
		return dst, nil
	}
	switch v := v.(type) {
	case []any:
		return w.array(dst, nil, v)
	case *schema.Map:
		allStrings := true
		for k := range v.All() {
			if _, ok := k.(string); !ok {
				allStrings = false
				break
			}
		}
		return w.mapped(dst, nil, nil, v, allStrings)
	case *schema.Struct:
		return nil, schema.Errorf("Mismatching schema.") // Connect compares it to the one that is not there
	}
	return nil, schema.Errorf("Java class class %s does not have corresponding schema type.", schema.JavaClass(v))
}

// deeper counts nesting, which Connect's writer limits as its reader does.
func (w *jsonWriter) deeper() error {
	if w.depth++; w.depth > maxDepth {
		return schema.NewError(schema.DataException, "Converting Kafka Connect data to byte[] failed due to serialization error: ",
			errors.New("values are nested too deep"))
	}
	return nil
}

func (w *jsonWriter) array(dst []byte, element *plan, v []any) ([]byte, error) {
	if err := w.deeper(); err != nil {
		return nil, err
	}
	dst = append(dst, '[')
	for i, e := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = w.value(dst, element, e); err != nil {
			return nil, err
		}
	}
	w.depth--
	return append(dst, ']'), nil
}

// mapped writes an object when all keys are to be strings, and else an array of pairs.
func (w *jsonWriter) mapped(dst []byte, key, value *plan, v *schema.Map, object bool) ([]byte, error) {
	if err := w.deeper(); err != nil {
		return nil, err
	}
	open, end, between := byte('['), byte(']'), byte(',')
	if object {
		if _, ok := v.Get(nil); ok {
			return w.withNullKey(dst, key, value, v)
		}
		open, end, between = '{', '}', ':'
	}
	dst = append(dst, open)
	first := true
	for k, e := range v.All() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if !object {
			dst = append(dst, '[')
		}
		var err error
		if dst, err = w.value(dst, key, k); err != nil {
			return nil, err
		}
		dst = append(dst, between)
		if dst, err = w.value(dst, value, e); err != nil {
			return nil, err
		}
		if !object {
			dst = append(dst, ']')
		}
	}
	w.depth--
	return append(dst, end), nil
}

// withNullKey writes an object of a map that has a null key. Its name, null or the default of the key's schema, may be
// that of another member as well: then the later value takes the earlier one's place, as in Jackson's objects.
func (w *jsonWriter) withNullKey(dst []byte, key, value *plan, v *schema.Map) ([]byte, error) {
	type member struct{ name, value []byte }
	members := make([]member, 0, v.Len())
	for k, e := range v.All() {
		name, err := w.value(nil, key, k)
		if err != nil {
			return nil, err
		}
		if name[0] != '"' {
			name = appendString(nil, string(name))
		}
		text, err := w.value(nil, value, e)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(members, func(m member) bool { return bytes.Equal(m.name, name) })
		if i < 0 {
			i, members = len(members), append(members, member{name: name})
		}
		members[i].value = text
	}
	w.depth--
	for i, m := range members {
		between := byte('{')
		if i > 0 {
			between = ','
		}
		dst = append(append(append(append(dst, between), m.name...), ':'), m.value...)
	}
	return append(dst, '}'), nil
}

func (w *jsonWriter) structOf(dst []byte, p *plan, v *schema.Struct) ([]byte, error) {
	if v.Schema() != p.schema && !v.Schema().Equal(p.schema) {
		return nil, schema.Errorf("Mismatching schema.")
	}
	if err := w.deeper(); err != nil {
		return nil, err
	}
	for i := range p.fields {
		f := &p.fields[i]
		dst = append(dst, f.key...)
		var err error
		if dst, err = w.value(dst, f.plan, v.Raw(i)); err != nil {
			return nil, err
		}
	}
	w.depth--
	if len(p.fields) == 0 {
		dst = append(dst, '{')
	}
	return append(dst, '}'), nil
}

func (w *jsonWriter) logical(dst []byte, p *plan, v any) ([]byte, error) {
	if p.logical == schema.DecimalName {
		return w.decimal(dst, p.schema, v)
	}
	t, ok := v.(time.Time)
	if !ok {
		name := p.logical[len("org.apache.kafka.connect.data."):]
		return nil, schema.Errorf("Invalid type for %s, expected Date but was class %s", name, schema.JavaClass(v))
	}
	var n int64
	switch p.logical {
	case schema.DateName:
		days, err := schema.DateToDays(t)
		if err != nil {
			return nil, err
		}
		n = int64(days)
	case schema.TimeName:
		ms, err := schema.TimeToMillis(t)
		if err != nil {
			return nil, err
		}
		n = int64(ms)
	default:
		n = schema.EpochMillis(t)
	}
	return strconv.AppendInt(dst, n, 10), nil
}

func (w *jsonWriter) decimal(dst []byte, s *schema.Schema, v any) ([]byte, error) {
	d, ok := v.(schema.Decimal)
	if !ok {
		return nil, schema.Errorf("Invalid type for Decimal, expected BigDecimal but was class %s", schema.JavaClass(v))
	}
	if w.numeric {
		return d.AppendText(dst), nil
	}
	b, err := schema.DecimalToBytes(s, d)
	if err != nil {
		return nil, err
	}
	return appendBase64(dst, b), nil
}
