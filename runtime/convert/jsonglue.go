package convert

import "github.com/sluice-connect/sluice/runtime/schema"

// glueUnion reads a value into all fields of a union whose type it has.
func (r *jsonReader) glueUnion(s *schema.Schema, i uint32) (any, error) {
	made, found := schema.NewStruct(s), false
	for k := range s.Fields {
		f := &s.Fields[k]
		if !r.glueFits(f.Schema, i) {
			continue
		}
		v, err := r.value(f.Schema, i)
		if err != nil {
			return nil, err
		}
		if err := made.Put(f.Name, v); err != nil {
			return nil, err
		}
		found = true
	}
	if !found {
		return nil, schema.Errorf("Did not find matching union field for data: %s", r.source(i))
	}
	return made, nil
}

// source is a node's JSON, of a structure only what it is.
func (r *jsonReader) source(i uint32) string {
	switch k := r.kind(i); k {
	case stringNode:
		return `"` + string(r.text(i)) + `"`
	case objectNode, arrayNode:
		return k.String()
	}
	return string(r.text(i))
}

func (r *jsonReader) glueFits(s *schema.Schema, i uint32) bool {
	k := r.kind(i)
	switch s.Type {
	case schema.Float32, schema.Float64:
		return k == realNode
	case schema.Bytes:
		return false
	case schema.MapType:
		return k == arrayNode && r.isEntries(i)
	case schema.StructType:
		return r.shared(s, i) > 0
	}
	return r.simply(s, i)
}

// isEntries tells whether all that stands in an array has a key or a value.
func (r *jsonReader) isEntries(i uint32) bool {
	for e, end := i+1, r.scan.nodes[i].next; e < end; e = r.scan.nodes[e].next {
		if r.get(e, keyOfEntry) == none && r.get(e, valueOfEntry) == none {
			return false
		}
	}
	return true
}
