package config

import (
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// Text is a value in a configuration: a string, or a *string where nil is null.
type Text interface{ string | *string }

// textOf returns the value and whether it is not null.
func textOf[V Text](v V) (string, bool) {
	switch v := any(v).(type) {
	case string:
		return v, true
	case *string:
		if v != nil {
			return *v, true
		}
	}
	return "", false
}

// Parse fills the variables that targets declare. It reports every problem, not only the first as Kafka does, joined in the
// order of declaration; Errors takes them apart. Settings that nobody declared are ignored, as in Connect. A variable
// whose setting is bad is left alone.
//
// Repeated elements of a list that must not have any are dropped, as Kafka drops them; Validate does report them.
func Parse[V Text](values map[string]V, targets ...Definer) error {
	var errs []error
	for _, t := range targets {
		d := Definitions(t)
		errs = append(errs, d.problems()...)
		for _, k := range d.keys {
			raw, isSet := values[k.name]
			v, err := parseKey(k, raw, isSet)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			_, notNull := textOf(raw)
			k.assign(v, isSet && notNull)
		}
		for _, r := range d.rests {
			*r.into = restOf(r, d, values)
		}
	}
	return errors.Join(errs...)
}

func parseKey[V Text](k *key, raw V, isSet bool) (any, error) {
	v, err := valueOf(k, raw, isSet)
	if err != nil {
		return nil, err
	}
	if u, ok := k.check.(uniquer); ok && u.unique() {
		v = unique(v)
	}
	if err := k.ensureValid(v); err != nil {
		return nil, err
	}
	return v, nil
}

// valueOf returns the value before any check.
func valueOf[V Text](k *key, raw V, isSet bool) (any, error) {
	switch s, notNull := textOf(raw); {
	case isSet && !notNull:
		return nil, nil
	case isSet:
		return k.convert(s)
	case k.required():
		return nil, missing(k.name)
	}
	return k.def, nil
}

func missing(name string) *Error {
	return Errorf(name, "Missing required configuration %q which has no default value.", name)
}

func unique(v any) any {
	list, ok := v.([]string)
	if !ok {
		return v
	}
	out := make([]string, 0, len(list))
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// problems are the mistakes in the declarations themselves.
func (d *Def) problems() []error {
	errs := slices.Clone(d.errs)
	if undefined := d.undefined(); len(undefined) > 0 {
		errs = append(errs, Errorf(undefined[0], "Some configurations in are referred in the dependents, but not defined: %s",
			strings.Join(undefined, ",")))
	}
	return errs
}

// undefined returns the settings that are named as dependents but not declared.
func (d *Def) undefined() []string {
	var names []string
	for _, k := range d.keys {
		for _, name := range k.dependents {
			if d.byName[name] == nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// convert makes v, a text or a value, one of the key's type.
func (k *key) convert(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	if s, ok := v.(string); ok {
		return k.parseText(s)
	}
	var why string
	switch k.typ {
	case TypeBoolean:
		if _, ok := v.(bool); ok {
			return v, nil
		}
		return nil, Invalid(k.name, v, "Expected value to be either true or false")
	case TypeList:
		if _, ok := v.([]string); ok {
			return v, nil
		}
		return nil, Invalid(k.name, v, "Expected a comma separated list.")
	case TypeClass:
		if _, ok := v.(ClassName); ok {
			return v, nil
		}
		return nil, Invalid(k.name, v, "Expected a Class instance or class name.")
	case TypePassword:
		if _, ok := v.(Secret); ok {
			return v, nil
		}
		why = "Expected value to be a string"
	case TypeString:
		why = "Expected value to be a string"
	case TypeInt, TypeShort, TypeLong, TypeDouble:
		var ok bool
		if v, why, ok = convertNumber(k.typ, v); ok {
			return v, nil
		}
	}
	return nil, Invalid(k.name, v, why+", but it was a "+javaClass(v))
}

func convertNumber(t Type, v any) (n any, why string, ok bool) {
	if i, isInt := v.(int); isInt && i >= math.MinInt32 && i <= math.MaxInt32 {
		v = int32(i)
	}
	switch t {
	case TypeInt:
		_, ok = v.(int32)
		return v, "Expected value to be a 32-bit integer", ok
	case TypeShort:
		_, ok = v.(int16)
		return v, "Expected value to be a 16-bit integer (short)", ok
	case TypeLong:
		if i, isInt := v.(int32); isInt {
			return int64(i), "", true
		}
		_, ok = v.(int64)
		return v, "Expected value to be a 64-bit integer (long)", ok
	}
	if f, isNumber := number(v); isNumber {
		return f, "", true
	}
	return v, "Expected value to be a double", false
}

func (k *key) parseText(s string) (any, error) {
	trimmed := trim(s)
	switch k.typ {
	case TypeBoolean:
		switch {
		case strings.EqualFold(trimmed, "true"):
			return true, nil
		case strings.EqualFold(trimmed, "false"):
			return false, nil
		}
		return nil, Invalid(k.name, s, "Expected value to be either true or false")
	case TypeString:
		return trimmed, nil
	case TypePassword:
		return NewSecret(trimmed), nil
	case TypeList:
		return splitList(trimmed), nil
	case TypeClass:
		if k.resolve == nil {
			return ClassName(trimmed), nil
		}
		if class, found := k.resolve(trimmed); found {
			return ClassName(class), nil
		}
		return nil, Invalid(k.name, s, "Class "+s+" could not be found.")
	case TypeShort:
		if n, ok := parseInt(trimmed, 16); ok {
			return int16(n), nil
		}
	case TypeInt:
		if n, ok := parseInt(trimmed, 32); ok {
			return int32(n), nil
		}
	case TypeLong:
		if n, ok := parseInt(trimmed, 64); ok {
			return n, nil
		}
	case TypeDouble:
		if f, ok := schema.ParseFloat(trimmed, 64); ok {
			return f, nil
		}
	}
	return nil, Invalid(k.name, s, "Not a number of type "+string(k.typ))
}

// number is the value of a number of any type.
func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case int16:
		return float64(n), true
	case int32:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func javaClass(v any) string {
	switch v.(type) {
	case bool:
		return "java.lang.Boolean"
	case int16:
		return "java.lang.Short"
	case int, int32:
		return "java.lang.Integer"
	case int64:
		return "java.lang.Long"
	case float64:
		return "java.lang.Double"
	case []string:
		return "java.util.ArrayList"
	case ClassName:
		return "java.lang.Class"
	}
	return "java.lang.Object"
}
