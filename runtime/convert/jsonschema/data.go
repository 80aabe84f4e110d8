package jsonschema

import (
	"strings"

	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Data translates between Connect's schemas and JSON Schema and remembers what it has translated. It is used by one
// goroutine at a time; what it returns may be used by many.
type Data struct {
	options   Options
	values    convert.JSONValues
	documents schema.Cache[*Schema]
	schemas   map[schemaKey]*schema.Schema
}

type schemaKey struct {
	document *Schema
	version  int32
}

// New returns a Data with these options.
func New(o Options) *Data {
	d := &Data{options: o, schemas: map[schemaKey]*schema.Schema{}}
	d.values.Glue = o.Glue
	d.values.Numeric = strings.EqualFold(o.Decimals, "NUMERIC")
	d.documents.Limit = o.CacheSize
	return d
}

// FromConnect is the document of a Connect schema, nil for data without one where the mapping has none for that. The same or an equal schema gives the same
// pointer as long as the cache holds it.
func (d *Data) FromConnect(s *schema.Schema) (*Schema, error) {
	if s == nil && d.options.Glue {
		return Parse(nullDocument, nil)
	}
	if s == nil {
		return nil, nil
	}
	return d.documents.Get(s, func() (*Schema, error) {
		if d.options.Glue {
			text, err := (&glueFrom{Options: &d.options, values: &d.values}).scope().schema(s, nowhere, false)
			if err != nil {
				return nil, err
			}
			return Parse(string(text), nil)
		}
		c := fromConnect{Options: &d.options, values: &d.values, ids: map[string]bool{}}
		if err := c.schema(s, nowhere, false); err != nil {
			return nil, err
		}
		return Parse(string(c.out), nil)
	})
}

// ToConnect is the Connect schema of a document. version is the one that the document has in its registry; nil means it has
// none.
func (d *Data) ToConnect(of *Schema, version *int32) (*schema.Schema, error) {
	key := schemaKey{of, -1}
	if version != nil {
		key.version = *version
	}
	if known := d.schemas[key]; known != nil {
		return known, nil
	}
	s, err := d.toConnect(of.root, version)
	if err != nil {
		return nil, err
	}
	if len(d.schemas) >= max(d.options.CacheSize, 1) {
		clear(d.schemas)
	}
	d.schemas[key] = s
	return s, nil
}

func (d *Data) toConnect(of *def, version *int32) (*schema.Schema, error) {
	if d.options.Glue {
		return (&glueTo{}).schema(of, false)
	}
	c := toConnect{Options: &d.options, values: &d.values, nodes: map[*def]*node{}}
	return c.whole(of, version)
}
