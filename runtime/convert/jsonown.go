package convert

import (
	"bytes"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

func clone(s string) string { return strings.Clone(s) }

// own returns a value that shares no memory with a document, for schemas outlive it.
func own(v any) any {
	switch v := v.(type) {
	case string:
		return strings.Clone(v)
	case []byte:
		return bytes.Clone(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = own(v[i])
		}
		return out
	case *schema.Map:
		out := schema.NewHashMap(0)
		for k, e := range v.All() {
			out.Set(own(k), own(e))
		}
		return out
	case *schema.Struct:
		values := make([]any, len(v.Schema().Fields))
		for i := range values {
			values[i] = own(v.Raw(i))
		}
		return schema.StructFrom(v.Schema(), values)
	}
	return v
}
