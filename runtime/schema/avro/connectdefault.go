package avro

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// defaultValue is the Connect value of a default. Numbers and texts are read as leniently as Jackson reads them.
func (c *toConnect) defaultValue(s *schema.Schema, a *Schema, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	physical, err := c.plainDefault(s, a, v)
	if err != nil {
		return nil, err
	}
	return toLogical(s, physical)
}

func (c *toConnect) plainDefault(s *schema.Schema, a *Schema, v any) (any, error) {
	switch a.Type {
	case Int:
		n := int32(asInt(v))
		switch s.Type {
		case schema.Int8:
			return int8(n), nil
		case schema.Int16:
			return int16(n), nil
		default:
			return n, nil
		}
	case Long:
		return asInt(v), nil
	case Float:
		return float32(asFloat(v)), nil
	case Double:
		return asFloat(v), nil
	case Boolean:
		b, isBool := v.(bool)
		return isBool && b || v == "true", nil
	case String, Enum:
		return textJSON(v), nil
	case Bytes, Fixed:
		text, ok := v.(string)
		if !ok {
			return nil, schema.Errorf("Invalid binary data in default value")
		}
		return fromLatin1(text), nil
	case Array, Map, Record, Union:
		return c.nestedDefault(s, a, v)
	case Null, Invalid:
	}
	return nil, nil
}

func asInt(v any) int64 {
	n, _ := v.(json.Number)
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, _ := n.Float64()
	return int64(f)
}

func asFloat(v any) float64 {
	switch v := v.(type) {
	case json.Number:
		f, _ := v.Float64()
		return f
	case string: // JSON has no number for these
		if f, err := strconv.ParseFloat(v, 64); err == nil {
			return f
		}
	}
	return 0
}

func (c *toConnect) nestedDefault(s *schema.Schema, a *Schema, v any) (any, error) {
	if a.Type == Union {
		return c.unionDefault(s, a, v)
	}
	switch v := v.(type) {
	case []any:
		if a.Type == Array && s.Type == schema.MapType {
			return c.entriesDefault(s, a, v)
		}
		if a.Type != Array {
			break
		}
		out := make([]any, len(v))
		for i, e := range v {
			var err error
			if out[i], err = c.partDefault(s.Value, a.Items, e); err != nil {
				return nil, err
			}
		}
		return out, nil
	case Object:
		if a.Type == Map {
			return c.mapDefault(s, a, v)
		}
		if a.Type == Record {
			return c.recordDefault(s, a, v)
		}
	}
	return nil, schema.Errorf("Invalid JSON for %s default value: %s", a.Type, appendJSON(nil, v))
}

// partDefault is defaultValue for a part, which may be a union that stands for one of its branches.
func (c *toConnect) partDefault(s *schema.Schema, a *Schema, v any) (any, error) {
	if a.Type == Union {
		if member := c.only(a); member != nil {
			a = member
		}
	}
	return c.defaultValue(s, a, v)
}

func (c *toConnect) mapDefault(s *schema.Schema, a *Schema, v Object) (any, error) {
	out := schema.NewHashMap(len(v))
	for _, m := range v {
		e, err := c.partDefault(s.Value, a.Items, m.Value)
		if err != nil {
			return nil, err
		}
		out.Set(m.Name, e)
	}
	return out, nil
}

func (c *toConnect) entriesDefault(s *schema.Schema, a *Schema, v []any) (any, error) {
	key, _ := a.Items.Field("key")
	value, _ := a.Items.Field("value")
	out := schema.NewHashMap(len(v))
	for _, e := range v {
		entry, _ := e.(Object)
		k, _ := entry.Get("key")
		kv, err := c.partDefault(s.Key, key.Type, k)
		if err != nil {
			return nil, err
		}
		w, _ := entry.Get("value")
		wv, err := c.partDefault(s.Value, value.Type, w)
		if err != nil {
			return nil, err
		}
		out.Set(kv, wv)
	}
	return out, nil
}

func (c *toConnect) recordDefault(s *schema.Schema, a *Schema, v Object) (any, error) {
	out := schema.NewStruct(s)
	for i := range a.Fields {
		f := &a.Fields[i]
		e, ok := v.Get(f.Name)
		if !ok {
			e = f.Default
		}
		value, err := c.partDefault(s.Fields[i].Schema, f.Type, e)
		if err != nil {
			return nil, fmt.Errorf("the default of field %s: %w", f.Name, err)
		}
		out.SetAt(i, value)
	}
	return out, nil
}

// unionDefault is a default of the union's first branch.
func (c *toConnect) unionDefault(s *schema.Schema, a *Schema, v any) (any, error) {
	if len(a.Branches) == 0 || a.Branches[0].Type == Null || len(s.Fields) == 0 {
		return nil, nil
	}
	e, err := c.defaultValue(s.Fields[0].Schema, a.Branches[0], v)
	if err != nil {
		return nil, err
	}
	out := schema.NewStruct(s)
	out.SetAt(0, e)
	return out, nil
}
