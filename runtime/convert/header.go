package convert

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// SimpleHeader is Connect's SimpleHeaderConverter: it writes values as text and guesses what text means when it reads.
type SimpleHeader struct{ scratch []byte }

const simpleDoc = "Any value as text; guesses the type when reading."

// Define implements config.Definer. There are no settings.
func (*SimpleHeader) Define(*config.Def) {}

// EncodeHeader implements connect.HeaderConverter.
func (h *SimpleHeader) EncodeHeader(_ context.Context, _, _ string, d connect.Datum) ([]byte, error) {
	if d.Value == nil {
		return nil, nil
	}
	if s, ok := d.Value.(string); ok {
		return bytesOf(s), nil
	}
	h.scratch = appendHeader(h.scratch[:0], d.Value, false)
	return append(make([]byte, 0, len(h.scratch)), h.scratch...), nil
}

// DecodeHeader implements connect.HeaderConverter.
func (*SimpleHeader) DecodeHeader(_ context.Context, _, _ string, b []byte) (connect.Datum, error) {
	if b == nil {
		return connect.Datum{}, nil
	}
	return ParseText(utf8Charset.decode(b)), nil
}

// HeaderText is the text by which SimpleHeader writes a value.
func HeaderText(v any) string { return string(appendHeader(nil, v, false)) }

// appendHeader writes a value; within a list, map or struct, strings and bytes are put in quotes.
func appendHeader(dst []byte, v any, within bool) []byte {
	switch v := v.(type) {
	case string:
		if !within {
			return append(dst, v...)
		}
		return appendQuoted(dst, v)
	case []byte:
		if !within {
			return base64.StdEncoding.AppendEncode(dst, v)
		}
		return appendBase64(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendHeader(dst, e, true)
		}
		return append(dst, ']')
	case *schema.Map:
		dst = append(dst, '{')
		first := true
		for k, e := range v.All() {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(appendHeader(dst, k, true), ':')
			dst = appendHeader(dst, e, true)
		}
		return append(dst, '}')
	case *schema.Struct:
		dst = append(dst, '{')
		for i, f := range v.Schema().Fields {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendQuoted(dst, f.Name), ':')
			dst = appendHeader(dst, v.At(i), true)
		}
		return append(dst, '}')
	case time.Time:
		return appendTemporal(dst, v)
	}
	return schema.AppendText(dst, v)
}

var quotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = append(dst, quotes.Replace(s)...)
	return append(dst, '"')
}
