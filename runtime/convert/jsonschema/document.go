package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Schema is a JSON Schema document.
type Schema struct {
	text string
	refs map[string]string
	root *def
}

// String is the document's text.
func (s *Schema) String() string { return s.text }

// Title is the document's title, which stands for a record's name, or "".
func (s *Schema) Title() string {
	if s.root == nil || s.root.title == nil {
		return ""
	}
	return *s.root.title
}

// kind tells apart what a schema can be.
type kind uint8

const (
	anything kind = iota
	nothing
	null
	boolean
	number
	text
	enumeration
	combined
	array
	object
	reference
	negation
	conditional
)

// class is the Java class that messages name for what has no form in Connect.
func (k kind) class() string {
	const everit = "org.everit.json.schema."
	switch k {
	case nothing:
		return everit + "FalseSchema"
	case null:
		return everit + "NullSchema"
	case negation:
		return everit + "NotSchema"
	case conditional:
		return everit + "ConditionalSchema"
	}
	return everit + "EmptySchema"
}

// def is one schema of a document.
type def struct {
	kind        kind
	title, doc  *string
	name, note  *string         // connect.name and connect.doc
	preset      json.RawMessage // the default, nil if there is none
	connectType string
	index       *int
	version     *int32
	params      []schema.Param

	integer    bool
	format     bool
	values     []any // of an enum
	constant   bool
	criterion  string // allOf, anyOf or oneOf
	parts      []*def
	items      *def
	members    []member
	required   map[string]bool
	additional *def
	target     *def // of a reference
}

type member struct {
	name string
	def  *def
}

func (d *def) member(name string) *def {
	for _, m := range d.members {
		if m.name == name {
			return m.def
		}
	}
	return nil
}

// Parse reads a JSON Schema document. refs are the texts of the documents to which it refers, by the names that it calls
// them.
func Parse(text string, refs map[string]string) (*Schema, error) {
	r := reader{refs: refs, documents: map[string]json.RawMessage{"": json.RawMessage(text)}, known: map[string]*def{}}
	root, err := r.at("", "")
	if err != nil {
		return nil, fmt.Errorf("reading a JSON Schema: %w", err)
	}
	return &Schema{text: text, refs: refs, root: root}, nil
}

// reader reads the schemas of documents, each place once.
type reader struct {
	refs      map[string]string
	documents map[string]json.RawMessage
	known     map[string]*def
	depth     int
}

// deepest is how deep schemas may nest.
const deepest = 500

// at reads the schema at a JSON pointer of a document.
func (r *reader) at(document, pointer string) (*def, error) {
	place := document + "#" + pointer
	if d := r.known[place]; d != nil {
		return d, nil
	}
	raw, err := r.find(document, pointer)
	if err != nil {
		return nil, err
	}
	d := &def{}
	r.known[place] = d
	return d, r.fill(d, raw, document, pointer)
}

func (r *reader) find(document, pointer string) (json.RawMessage, error) {
	raw, ok := r.documents[document]
	if !ok {
		text, ok := r.refs[document]
		if !ok {
			return nil, fmt.Errorf("it refers to %q, to which the registry has no reference", document)
		}
		raw = json.RawMessage(text)
		r.documents[document] = raw
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if part == "" {
			continue
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		var inner map[string]json.RawMessage
		var list []json.RawMessage
		switch {
		case json.Unmarshal(raw, &inner) == nil && inner[part] != nil:
			raw = inner[part]
		case json.Unmarshal(raw, &list) == nil:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(list) {
				return nil, fmt.Errorf("there is no %q in %q", pointer, document)
			}
			raw = list[i]
		default:
			return nil, fmt.Errorf("there is no %q in %q", pointer, document)
		}
	}
	return raw, nil
}

func (r *reader) fill(d *def, raw json.RawMessage, document, pointer string) error {
	if r.depth++; r.depth > deepest {
		return errors.New("it nests too deep")
	}
	defer func() { r.depth-- }()
	raw = bytes.TrimSpace(raw)
	switch string(raw) {
	case "true":
		return nil
	case "false":
		d.kind = nothing
		return nil
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(raw, &keys); err != nil {
		return fmt.Errorf("a schema is an object or a boolean, not %.40s", raw)
	}
	if ref, ok := keys["$ref"]; ok {
		return r.refer(d, ref, keys, document)
	}
	x := extraction{reader: r, keys: keys, document: document, pointer: pointer}
	if err := x.all(); err != nil {
		return err
	}
	switch len(x.found) {
	case 0:
	case 1:
		*d = *x.found[0]
	default:
		*d = def{kind: combined, criterion: "allOf", parts: x.found}
	}
	return d.describe(keys)
}

// refer makes d a reference.
func (r *reader) refer(d *def, raw json.RawMessage, keys map[string]json.RawMessage, document string) error {
	var to string
	if err := json.Unmarshal(raw, &to); err != nil {
		return errors.New("a $ref is a string")
	}
	name, pointer, _ := strings.Cut(to, "#")
	if name == "" {
		name = document
	}
	if pointer != "" && !strings.HasPrefix(pointer, "/") {
		at, err := r.byID(name, "#"+pointer)
		if err != nil {
			return err
		}
		pointer = at
	}
	d.kind = reference
	var err error
	if d.target, err = r.at(name, pointer); err != nil {
		return err
	}
	return d.describe(keys)
}

// byID finds the place of the schema that calls itself by an id.
func (r *reader) byID(document, id string) (string, error) {
	raw, err := r.find(document, "")
	if err != nil {
		return "", err
	}
	if at, ok := idWithin(raw, id, "", 0); ok {
		return at, nil
	}
	return "", fmt.Errorf("there is no %q in %q", id, document)
}

func idWithin(raw json.RawMessage, id, at string, depth int) (string, bool) {
	var keys map[string]json.RawMessage
	if depth > deepest || json.Unmarshal(raw, &keys) != nil {
		return "", false
	}
	for _, key := range []string{"$id", "id", "$anchor"} {
		var given string
		if json.Unmarshal(keys[key], &given) == nil && (given == id || key == "$anchor" && "#"+given == id) {
			return at, true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		escaped := strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		if found, ok := idWithin(keys[name], id, at+"/"+escaped, depth+1); ok {
			return found, true
		}
	}
	return "", false
}

// describe takes what a schema says besides its type.
func (d *def) describe(keys map[string]json.RawMessage) error {
	for key, to := range map[string]any{
		"title": &d.title, "description": &d.doc, indexKey: &d.index, versionKey: &d.version, typeKey: &d.connectType,
		nameKey: &d.name, docKey: &d.note,
	} {
		raw, ok := keys[key]
		if !ok {
			continue
		}
		if err := json.Unmarshal(raw, to); err != nil {
			return fmt.Errorf("reading %s: %w", key, err)
		}
	}
	if raw, ok := keys["default"]; ok {
		d.preset = raw
	}
	raw, ok := keys[paramsKey]
	if !ok {
		return nil
	}
	var params map[string]string
	if err := json.Unmarshal(raw, &params); err != nil {
		return fmt.Errorf("reading %s: %w", paramsKey, err)
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		d.params = append(d.params, schema.Param{Name: name, Value: params[name]})
	}
	return nil
}
