package config

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// Type is the type of a setting.
type Type string

// The types, as Kafka names them.
const (
	TypeBoolean  Type = "BOOLEAN"
	TypeString   Type = "STRING"
	TypeInt      Type = "INT"
	TypeShort    Type = "SHORT"
	TypeLong     Type = "LONG"
	TypeDouble   Type = "DOUBLE"
	TypeList     Type = "LIST"
	TypeClass    Type = "CLASS"
	TypePassword Type = "PASSWORD"
)

// ClassName is the value of a CLASS.
type ClassName string

// noDefault is the default of a setting that must be given.
type noDefault struct{}

// key is one declared setting.
type key struct {
	name        string
	typ         Type
	def         any // parsed; nil is null; noDefault means required
	doc         string
	set         func(any)
	given       *bool
	check       Validator
	importance  importance
	group       string
	order       int // in the group; -1: none
	width       Width
	display     string
	dependents  []string
	recommender Recommender
	resolve     Resolver
	internal    bool
	borrowed    bool
	deprecated  string
}

func (k *key) required() bool {
	_, none := k.def.(noDefault)
	return none
}

// assign hands the value to the variable. given tells whether the user gave it, and not null.
func (k *key) assign(v any, given bool) {
	k.set(v)
	if k.given != nil {
		*k.given = given
	}
}

// ensureValid asks the check. What it says is about this setting, whatever name the check knows it by.
func (k *key) ensureValid(v any) error {
	if k.check == nil {
		return nil
	}
	err := k.check.EnsureValid(k.name, v)
	var e *Error
	if !errors.As(err, &e) || e.Key == k.name {
		return err
	}
	named := *e
	named.Key = k.name
	return &named
}

// under is the key as it is when its plugin's settings are embedded under a prefix.
func (k *key) under(prefix, group string, order int) key {
	in := *k
	in.name = prefix + k.name
	in.order = order
	in.group = group
	if k.group != "" {
		in.group += ": " + k.group
	}
	if k.check != nil {
		in.check = prefixedValidator{prefix, k.check}
	}
	if k.recommender != nil {
		in.recommender = prefixedRecommender{prefix, k.recommender}
	}
	in.dependents = make([]string, len(k.dependents))
	for i, name := range k.dependents {
		in.dependents[i] = prefix + name
	}
	return in
}

// sorted returns the keys in the order in which Kafka documents them: by group, place in the group, required ones first,
// importance, name.
func (d *Def) sorted() []*key {
	keys := slices.Clone(d.keys)
	group := func(k *key) int {
		if k.group == "" {
			return -1
		}
		return slices.Index(d.groups, k.group)
	}
	required := func(k *key) int {
		if k.required() {
			return 0
		}
		return 1
	}
	slices.SortFunc(keys, func(a, b *key) int {
		return cmp.Or(
			cmp.Compare(group(a), group(b)),
			cmp.Compare(a.order, b.order),
			cmp.Compare(required(a), required(b)),
			cmp.Compare(a.importance, b.importance),
			strings.Compare(a.name, b.name),
		)
	})
	return keys
}
