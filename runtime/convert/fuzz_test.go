package convert_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/connecttest/corpus"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// seed gives a fuzz test the inputs of the corpus that are bytes.
func seed(f *testing.F, family, contains string) {
	f.Helper()
	for _, c := range corpus.Load(f, family) {
		if !strings.HasPrefix(c.Op, "to") || !strings.Contains(string(c.Input), contains) {
			continue
		}
		b, err := corpus.Bytes(c.Input)
		if err != nil {
			f.Fatal(err)
		}
		if len(b) < 1<<10 {
			f.Add(b)
		}
	}
}

// negativeZero is what a number too small for a double becomes. A BigDecimal, through which Java reads, has no such number.
var negativeZero = regexp.MustCompile(`-0\.0([],}]|$)`)

// What Go's reader takes must be taken, and what was read must be written so that it reads the same again.
func FuzzJSON_Decode(f *testing.F) {
	seed(f, "convert-json-to", "")
	plain := map[string]string{"schemas.enable": "false"}
	f.Fuzz(func(t *testing.T, text []byte) {
		c := newConverter(t, "Json", plain)
		d, err := c.Decode(t.Context(), "t", text)
		if err != nil {
			if e, ok := errors.AsType[*schema.Error](err); !ok || e.Class != schema.DataException {
				t.Fatalf("failed with %T %v, want a DataException", err, err)
			}
			// Java's decimals have an exponent of 32 bits.
			outOfRange := strings.Contains(err.Error(), "exponent") || strings.Contains(err.Error(), "scale out of range")
			if json.Valid(text) && utf8.Valid(text) && len(text) < 500 && !outOfRange {
				t.Fatalf("did not read valid JSON: %v", err)
			}
			return
		}
		if d.IsNull() {
			return
		}
		again, err := c.Encode(t.Context(), "t", d)
		if err != nil {
			t.Fatalf("writing what was read: %v", err)
		}
		if !json.Valid(again) {
			t.Fatalf("wrote %q, which is not JSON", again)
		}
		back, err := c.Decode(t.Context(), "t", again)
		lossy := strings.Contains(string(again), "Infinity") || negativeZero.Match(again)
		if diff := corpus.DiffDatum(d, back); (err != nil || diff != "") && !lossy {
			t.Fatalf("%q was read as another value: %v\n%s", again, err, diff)
		}
	})
}

// A converter that has met the schema must read what one reads that has not.
func FuzzJSON_DecodeEnvelope(f *testing.F) {
	seed(f, "convert-json-to", "payload")
	f.Fuzz(func(t *testing.T, text []byte) {
		c := newConverter(t, "Json", nil)
		first, err := c.Decode(t.Context(), "t", text)
		second, errAgain := c.Decode(t.Context(), "t", text)
		if (err == nil) != (errAgain == nil) || err != nil && err.Error() != errAgain.Error() {
			t.Fatalf("the second time: %v, the first time: %v", errAgain, err)
		}
		if diff := corpus.DiffDatum(first, second); diff != "" {
			t.Fatalf("the second time another value\n%s", diff)
		}
		if err != nil || first.IsNull() {
			return
		}
		if out, err := c.Encode(t.Context(), "t", first); err == nil && !json.Valid(out) {
			t.Fatalf("wrote %q, which is not JSON", out)
		}
	})
}

// controlOrBlank are the characters that Java's trim cuts off.
var controlOrBlank = func() string {
	var all []byte
	for c := range byte(' ' + 1) {
		all = append(all, c)
	}
	return string(all)
}()

// Text never fails, and what it means agrees with its schema.
func FuzzParseText(f *testing.F) {
	for _, c := range corpus.Load(f, "header-simple") {
		if b, err := corpus.Bytes(c.Input); err == nil && strings.HasPrefix(c.Op, "to") {
			f.Add(string(b))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := convert.ParseText(text)
		if d.Value == nil {
			if d.Schema != nil {
				t.Fatalf("null has the schema %s", d.Schema)
			}
			return
		}
		if !schema.Accepts(d.Schema, d.Value) {
			t.Fatalf("%s does not fit its schema", corpus.Dump(d))
		}
		if s, ok := d.Value.(string); ok && s != text {
			// Blanks in front of a list or map that does not end are what Connect makes of it.
			if rest := strings.TrimPrefix(text, s); strings.Trim(s, controlOrBlank) != "" || !strings.HasPrefix(rest, "[") && !strings.HasPrefix(rest, "{") {
				t.Fatalf("the string is %q, not the whole text", s)
			}
		}
		convert.HeaderText(d.Value)
	})
}

func FuzzText_Decode(f *testing.F) {
	for _, encoding := range []string{"UTF-8", "US-ASCII", "UTF-16", "UTF-16LE", "ISO-8859-1"} {
		f.Add(encoding, []byte("h\xe9llo \xed\xa0\x80 \xf0\x9f\x98\x80\xf0\x9f"))
	}
	f.Fuzz(func(t *testing.T, encoding string, b []byte) {
		c := newConverter(t, "String", map[string]string{"converter.encoding": encoding})
		d, err := c.Decode(t.Context(), "t", b)
		if err != nil {
			return
		}
		if s, ok := d.Value.(string); !ok || !utf8.ValidString(s) {
			t.Fatalf("%q is not UTF-8", d.Value)
		}
		if encoding == "UTF-8" && utf8.Valid(b) {
			out, err := c.Encode(t.Context(), "t", connect.Datum{Value: d.Value})
			if err != nil || string(out) != string(b) {
				t.Fatalf("wrote %q, %v", out, err)
			}
		}
	})
}
