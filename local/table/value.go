package table

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// A kind is the type of an attribute value. The numbers are part of the stored form.
type kind byte

const (
	kindNone kind = iota
	kindS
	kindN
	kindB
	kindBool
	kindNull
	kindL
	kindM
	kindSS
	kindNS
	kindBS
)

// tag is the kind's name on the wire.
func (k kind) tag() string {
	return [...]string{"", "S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"}[k]
}

// word is how messages about update expressions call the kind.
func (k kind) word() string {
	return [...]string{"", "STRING", "NUMBER", "BINARY", "BOOLEAN", "NULL", "LIST", "MAP", "STRING_SET", "NUMBER_SET", "BINARY_SET"}[k]
}

func kindOf(tag string) kind {
	for k := kindS; k <= kindBS; k++ {
		if k.tag() == tag {
			return k
		}
	}
	return kindNone
}

func (k kind) isSet() bool     { return k >= kindSS }
func (k kind) isOrdered() bool { return k == kindS || k == kindN || k == kindB }

// element is the kind of a set's elements.
func (k kind) element() kind { return k - kindSS + kindS }

// A value is one attribute value. Values are never changed once made: updates build new ones, so parts may be shared.
type value struct {
	kind kind
	flag bool             // BOOL
	text string           // S; N in canonical form; B as raw bytes
	list []value          // L
	set  []string         // SS, NS, BS, each element as in text, in the order given
	m    map[string]value // M
}

// An item is a row, or its key. A nil item means there is none.
type item map[string]value

// maxDepth is how many lists and maps may enclose each other inside one attribute.
const maxDepth = 31

// UnmarshalJSON reads {"attribute": {"S": "…"}, …}. Its errors are answers to the client.
func (it *item) UnmarshalJSON(data []byte) error {
	raw, err := decodeObject(data)
	if err != nil || raw == nil {
		return err
	}
	*it = make(item, len(raw))
	for name, r := range raw {
		v, err := decodeValue(r, maxDepth)
		if err != nil {
			return err
		}
		(*it)[name] = v
	}
	return nil
}

// exprValues are the ExpressionAttributeValues of a request: as an item, but errors name the key.
type exprValues map[string]value

// UnmarshalJSON reads {":name": {"S": "…"}, …}. Its errors are answers to the client.
func (e *exprValues) UnmarshalJSON(data []byte) error {
	raw, err := decodeObject(data)
	if err != nil || raw == nil {
		return err
	}
	*e = make(exprValues, len(raw))
	for key, r := range raw {
		v, err := decodeValue(r, maxDepth)
		if bad, ok := errors.AsType[*apiError](err); ok && strings.HasPrefix(bad.kind, validateErrors) {
			return invalid("ExpressionAttributeValues contains invalid value: %s for key %s", bad.message, key)
		}
		if err != nil {
			return err
		}
		(*e)[key] = v
	}
	return nil
}

func decodeObject(data []byte) (map[string]any, error) {
	var raw any
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, unreadable("reading attributes: %v", err)
	}
	if raw == nil {
		return nil, nil
	}
	m, ok := raw.(map[string]any)
	if !ok {
		return nil, unreadable("attributes must be an object")
	}
	return m, nil
}

// decodeValue reads the wire form of one value out of decoded JSON; depth is how many containers it may still open.
func decodeValue(raw any, depth int) (value, error) {
	m, ok := raw.(map[string]any)
	if !ok {
		return value{}, unreadable("an attribute value must be an object")
	}
	var tag string
	var content any
	for t, c := range m {
		if c == nil || kindOf(t) == kindNone {
			continue
		}
		if tag != "" {
			return value{}, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
		}
		tag, content = t, c
	}
	switch k := kindOf(tag); k {
	case kindNone:
		return value{}, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	case kindS, kindN, kindB:
		text, err := decodeScalar(k, content)
		return value{kind: k, text: text}, err
	case kindBool, kindNull:
		return decodeFlag(k, content)
	case kindL:
		return decodeList(content, depth)
	case kindM:
		return decodeMap(content, depth)
	default:
		return decodeSet(k, content)
	}
}

// decodeScalar reads the text of an S, N or B, or of an element of their sets.
func decodeScalar(k kind, content any) (string, error) {
	text, ok := content.(string)
	if !ok {
		return "", unreadable("%s must be a JSON string", k.tag())
	}
	switch k {
	case kindN:
		d, err := parseDecimal(text)
		if err != nil {
			return "", err
		}
		return d.String(), nil
	case kindB:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", unreadable("B must be base64: %v", err)
		}
		return string(b), nil
	}
	return text, nil
}

func decodeFlag(k kind, content any) (value, error) {
	flag, ok := content.(bool)
	if !ok {
		return value{}, unreadable("%s must be true or false", k.tag())
	}
	if k == kindNull {
		if !flag {
			return value{}, invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		return value{kind: kindNull}, nil
	}
	return value{kind: kindBool, flag: flag}, nil
}

func tooDeep() *apiError {
	return invalid("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
}

func decodeList(content any, depth int) (value, error) {
	raw, ok := content.([]any)
	if !ok {
		return value{}, unreadable("L must be an array")
	}
	if depth == 0 {
		return value{}, tooDeep()
	}
	list := make([]value, len(raw))
	for i, r := range raw {
		v, err := decodeValue(r, depth-1)
		if err != nil {
			return value{}, err
		}
		list[i] = v
	}
	return value{kind: kindL, list: list}, nil
}

func decodeMap(content any, depth int) (value, error) {
	raw, ok := content.(map[string]any)
	if !ok {
		return value{}, unreadable("M must be an object")
	}
	if depth == 0 {
		return value{}, tooDeep()
	}
	m := make(map[string]value, len(raw))
	for name, r := range raw {
		v, err := decodeValue(r, depth-1)
		if err != nil {
			return value{}, err
		}
		m[name] = v
	}
	return value{kind: kindM, m: m}, nil
}

func decodeSet(k kind, content any) (value, error) {
	raw, ok := content.([]any)
	if !ok {
		return value{}, unreadable("%s must be an array", k.tag())
	}
	if len(raw) == 0 {
		noun := map[kind]string{kindSS: "string", kindNS: "number", kindBS: "binary"}[k]
		return value{}, invalid("One or more parameter values were invalid: An %s set  may not be empty", noun)
	}
	set := make([]string, len(raw))
	seen := make(map[string]bool, len(raw))
	for i, r := range raw {
		text, err := decodeScalar(k.element(), r)
		if err != nil {
			return value{}, err
		}
		if seen[text] {
			return value{}, invalid("One or more parameter values were invalid: Input collection of type %s contains duplicates.", k.tag())
		}
		seen[text] = true
		set[i] = text
	}
	return value{kind: k, set: set}, nil
}

// equal compares as the = operator does: by type and content, sets without regard to order.
func (v value) equal(w value) bool {
	if v.kind != w.kind || v.flag != w.flag || v.text != w.text || len(v.list) != len(w.list) || len(v.set) != len(w.set) || len(v.m) != len(w.m) {
		return false
	}
	for i := range v.list {
		if !v.list[i].equal(w.list[i]) {
			return false
		}
	}
	for name, x := range v.m {
		if y, ok := w.m[name]; !ok || !x.equal(y) {
			return false
		}
	}
	if v.kind.isSet() {
		a, b := slices.Sorted(slices.Values(v.set)), slices.Sorted(slices.Values(w.set))
		return slices.Equal(a, b)
	}
	return true
}

// compare orders two values; ok is false where they have no common order.
func (v value) compare(w value) (c int, ok bool) {
	if v.kind != w.kind || !v.kind.isOrdered() {
		return 0, false
	}
	if v.kind == kindN {
		return v.number().compare(w.number()), true
	}
	return cmp.Compare(v.text, w.text), true
}

// number is the value of an N, whose text was checked when it was made.
func (v value) number() decimal {
	d, _ := parseDecimal(v.text)
	return d
}

// describe is the form in which messages quote a value.
func (v value) describe() string {
	content := v.text
	if !v.kind.isOrdered() || !utf8.ValidString(content) {
		content = string(bytes.TrimSpace(appendValue(nil, v)))
	}
	return "AttributeValue: {" + v.kind.tag() + ":" + clip(content) + "}"
}
