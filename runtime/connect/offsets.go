package connect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Partition names one part of an outside system: a file, a table, a shard. It is comparable and can be a map's key. The
// zero Partition names none.
type Partition struct{ text string }

// NewPartition makes a partition of string keys and primitive values (nil, string, bool, numbers). Make it once per
// file or table, not once per record. Two partitions are equal when their canonical JSON is: members sorted by name.
func NewPartition(fields map[string]any) (Partition, error) {
	text, err := canonical(fields)
	if err != nil {
		return Partition{}, fmt.Errorf("making a source partition: %w", err)
	}
	return Partition{string(text)}, nil
}

// ParsePartition reads a partition from JSON of any member order.
func ParsePartition(text []byte) (Partition, error) {
	fields, err := parseFields(text)
	if err != nil {
		return Partition{}, fmt.Errorf("reading a source partition: %w", err)
	}
	return NewPartition(fields)
}

// JSON is the canonical JSON of the partition.
func (p Partition) JSON() string { return p.text }

// IsZero tells whether the partition names nothing.
func (p Partition) IsZero() bool { return p.text == "" }

// Fields returns the partition's members in a map of the caller's own; integers are int64.
func (p Partition) Fields() map[string]any {
	fields, err := parseFields([]byte(p.text))
	if err != nil {
		return nil // only the zero Partition is not JSON
	}
	return fields
}

// Position is where to go on in a source partition. It is an immutable value owned by the source: the runtime stores it
// and hands it back, numbers as int64 or float64 whatever they were. The zero Position is none.
//
// A position of one number, which most are, costs no allocation.
type Position struct {
	name   string
	number int64
	fields map[string]any
}

// At is a position of one number, such as At("position", 14).
func At(name string, n int64) Position { return Position{name: name, number: n} }

// NewPosition is a position of several members: strings, numbers, bools, nil. It takes over the map.
func NewPosition(fields map[string]any) Position { return Position{fields: fields} }

// ParsePosition reads a position from a JSON object.
func ParsePosition(text []byte) (Position, error) {
	fields, err := parseFields(text)
	if err != nil {
		return Position{}, fmt.Errorf("reading a source position: %w", err)
	}
	return NewPosition(fields), nil
}

// IsZero tells whether there is no position.
func (p Position) IsZero() bool { return p.name == "" && p.fields == nil }

// Get returns a member and whether it is there.
func (p Position) Get(name string) (any, bool) {
	if p.fields == nil {
		return p.number, name == p.name && name != ""
	}
	v, ok := p.fields[name]
	return v, ok
}

// Int64 returns a member that is an integer. It fails when the member is there and is not one.
func (p Position) Int64(name string) (n int64, found bool, err error) {
	v, ok := p.Get(name)
	if !ok || v == nil {
		return 0, false, nil
	}
	switch v := v.(type) {
	case int64:
		return v, true, nil
	case int:
		return int64(v), true, nil
	case int32:
		return int64(v), true, nil
	}
	return 0, true, fmt.Errorf("reading the offset member %q: %v (%T) is not a whole number", name, v, v)
}

// Fields returns the members in a map of the caller's own.
func (p Position) Fields() map[string]any {
	if p.fields == nil && p.name != "" {
		return map[string]any{p.name: p.number}
	}
	return maps.Clone(p.fields)
}

// JSON is the canonical JSON of the position.
func (p Position) JSON() ([]byte, error) {
	text, err := canonical(p.Fields())
	if err != nil {
		return nil, fmt.Errorf("writing a source position: %w", err)
	}
	return text, nil
}

// Offsets are positions by partition.
type Offsets map[Partition]Position

// canonical writes an object of primitives with its members sorted by name and nothing escaped that JSON lets stand.
func canonical(fields map[string]any) ([]byte, error) {
	out := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(fields)) {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendJSON(out, name); err != nil {
			return nil, err
		}
		out = append(out, ':')
		switch v := fields[name].(type) {
		case float32, float64:
			at := len(out)
			if out, err = appendJSON(out, v); err == nil && !bytes.ContainsAny(out[at:], ".e") {
				out = append(out, ".0"...) // or else it would be read as an integer
			}
		case nil, string, bool, int, int8, int16, int32, uint8, uint16, uint32:
			out, err = appendJSON(out, v)
		case int64:
			out = strconv.AppendInt(out, v, 10)
		default:
			err = fmt.Errorf("the value of %q is a %T; only strings, numbers, booleans and null can be stored", name, v)
		}
		if err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func appendJSON(out []byte, v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return append(out, bytes.TrimSuffix(b.Bytes(), []byte{'\n'})...), nil
}

func parseFields(text []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var fields map[string]any
	if err := dec.Decode(&fields); err != nil {
		return nil, err
	}
	for name, v := range fields {
		n, ok := v.(json.Number)
		if !ok {
			continue
		}
		if i, err := n.Int64(); err == nil {
			fields[name] = i
			continue
		}
		f, err := n.Float64()
		if err != nil {
			return nil, fmt.Errorf("the number %q of %q is out of range", n, name)
		}
		fields[name] = f
	}
	return fields, nil
}
