package datagen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// avro is a parsed Avro schema.
type avro struct {
	kind      string // a primitive type's name, or record, enum, fixed, array, map, union
	namespace string
	name      string // of a record, an enum or a fixed, without namespace
	doc       string
	fields    []avroField
	symbols   []string
	symbol    string // an enum's default
	size      int    // of a fixed
	items     *avro  // of an array or, its values, of a map
	branches  []*avro
	logical   string
	precision int
	scale     int
	args      map[string]any // arg.properties
}

type avroField struct {
	name       string
	doc        string
	hasDefault bool
	def        any
	typ        *avro
}

// fullName is the name with its namespace.
func (a *avro) fullName() string {
	if a.namespace == "" {
		return a.name
	}
	return a.namespace + "." + a.name
}

// parser knows the named types met so far.
type parser struct {
	named map[string]*avro
	open  map[string]bool // those that are being parsed
}

// parseAvro parses a schema in Avro's JSON form. Numbers in arg.properties and defaults stay json.Number.
func parseAvro(text []byte) (*avro, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading JSON: there is more behind the schema")
	}
	p := parser{named: map[string]*avro{}, open: map[string]bool{}}
	return p.parse(v, "")
}

func isPrimitive(kind string) bool {
	switch kind {
	case "null", "boolean", "int", "long", "float", "double", "bytes", "string":
		return true
	}
	return false
}

// parse parses the schema v, which stands in a namespace.
func (p *parser) parse(v any, namespace string) (*avro, error) {
	switch v := v.(type) {
	case string:
		return p.reference(v, namespace)
	case []any:
		return p.union(v, namespace)
	case map[string]any:
		return p.object(v, namespace)
	}
	return nil, fmt.Errorf("%v is not a schema: want a name, an object or a list", v)
}

func (p *parser) reference(name, namespace string) (*avro, error) {
	if isPrimitive(name) {
		return &avro{kind: name}, nil
	}
	full := name
	if !strings.Contains(name, ".") && namespace != "" {
		full = namespace + "." + name
	}
	for _, n := range []string{full, name} {
		if p.open[n] {
			return nil, fmt.Errorf("type %s contains itself, and such data would have no end", n)
		}
		if t := p.named[n]; t != nil {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%q is not a type that is known here", name)
}

func (p *parser) union(list []any, namespace string) (*avro, error) {
	u := &avro{kind: "union"}
	for _, v := range list {
		b, err := p.parse(v, namespace)
		if err != nil {
			return nil, err
		}
		if b.kind == "union" {
			return nil, errors.New("a union stands directly in a union")
		}
		if slices.ContainsFunc(u.branches, func(o *avro) bool { return o.branchName() == b.branchName() }) {
			return nil, fmt.Errorf("a union has %s twice", b.branchName())
		}
		u.branches = append(u.branches, b)
	}
	if len(u.branches) == 0 {
		return nil, errors.New("a union is empty")
	}
	return u, nil
}

// branchName names a type within a union.
func (a *avro) branchName() string {
	if a.name != "" {
		return a.name
	}
	return a.kind
}

func (p *parser) object(o map[string]any, namespace string) (*avro, error) {
	kind, ok := o["type"].(string)
	if !ok {
		if o["type"] == nil {
			return nil, errors.New(`an object without "type" is not a schema`)
		}
		return p.parse(o["type"], namespace) // {"type": {…}} says no more than {…}
	}
	a := &avro{kind: kind}
	if err := a.attributes(o); err != nil {
		return nil, err
	}
	var err error
	switch kind {
	case "record", "error", "enum", "fixed":
		return a, p.namedType(a, o, namespace)
	case "array":
		a.items, err = p.part(o, "items", namespace)
	case "map":
		a.items, err = p.part(o, "values", namespace)
	default:
		if !isPrimitive(kind) {
			return p.reference(kind, namespace)
		}
	}
	return a, err
}

// part parses the schema of an array's items or a map's values.
func (p *parser) part(o map[string]any, key, namespace string) (*avro, error) {
	if o[key] == nil {
		return nil, fmt.Errorf("type %s has no %q", o["type"], key)
	}
	t, err := p.parse(o[key], namespace)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return t, nil
}

// attributes reads what any type may have.
func (a *avro) attributes(o map[string]any) (err error) {
	a.doc, _ = o["doc"].(string)
	a.logical, _ = o["logicalType"].(string)
	if args, ok := o["arg.properties"]; ok {
		if a.args, ok = args.(map[string]any); !ok {
			return errors.New("arg.properties must be an object")
		}
	}
	if a.logical != "decimal" {
		return nil
	}
	if a.precision, err = whole(o, "precision", 0); err != nil {
		return err
	}
	a.scale, err = whole(o, "scale", 0)
	return err
}

// whole reads a number that fits Java's int.
func whole(o map[string]any, key string, def int) (int, error) {
	v, ok := o[key]
	if !ok {
		return def, nil
	}
	n, ok := v.(json.Number)
	if !ok {
		return 0, fmt.Errorf("%s must be a whole number", key)
	}
	i, err := n.Int64()
	if err != nil || i != int64(int32(i)) {
		return 0, fmt.Errorf("%s must be a whole number, and %s is not", key, n)
	}
	return int(i), nil
}

func (p *parser) namedType(a *avro, o map[string]any, namespace string) error {
	name, _ := o["name"].(string)
	if name == "" {
		return fmt.Errorf("a type %s has no name", a.kind)
	}
	a.namespace, a.name = namespace, name
	if ns, ok := o["namespace"].(string); ok {
		a.namespace = ns
	}
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		a.namespace, a.name = name[:i], name[i+1:]
	}
	for part := range strings.SplitSeq(a.fullName(), ".") {
		if !goodName(part) {
			return fmt.Errorf("%q is not a name of a type", name)
		}
	}
	full := a.fullName()
	if p.named[full] != nil || p.open[full] {
		return fmt.Errorf("type %s is defined twice", full)
	}
	p.open[full] = true
	err := p.body(a, o)
	delete(p.open, full)
	if err != nil {
		return fmt.Errorf("%s: %w", full, err)
	}
	p.named[full] = a
	return nil
}

// goodName tells whether Avro allows a name: letters, digits and underscores, and no digit first.
func goodName(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func (p *parser) body(a *avro, o map[string]any) (err error) {
	switch a.kind {
	case "fixed":
		if a.size, err = whole(o, "size", -1); err == nil && a.size < 0 {
			err = errors.New("a fixed needs a size")
		}
		return err
	case "enum":
		a.symbol, _ = o["default"].(string)
		return a.readSymbols(o)
	}
	a.kind = "record"
	fields, ok := o["fields"].([]any)
	if !ok {
		return errors.New("a record needs a list of fields")
	}
	for _, v := range fields {
		f, err := p.field(v, a.namespace)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(a.fields, func(o avroField) bool { return o.name == f.name }) {
			return fmt.Errorf("field %s is defined twice", f.name)
		}
		a.fields = append(a.fields, f)
	}
	return nil
}

func (a *avro) readSymbols(o map[string]any) error {
	list, _ := o["symbols"].([]any)
	for _, v := range list {
		s, ok := v.(string)
		if !ok || slices.Contains(a.symbols, s) {
			return fmt.Errorf("%v is no good symbol, or there twice", v)
		}
		a.symbols = append(a.symbols, s)
	}
	if len(a.symbols) == 0 {
		return errors.New("an enum needs a list of symbols")
	}
	return nil
}

func (p *parser) field(v any, namespace string) (f avroField, err error) {
	o, _ := v.(map[string]any)
	if f.name, _ = o["name"].(string); !goodName(f.name) {
		return f, fmt.Errorf("%q is not a name of a field", f.name)
	}
	f.doc, _ = o["doc"].(string)
	f.def, f.hasDefault = o["default"]
	if o["type"] == nil {
		return f, fmt.Errorf("field %s has no type", f.name)
	}
	if f.typ, err = p.parse(o["type"], namespace); err != nil {
		return f, fmt.Errorf("field %s: %w", f.name, err)
	}
	return f, nil
}
