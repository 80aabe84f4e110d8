package convert

import (
	"math"
	"math/big"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// jsonReader makes Connect values of the nodes of one document.
type jsonReader struct {
	scan        scanner
	known       envelopes
	replaceNull bool
	// apart has the rules of the converter whose schema is in a registry, nil for others.
	apart *JSONValues

	names   [256]string // names met lately, so that each is allocated once
	places  []uint32    // a stack: where the fields of the structs being read are
	suspect bool        // a nil came out that its schema does not allow, so values must be validated
}

// none stands for a node that is not there.
const none = math.MaxUint32

func (r *jsonReader) root() uint32 {
	if len(r.scan.nodes) == 0 {
		return none
	}
	return 0
}

func (r *jsonReader) kind(i uint32) kind {
	if i == none {
		return missing
	}
	return r.scan.nodes[i].kind
}

// text is a node's text, without the quotes of a string.
func (r *jsonReader) text(i uint32) []byte {
	n := &r.scan.nodes[i]
	return r.scan.text[n.start:n.end]
}

// string is the value of a string node.
func (r *jsonReader) string(i uint32) string {
	if r.scan.nodes[i].plain {
		return stringOf(r.text(i))
	}
	return unescape(r.text(i))
}

// name is the value of a string node that is a member's name. It shares no memory with the document.
func (r *jsonReader) name(i uint32) string {
	if !r.scan.nodes[i].plain {
		return unescape(r.text(i))
	}
	text := r.text(i)
	if len(text) == 0 {
		return ""
	}
	slot := &r.names[(uint8(len(text))*31+text[0]*7+text[len(text)-1]*13+text[len(text)/2])&255]
	if *slot != string(text) {
		*slot = string(text)
	}
	return *slot
}

// get returns the last member of that name, or none.
func (r *jsonReader) get(object uint32, name string) uint32 {
	if r.kind(object) != objectNode {
		return none
	}
	found := uint32(none)
	for i, end := object+1, r.scan.nodes[object].next; i < end; i = r.scan.nodes[i+1].next {
		if n := &r.scan.nodes[i]; n.plain && string(r.text(i)) == name || !n.plain && unescape(r.text(i)) == name {
			found = i + 1
		}
	}
	return found
}

// value makes a value of node i by Connect's rules; a nil schema takes what JSON has.
func (r *jsonReader) value(s *schema.Schema, i uint32) (any, error) {
	if s == nil {
		return r.free(i), nil
	}
	k := r.kind(i)
	if k == missing && i == none || k == nullNode {
		if s.Default != nil && r.replaceNull {
			return s.Default, nil
		}
		if r.apart != nil && k == missing && !s.Optional && (!r.apart.Glue || i == none) {
			r.suspect = true
			return nil, nil
		}
		if s.Optional {
			return nil, nil
		}
		return nil, schema.Errorf("Invalid null value for required %s field", s.Type)
	}
	if s.Name != "" {
		if v, ok, err := r.logical(s, i); ok {
			return v, err
		}
	}
	v, err := r.physical(s, i)
	if v == nil && err == nil && !s.Optional {
		r.suspect = true
	}
	return v, err
}

func (r *jsonReader) physical(s *schema.Schema, i uint32) (any, error) {
	switch s.Type {
	case schema.Boolean:
		return r.kind(i) == trueNode, nil
	case schema.Int8:
		return int8(r.integer(i)), nil // Java cuts it off as well
	case schema.Int16:
		return int16(r.integer(i)), nil // Java cuts it off as well
	case schema.Int32:
		return int32(r.integer(i)), nil // Java cuts it off as well
	case schema.Int64:
		return r.integer(i), nil
	case schema.Float32:
		return float32(r.float(i, 32)), nil
	case schema.Float64:
		return r.float(i, 64), nil
	case schema.String:
		if r.kind(i) == stringNode {
			return r.string(i), nil
		}
		return nil, nil
	case schema.Bytes:
		return r.bytes(i)
	case schema.Array:
		return r.array(s, i)
	case schema.MapType:
		return r.mapped(s, i)
	case schema.StructType:
		return r.structOf(s, i)
	case schema.Invalid:
	}
	return nil, schema.Errorf("Unknown schema type: %s", s.Type)
}

// free makes a value without a schema.
func (r *jsonReader) free(i uint32) any {
	switch r.kind(i) {
	case falseNode:
		return false
	case trueNode:
		return true
	case intNode:
		return r.integer(i)
	case realNode:
		return r.float(i, 64)
	case stringNode:
		return r.string(i)
	case arrayNode:
		out := make([]any, 0, r.scan.nodes[i].count)
		for e, end := i+1, r.scan.nodes[i].next; e < end; e = r.scan.nodes[e].next {
			out = append(out, r.free(e))
		}
		return out
	case objectNode:
		out := schema.NewHashMap(0)
		out.Reserve(int(r.scan.nodes[i].count))
		for e, end := i+1, r.scan.nodes[i].next; e < end; e = r.scan.nodes[e+1].next {
			out.Set(r.name(e), r.free(e+1))
		}
		return out
	case missing, nullNode, schemaNode:
	}
	return nil
}

// integer is the number cut off to 64 bits as Java does, and 0 for what is no number.
func (r *jsonReader) integer(i uint32) int64 {
	switch r.kind(i) {
	case intNode:
		text := r.text(i)
		if len(text) > 18 {
			return bigInteger(text)
		}
		n, negative := int64(0), text[0] == '-'
		if negative {
			text = text[1:]
		}
		for _, c := range text {
			n = n*10 + int64(c-'0')
		}
		if negative {
			return -n
		}
		return n
	case realNode:
		d, err := schema.ParseDecimal(string(r.text(i)))
		if err != nil {
			return 0 // the scanner has checked it
		}
		return truncate(d)
	default:
		return 0
	}
}

func bigInteger(text []byte) int64 {
	if n, err := strconv.ParseInt(stringOf(text), 10, 64); err == nil {
		return n
	}
	n, _ := new(big.Int).SetString(string(text), 10)
	return low64(n)
}

// low64 are the low 64 bits in two's complement.
func low64(n *big.Int) int64 {
	bits := new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64))
	return int64(bits.Uint64())
}

// truncate is the low 64 bits of a decimal without its fraction.
func truncate(d schema.Decimal) int64 {
	n := d.Int()
	digits := int64(n.BitLen())*3/10 + 2
	switch {
	case d.Scale <= -64, int64(d.Scale) > digits: // a multiple of 2^64, or less than one
		return 0
	case d.Scale < 0:
		return low64(new(big.Int).Mul(n, power(-d.Scale)))
	case d.Scale > 0:
		return low64(new(big.Int).Quo(n, power(d.Scale)))
	}
	return low64(n)
}

func power(n int32) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// float is the nearest number, or an infinity, and 0 for what is no number.
func (r *jsonReader) float(i uint32, bits int) float64 {
	k := r.kind(i)
	if k != intNode && k != realNode {
		return 0
	}
	f, err := strconv.ParseFloat(stringOf(r.text(i)), bits)
	if err != nil || f != 0 {
		return f // out of range is infinity
	}
	for _, c := range r.text(i) {
		if c >= '1' && c <= '9' {
			return f // too small, which keeps its sign
		}
		if c|0x20 == 'e' {
			break
		}
	}
	return 0 // Java's integers and decimals have no negative zero
}

func (r *jsonReader) array(s *schema.Schema, i uint32) (any, error) {
	n := r.scan.nodes[i]
	out := make([]any, 0, n.count)
	if n.kind != arrayNode && n.kind != objectNode {
		return out, nil
	}
	step := uint32(0)
	if n.kind == objectNode {
		step = 1 // of objects Java takes the values
	}
	for e := i + 1; e < n.next; e = r.scan.nodes[e+step].next {
		v, err := r.value(s.Value, e+step)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (r *jsonReader) mapped(s *schema.Schema, i uint32) (any, error) {
	n := r.scan.nodes[i]
	if s.Key != nil && s.Key.Type == schema.String && (r.apart == nil || !s.Key.Optional) {
		if n.kind != objectNode {
			return nil, schema.Errorf("Maps with string fields should be encoded as JSON objects, but found %s", n.kind)
		}
		r.suspect = r.suspect || s.Key.Name != ""
		return r.object(s, i)
	}
	if r.apart != nil {
		return r.entries(s, i)
	}
	if n.kind != arrayNode {
		return nil, schema.Errorf("Maps with non-string fields should be encoded as JSON array of tuples, but found %s", n.kind)
	}
	out := schema.NewHashMap(0)
	out.Reserve(int(n.count))
	for e := i + 1; e < n.next; e = r.scan.nodes[e].next {
		entry := r.scan.nodes[e]
		if entry.kind != arrayNode {
			return nil, schema.Errorf("Found invalid map entry instead of array tuple: %s", entry.kind)
		}
		if entry.count != 2 {
			return nil, schema.Errorf("Found invalid map entry, expected length 2 but found :%d", entry.count)
		}
		k, err := r.value(s.Key, e+1)
		if err != nil {
			return nil, err
		}
		v, err := r.value(s.Value, r.scan.nodes[e+1].next)
		if err != nil {
			return nil, err
		}
		out.Set(k, v)
	}
	return out, nil
}

// object reads a map with string keys. Of a name that is there twice the last value counts, at the first one's place.
func (r *jsonReader) object(s *schema.Schema, i uint32) (any, error) {
	out := schema.NewHashMap(0)
	out.Reserve(int(r.scan.nodes[i].count))
	for e, end := i+1, r.scan.nodes[i].next; e < end; e = r.scan.nodes[e+1].next {
		v, err := r.value(s.Value, e+1)
		if err != nil {
			if last := r.get(i, r.name(e)); last != e+1 {
				continue // a value that the reader never sees
			}
			return nil, err
		}
		out.Set(r.name(e), v)
	}
	return out, nil
}

func (r *jsonReader) structOf(s *schema.Schema, i uint32) (any, error) {
	n := r.scan.nodes[i]
	if r.apart != nil && r.apart.isUnion(s) {
		return r.union(s, i)
	}
	if n.kind != objectNode {
		return nil, schema.Errorf("Structs should be encoded as JSON objects, but found %s", n.kind)
	}
	base := len(r.places)
	for range s.Fields {
		r.places = append(r.places, none)
	}
	expected := 0
	for e := i + 1; e < n.next; e = r.scan.nodes[e+1].next {
		name := r.scan.nodes[e].plain
		if name && expected < len(s.Fields) && s.Fields[expected].Name == string(r.text(e)) {
			r.places[base+expected] = e + 1
			expected++
			continue
		}
		if f := s.Field(r.string(e)); f != nil {
			r.places[base+f.Index] = e + 1
			expected = f.Index + 1
		}
	}
	values := make([]any, len(s.Fields))
	for k := range s.Fields {
		f := &s.Fields[k]
		v, err := r.value(f.Schema, r.places[base+k])
		if err == nil && r.suspect && (v != nil || r.apart == nil) {
			err = schema.ValidateField(f.Name, f.Schema, v)
		}
		if err != nil {
			r.places = r.places[:base]
			return nil, err
		}
		values[k] = v
	}
	r.places = r.places[:base]
	return schema.StructFrom(s, values), nil
}
