package table

import (
	"bytes"
	"strings"
)

// The longest keys, in bytes.
const (
	maxHashKey  = 2048
	maxRangeKey = 1024
)

// A keyPart is one attribute of a table's key.
type keyPart struct {
	Name string
	Type string // S, N or B
}

// parts are the hash key and, where the table has one, the range key.
func (s *schema) parts() []keyPart {
	if s.Range.Name == "" {
		return []keyPart{s.Hash}
	}
	return []keyPart{s.Hash, s.Range}
}

func (s *schema) isKey(name string) bool {
	return name == s.Hash.Name || name == s.Range.Name && name != ""
}

// keyOf is where an item to be put lies in its bucket.
func (s *schema) keyOf(it item) ([]byte, error) {
	for _, part := range s.parts() {
		v, ok := it[part.Name]
		if !ok {
			return nil, invalid("One or more parameter values were invalid: Missing the key %s in the item", part.Name)
		}
		if v.kind.tag() != part.Type {
			return nil, invalid("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", part.Name, part.Type, v.kind.tag())
		}
	}
	return s.place(it)
}

// exactKey is where the item of a key lies in its bucket. A key has the key's attributes and no others.
func (s *schema) exactKey(key item) ([]byte, error) {
	if key == nil {
		return nil, invalid("1 validation error detected: Value null at 'key' failed to satisfy constraint: Member must not be null")
	}
	for _, part := range s.parts() {
		if key[part.Name].kind.tag() != part.Type || len(key) != len(s.parts()) {
			return nil, invalid("The provided key element does not match the schema")
		}
	}
	return s.place(key)
}

// place encodes the key attributes of an item, whose types were checked, so that bytes order as keys do: by hash key, then by range key.
func (s *schema) place(it item) ([]byte, error) {
	for i, part := range s.parts() {
		v := it[part.Name]
		longest := []int{maxHashKey, maxRangeKey}[i]
		if err := checkKeyValue(part.Name, v); err != nil {
			return nil, err
		}
		if v.kind != kindN && len(v.text) > longest {
			return nil, invalid("One or more parameter values were invalid: Size of %skey has exceeded the maximum size limit of %d bytes", []string{"hash", "range"}[i], longest)
		}
	}
	place := hashPrefix(it[s.Hash.Name])
	if s.Range.Name != "" {
		place = appendRange(place, it[s.Range.Name])
	}
	return place, nil
}

func checkKeyValue(name string, v value) error {
	if v.kind != kindN && v.text == "" {
		noun := map[kind]string{kindS: "string", kindB: "binary"}[v.kind]
		return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", noun, name)
	}
	return nil
}

// hashPrefix is what all items of one hash key begin with; no other hash key's prefix begins with it.
func hashPrefix(v value) []byte {
	if v.kind == kindN {
		return v.number().appendOrdered(nil)
	}
	// A zero byte would look like the end, so it is written as 00 ff; the end is 00 01.
	return append([]byte(strings.ReplaceAll(v.text, "\x00", "\x00\xff")), 0, 1)
}

func appendRange(place []byte, v value) []byte {
	if v.kind == kindN {
		return v.number().appendOrdered(place)
	}
	return append(place, v.text...)
}

// A span is a stretch of a bucket's keys; nil bounds are open. from belongs to it, to does not.
type span struct{ from, to []byte }

func (s span) contains(place []byte) bool {
	return bytes.Compare(place, s.from) >= 0 && (s.to == nil || bytes.Compare(place, s.to) < 0)
}

// after is the first key behind all that begin with prefix; nil if there is none.
func after(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// next is the first key behind place.
func next(place []byte) []byte { return append(bytes.Clone(place), 0) }

// keySpan turns a parsed key condition into the stretch of keys it selects.
func (s *schema) keySpan(c condition) (span, error) {
	var parts []condition
	if err := splitKeyCondition(c, &parts); err != nil {
		return span{}, err
	}
	found := map[string]condition{}
	for _, part := range parts {
		name, err := s.keyConditionName(part)
		if err != nil {
			return span{}, err
		}
		if found[name] != nil {
			return span{}, invalid("KeyConditionExpressions must only contain one condition per key")
		}
		found[name] = part
	}
	if len(parts) > 2 || found[s.Hash.Name] == nil || len(parts) == 2 && (s.Range.Name == "" || found[s.Range.Name] == nil) {
		return span{}, invalid("Query condition missed key schema element: %s", s.missed(found))
	}
	hash, ok := found[s.Hash.Name].(comparison)
	if !ok || hash.operator != "=" {
		return span{}, invalid("Query key condition not supported")
	}
	v, err := keyLiteral(s.Hash, hash.right)
	if err != nil {
		return span{}, err
	}
	prefix := hashPrefix(v)
	if found[s.Range.Name] == nil || s.Range.Name == "" {
		return span{prefix, after(prefix)}, nil
	}
	return s.rangeSpan(prefix, found[s.Range.Name])
}

func (s *schema) missed(found map[string]condition) string {
	if found[s.Hash.Name] == nil {
		return s.Hash.Name
	}
	return s.Range.Name
}

// splitKeyCondition collects what AND joins, normalised so that the key stands on the left.
func splitKeyCondition(c condition, parts *[]condition) error {
	unsupported := func(operator string) error {
		return invalid("Invalid operator used in KeyConditionExpression: %s", operator)
	}
	switch c := c.(type) {
	case conjunction:
		if err := splitKeyCondition(c.left, parts); err != nil {
			return err
		}
		return splitKeyCondition(c.right, parts)
	case comparison:
		if c.operator == "<>" {
			return unsupported("<>")
		}
		if c.left.path == nil && c.right.path != nil {
			mirrored := map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
			c = comparison{mirrored[c.operator], c.right, c.left}
		}
		*parts = append(*parts, c)
	case between, prefixTest:
		*parts = append(*parts, c)
	case disjunction:
		return unsupported("OR")
	case negation:
		return unsupported("NOT")
	case membership:
		return unsupported("IN")
	case containment:
		return unsupported("contains")
	case typeTest:
		return unsupported("attribute_type")
	case existence:
		if c.want {
			return unsupported("attribute_exists")
		}
		return unsupported("attribute_not_exists")
	}
	return nil
}

// keyConditionName is the attribute one part of a key condition is about.
func (s *schema) keyConditionName(c condition) (string, error) {
	var what operand
	switch c := c.(type) {
	case comparison:
		what = c.left
	case between:
		what = c.what
	case prefixTest:
		what = c.what
	}
	if what.sizeOf != nil {
		return "", invalid("KeyConditionExpressions cannot contain nested operations")
	}
	if what.path == nil {
		return "", invalid("Invalid KeyConditionExpression: no key attribute is compared")
	}
	name := what.path[0].name
	if len(what.path) > 1 && s.isKey(name) {
		return "", invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %s", name)
	}
	return name, nil
}

// keyLiteral is the value a key is compared with.
func keyLiteral(part keyPart, o operand) (value, error) {
	switch {
	case o.sizeOf != nil:
		return value{}, invalid("KeyConditionExpressions cannot contain nested operations")
	case o.literal == nil:
		return value{}, invalid("Invalid KeyConditionExpression: a key attribute must be compared with an expression attribute value")
	case o.literal.kind.tag() != part.Type:
		return value{}, invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
	}
	return *o.literal, checkKeyValue(part.Name, *o.literal)
}

// rangeSpan narrows the keys of one hash key to those a condition on the range key selects.
func (s *schema) rangeSpan(prefix []byte, c condition) (span, error) {
	all := span{prefix, after(prefix)}
	at := func(o operand) ([]byte, error) {
		v, err := keyLiteral(s.Range, o)
		return appendRange(bytes.Clone(prefix), v), err
	}
	switch c := c.(type) {
	case prefixTest:
		place, err := at(c.prefix)
		return span{place, after(place)}, err
	case between:
		low, err := at(c.low)
		if err != nil {
			return span{}, err
		}
		high, err := at(c.high)
		return span{low, next(high)}, err
	case comparison:
		place, err := at(c.right)
		switch c.operator {
		case "=":
			all = span{place, next(place)}
		case "<":
			all.to = place
		case "<=":
			all.to = next(place)
		case ">":
			all.from = next(place)
		case ">=":
			all.from = place
		}
		return all, err
	}
	return all, nil
}
