package config

import (
	"errors"
	"slices"
)

// Value is what validation found out about one setting.
type Value struct {
	Name string
	// Value is the text of the parsed value or default, nil for null or when it cannot be parsed. Secrets are hidden.
	Value *string
	// Errors are Kafka's messages. A value may have several.
	Errors []string
	// Recommended are texts of values that are good. None means nobody recommends any.
	Recommended []string
	// Visible tells whether the setting is of use, given the others.
	Visible bool
	// Parsed is the parsed value: what Validator.EnsureValid is shown.
	Parsed any
}

// Validate judges every setting that targets declare, in order of declaration, and changes no variable. Several targets
// may declare the same name: it is then judged by each.
func Validate[V Text](values map[string]V, targets ...Definer) []Value {
	var all []Value
	for _, t := range targets {
		all = append(all, validate(values, Definitions(t))...)
	}
	return all
}

func validate[V Text](values map[string]V, d *Def) []Value {
	found := make([]Value, len(d.keys))
	parsed := make(map[string]any, len(d.keys))
	undefined := d.undefined()
	judged := d.judged()
	for i, k := range d.keys {
		v := &found[i]
		*v = Value{Name: k.name, Visible: true}
		if !judged[k.name] {
			continue
		}
		raw, isSet := values[k.name]
		value, err := valueOf(k, raw, isSet)
		v.add(err)
		v.add(k.ensureValid(value))
		v.Parsed, v.Value = value, text(value)
		parsed[k.name] = value
	}
	for i, k := range d.keys {
		if k.recommender == nil || !judged[k.name] {
			continue
		}
		good, err := k.recommender.ValidValues(k.name, parsed)
		if err != nil {
			found[i].add(err)
			continue
		}
		for _, g := range good {
			if s := text(g); s != nil {
				found[i].Recommended = append(found[i].Recommended, *s)
			}
		}
		found[i].Visible = k.recommender.Visible(k.name, parsed)
	}
	for _, name := range undefined {
		found = append(found, Value{Name: name, Errors: []string{name + " is referred in the dependents, but not defined."}})
	}
	for _, err := range d.errs {
		found = report(found, err)
	}
	for i, k := range slices.Backward(d.keys) {
		if k.borrowed {
			found = slices.Delete(found, i, i+1)
		}
	}
	return found
}

// judged returns the settings that are reached from those on which nothing depends. Settings that only depend on each
// other in a circle are never looked at, as in Kafka.
func (d *Def) judged() map[string]bool {
	depends := make(map[string]bool)
	for _, k := range d.keys {
		for _, name := range k.dependents {
			depends[name] = true
		}
	}
	reached := make(map[string]bool, len(d.keys))
	var visit func(k *key)
	visit = func(k *key) {
		if k == nil || reached[k.name] {
			return
		}
		reached[k.name] = true
		for _, name := range k.dependents {
			visit(d.byName[name])
		}
	}
	for _, k := range d.keys {
		if !depends[k.name] {
			visit(k)
		}
	}
	return reached
}

func (v *Value) add(err error) {
	if err != nil {
		v.Errors = append(v.Errors, err.Error())
	}
}

// report adds an error to the value it is about, which it appends when it is not there yet.
func report(values []Value, err error) []Value {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Message: err.Error()}
	}
	i := slices.IndexFunc(values, func(v Value) bool { return v.Name == e.Key })
	if i < 0 {
		return append(values, Value{Name: e.Key, Errors: []string{e.Message}, Visible: true})
	}
	values[i].Errors = append(values[i].Errors, e.Message)
	return values
}

// Report adds errors to the values they are about, such as those a plugin's own Validate returned. An error about a
// setting that nobody declared appends a Value; an error that names no setting has an empty name.
func Report(values []Value, err error) []Value {
	if err == nil {
		return values
	}
	named := Errors(err)
	if len(named) == 0 {
		return report(values, err)
	}
	for _, e := range named {
		values = report(values, e)
	}
	return values
}
