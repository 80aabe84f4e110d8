package jsonschema

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// documentWriter writes the members of a document.
type documentWriter struct{ out []byte }

func (w *documentWriter) begin() { w.out = append(w.out, '{') }
func (w *documentWriter) end()   { w.out = append(w.out, '}') }

func (w *documentWriter) key(name string) {
	if w.out[len(w.out)-1] != '{' {
		w.out = append(w.out, ',')
	}
	w.out = append(appendText(w.out, name), ':')
}

func (w *documentWriter) text(key, value string) {
	w.key(key)
	w.out = appendText(w.out, value)
}

func (w *documentWriter) index(index int) {
	if index != nowhere {
		w.key(indexKey)
		w.out = strconv.AppendInt(w.out, int64(index), 10)
	}
}

// symbols writes those of an enum: the names of parameters without the prefix that marks them.
func (w *documentWriter) symbols(s *schema.Schema, prefix string) {
	w.key("enum")
	w.out = append(w.out, '[')
	first := true
	for _, p := range s.Params {
		symbol, ok := strings.CutPrefix(p.Name, prefix)
		if !ok {
			continue
		}
		if !first {
			w.out = append(w.out, ',')
		}
		first = false
		if symbol == nullMarker {
			w.out = append(w.out, "null"...)
		} else {
			w.out = appendText(w.out, symbol)
		}
	}
	w.out = append(w.out, ']')
}

// params writes parameters in the order of a map.
func (w *documentWriter) params(order *schema.Map) {
	if order.Len() == 0 {
		return
	}
	w.key(paramsKey)
	w.begin()
	for name, value := range order.All() {
		key, _ := name.(string)
		v, _ := value.(string)
		w.text(key, v)
	}
	w.end()
}

// foreign are the parameters that do not begin with a prefix, in Java's order.
func foreign(s *schema.Schema, own string) *schema.Map {
	order := schema.NewHashMap(0)
	for _, p := range s.Params {
		if !strings.HasPrefix(p.Name, own) {
			order.Set(p.Name, p.Value)
		}
	}
	return order
}

// appendText writes a string of JSON.
func appendText(dst []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return dst // no string fails
	}
	return append(dst, b...)
}
