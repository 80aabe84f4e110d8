package jsonschema

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// extraction takes from the keywords of one schema all that they say about the type. If that is more than one thing, all
// of it holds.
type extraction struct {
	*reader
	keys              map[string]json.RawMessage
	document, pointer string
	found             []*def
}

func (x *extraction) all() error {
	for _, step := range []func() error{x.enum, x.combinations, x.rest, x.types} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (x *extraction) child(path ...string) (*def, error) {
	var pointer strings.Builder
	pointer.WriteString(x.pointer)
	for _, part := range path {
		pointer.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
	}
	return x.at(x.document, pointer.String())
}

func (x *extraction) enum() error {
	if raw, ok := x.keys["enum"]; ok {
		d := &def{kind: enumeration}
		if err := unmarshal(raw, &d.values); err != nil {
			return fmt.Errorf("reading enum: %w", err)
		}
		x.found = append(x.found, d)
	}
	return nil
}

func (x *extraction) combinations() error {
	for _, criterion := range []string{"allOf", "anyOf", "oneOf"} {
		raw, ok := x.keys[criterion]
		if !ok {
			continue
		}
		var parts []json.RawMessage
		if err := json.Unmarshal(raw, &parts); err != nil {
			return fmt.Errorf("reading %s: %w", criterion, err)
		}
		d := &def{kind: combined, criterion: criterion}
		for i := range parts {
			part, err := x.child(criterion, strconv.Itoa(i))
			if err != nil {
				return err
			}
			d.parts = append(d.parts, part)
		}
		x.found = append(x.found, d)
	}
	return nil
}

func (x *extraction) rest() error {
	if _, ok := x.keys["not"]; ok {
		x.found = append(x.found, &def{kind: negation})
	}
	if raw, ok := x.keys["const"]; ok {
		var v any
		if err := unmarshal(raw, &v); err != nil {
			return fmt.Errorf("reading const: %w", err)
		}
		x.found = append(x.found, &def{kind: enumeration, constant: true, values: []any{v}})
	}
	if x.has("if", "then", "else") {
		x.found = append(x.found, &def{kind: conditional})
	}
	return nil
}

func (x *extraction) has(keys ...string) bool {
	for _, key := range keys {
		if _, ok := x.keys[key]; ok {
			return true
		}
	}
	return false
}

// types takes the type, or what the other keywords tell of it.
func (x *extraction) types() error {
	raw, ok := x.keys["type"]
	if !ok {
		return x.sniff()
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		d, err := x.typed(one)
		if err != nil {
			return err
		}
		x.found = append(x.found, d)
		return nil
	}
	var many []string
	if err := json.Unmarshal(raw, &many); err != nil {
		return fmt.Errorf("reading type: %w", err)
	}
	d := &def{kind: combined, criterion: "anyOf"}
	for _, name := range many {
		part, err := x.typed(name)
		if err != nil {
			return err
		}
		d.parts = append(d.parts, part)
	}
	x.found = append(x.found, d)
	return nil
}

func (x *extraction) sniff() error {
	for _, sign := range []struct {
		typ  string
		keys []string
	}{
		{"array", []string{"items", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains", "prefixItems"}},
		{"object", []string{
			"properties", "required", "minProperties", "maxProperties", "dependencies", "patternProperties", "additionalProperties",
			"propertyNames",
		}},
		{"number", []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}},
		{"string", []string{"minLength", "maxLength", "pattern", "format"}},
	} {
		if !x.has(sign.keys...) {
			continue
		}
		d, err := x.typed(sign.typ)
		if err != nil {
			return err
		}
		x.found = append(x.found, d)
	}
	return nil
}

func (x *extraction) typed(name string) (*def, error) {
	d := &def{}
	if raw, ok := x.keys[typeKey]; ok { // each of several types has it
		if err := json.Unmarshal(raw, &d.connectType); err != nil {
			return nil, fmt.Errorf("reading %s: %w", typeKey, err)
		}
	}
	switch name {
	case "null":
		d.kind = null
	case "boolean":
		d.kind = boolean
	case "integer":
		d.kind, d.integer = number, true
	case "number":
		d.kind = number
	case "string":
		d.kind, d.format = text, x.has("format")
	case "array":
		return d, x.array(d)
	case "object":
		return d, x.object(d)
	default:
		return nil, fmt.Errorf("there is no type %q", name)
	}
	return d, nil
}

func (x *extraction) array(d *def) (err error) {
	d.kind = array
	if raw, ok := x.keys["items"]; ok && !strings.HasPrefix(strings.TrimSpace(string(raw)), "[") {
		d.items, err = x.child("items")
	}
	return err
}

func (x *extraction) object(d *def) error {
	d.kind = object
	order := schema.NewHashMap(0) // Java's order, which becomes that of the fields
	if raw, ok := x.keys["properties"]; ok {
		if err := eachName(raw, func(name string) { order.Set(name, true) }); err != nil {
			return fmt.Errorf("reading properties: %w", err)
		}
	}
	for key := range order.All() {
		name, _ := key.(string)
		inner, err := x.child("properties", name)
		if err != nil {
			return err
		}
		d.members = append(d.members, member{name, inner})
	}
	if raw, ok := x.keys["required"]; ok {
		var required []string
		if err := json.Unmarshal(raw, &required); err != nil {
			return fmt.Errorf("reading required: %w", err)
		}
		d.required = map[string]bool{}
		for _, name := range required {
			d.required[name] = true
		}
	}
	if raw, ok := x.keys["additionalProperties"]; ok && strings.HasPrefix(strings.TrimSpace(string(raw)), "{") {
		var err error
		if d.additional, err = x.child("additionalProperties"); err != nil {
			return err
		}
	}
	return nil
}

// eachName calls f with the names of an object's members in their order.
func eachName(raw json.RawMessage, f func(name string)) error {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New("they are no object")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		f(name)
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
	}
	return nil
}

// unmarshal keeps numbers as they are written.
func unmarshal(raw json.RawMessage, to any) error {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	return d.Decode(to)
}
