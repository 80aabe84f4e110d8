package transform

import "github.com/sluice-connect/sluice/runtime/schema"

// cacheSize is how many schemas a transform remembers, as many as Connect.
const cacheSize = 16

// cache keeps what a transform worked out about the schemas it saw last, the latest first. The zero cache is empty.
type cache[V any] struct{ entries []cached[V] }

type cached[V any] struct {
	schema *schema.Schema
	result V
}

// get returns what make says about a schema, which is asked only for schemas that equal none of those remembered.
func (c *cache[V]) get(s *schema.Schema, work func(*schema.Schema) (V, error)) (V, error) {
	for i := range c.entries {
		if c.entries[i].schema == s {
			if i == 0 {
				return c.entries[0].result, nil
			}
			return c.front(i), nil
		}
	}
	// Schemas that are made anew for each record are equal to the last one.
	for i := range c.entries {
		if c.entries[i].schema.Equal(s) {
			c.entries[i].schema = s
			return c.front(i), nil
		}
	}
	result, err := work(s)
	if err != nil {
		return result, err
	}
	if len(c.entries) < cacheSize {
		c.entries = append(c.entries, cached[V]{})
	}
	c.entries[len(c.entries)-1] = cached[V]{s, result}
	return c.front(len(c.entries) - 1), nil
}

// front moves an entry to the front.
func (c *cache[V]) front(i int) V {
	e := c.entries[i]
	copy(c.entries[1:i+1], c.entries[:i])
	c.entries[0] = e
	return e.result
}
