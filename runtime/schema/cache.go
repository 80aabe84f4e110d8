package schema

import "hash/maphash"

// Cache keeps what was made for schemas. A schema is found by its pointer, and one that is not by what it says, because
// sources may make the same schema anew for every batch. It is used by one goroutine at a time. The zero Cache holds one
// schema at a time.
type Cache[V any] struct {
	// Limit is for how many schemas it keeps something. When there are more it starts anew.
	Limit int

	seed      maphash.Seed
	byPointer map[*Schema]V
	byShape   map[uint64][]cached[V]
	last      *Schema
	lastValue V
	filled    bool
}

type cached[V any] struct {
	schema *Schema
	value  V
}

// Get returns what was made for the schema or for one that is Equal to it, and otherwise makes it. What could not be made
// is not kept.
func (c *Cache[V]) Get(s *Schema, make func() (V, error)) (V, error) {
	if c.filled && s == c.last {
		return c.lastValue, nil
	}
	v, ok := c.byPointer[s]
	if !ok {
		var err error
		if v, err = c.find(s, make); err != nil {
			return v, err
		}
	}
	c.last, c.lastValue, c.filled = s, v, true
	return v, nil
}

func (c *Cache[V]) find(s *Schema, make func() (V, error)) (V, error) {
	if c.byPointer == nil || len(c.byPointer) >= max(c.Limit, 1) {
		c.seed = maphash.MakeSeed()
		c.byPointer, c.byShape = map[*Schema]V{}, map[uint64][]cached[V]{}
	}
	shape := c.shape(s)
	for _, known := range c.byShape[shape] {
		if known.schema.Equal(s) {
			c.byPointer[s] = known.value
			return known.value, nil
		}
	}
	v, err := make()
	if err != nil {
		return v, err
	}
	c.byPointer[s] = v
	c.byShape[shape] = append(c.byShape[shape], cached[V]{s, v})
	return v, nil
}

// shape is a number that equal schemas share. It looks at the outermost parts only.
func (c *Cache[V]) shape(s *Schema) uint64 {
	if s == nil {
		return 0
	}
	var h maphash.Hash
	h.SetSeed(c.seed)
	add := func(s *Schema) {
		if s == nil {
			return
		}
		optional := byte(0)
		if s.Optional {
			optional = 1
		}
		h.Write([]byte{byte(s.Type), optional, byte(len(s.Params))})
		h.WriteString(s.Name)
	}
	add(s)
	add(s.Key)
	add(s.Value)
	for i := range s.Fields {
		h.WriteString(s.Fields[i].Name)
		add(s.Fields[i].Schema)
	}
	return h.Sum64()
}
