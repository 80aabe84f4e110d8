package config

import (
	"slices"
	"strings"
)

// Validator looks at values.
type Validator interface {
	// EnsureValid returns an error, as Invalid makes it, when value is not good for the setting called name. value is
	// string, bool, int16, int32, int64, float64, []string, ClassName or Secret, or nil for null.
	EnsureValid(name string, value any) error
	// String says which values are good, for documentation.
	String() string
}

// Number is a type of numbers.
type Number interface {
	int | int16 | int32 | int64 | float64
}

type span struct{ least, most any }

// Between allows numbers from least to most. Null is refused.
func Between[N Number](least, most N) Validator { return span{least, most} }

// AtLeast allows numbers from least on. Null is refused.
func AtLeast[N Number](least N) Validator { return span{least, nil} }

// Bounds allows numbers from least to most, which may be of different types. A bound that is nil is none.
func Bounds(least, most any) Validator { return span{least, most} }

// EnsureValid implements Validator.
func (s span) EnsureValid(name string, value any) error {
	n, ok := number(value)
	if !ok {
		return Invalid(name, value, "Value must be non-null")
	}
	if least, ok := number(s.least); ok && n < least {
		return Invalid(name, value, "Value must be at least "+Print(s.least))
	}
	if most, ok := number(s.most); ok && n > most {
		return Invalid(name, value, "Value must be no more than "+Print(s.most))
	}
	return nil
}

// String is [1,...,10], as Kafka prints it.
func (s span) String() string {
	switch {
	case s.least == nil && s.most == nil:
		return "[...]"
	case s.least == nil:
		return "[...," + Print(s.most) + "]"
	case s.most == nil:
		return "[" + Print(s.least) + ",...]"
	}
	return "[" + Print(s.least) + ",...," + Print(s.most) + "]"
}

type oneOf []string

// In allows the texts given. Null is refused.
func In(values ...string) Validator { return oneOf(values) }

// EnsureValid implements Validator.
func (o oneOf) EnsureValid(name string, value any) error {
	if s, ok := value.(string); ok && slices.Contains(o, s) {
		return nil
	}
	return Invalid(name, value, "String must be one of: "+strings.Join(o, ", "))
}

// String is [a, b], as Kafka prints it.
func (o oneOf) String() string { return Print([]string(o)) }

type oneOfFold []string

// CaseInsensitiveIn allows the texts given, in any case. Null is refused.
func CaseInsensitiveIn(values ...string) Validator {
	upper := make(oneOfFold, len(values))
	for i, v := range values {
		upper[i] = strings.ToUpper(v)
	}
	return upper
}

// EnsureValid implements Validator.
func (o oneOfFold) EnsureValid(name string, value any) error {
	if s, ok := value.(string); ok && slices.Contains(o, strings.ToUpper(s)) {
		return nil
	}
	return Invalid(name, value, "String must be one of (case insensitive): "+strings.Join(o, ", "))
}

// String is (case insensitive) [A, B], as Kafka prints it.
func (o oneOfFold) String() string { return "(case insensitive) " + Print([]string(o)) }

type check struct {
	description string
	f           func(name string, value any) error
}

// Func makes a validator of a function. f should answer with what Invalid or Errorf return.
func Func(description string, f func(name string, value any) error) Validator {
	return check{description, f}
}

// EnsureValid implements Validator.
func (c check) EnsureValid(name string, value any) error { return c.f(name, value) }

// String is the description.
func (c check) String() string { return c.description }

// NonNull refuses null.
func NonNull() Validator {
	return Func("non-null string", func(name string, value any) error {
		if value == nil {
			return Invalid(name, nil, "entry must be non null")
		}
		return nil
	})
}

// NonEmpty refuses the empty text. Null is allowed.
func NonEmpty() Validator {
	return Func("non-empty string", func(name string, value any) error {
		if value == "" {
			return Invalid(name, value, "String must be non-empty")
		}
		return nil
	})
}

// NonEmptyWithoutControlChars refuses the empty text and control characters. Null is allowed.
func NonEmptyWithoutControlChars() Validator {
	return Func("non-empty string without ISO control characters", func(name string, value any) error {
		s, ok := value.(string)
		if !ok {
			return nil
		}
		if s == "" {
			return Invalid(name, value, "String may not be empty")
		}
		var found []string
		for _, r := range s {
			if r < 0x20 || r >= 0x7f && r <= 0x9f {
				found = append(found, Print(r))
			}
		}
		if found == nil {
			return nil
		}
		return Invalid(name, value,
			"String may not contain control sequences but had the following ASCII chars: "+strings.Join(found, ", "))
	})
}

type all []Validator

// All asks several validators and stops at the first that refuses.
func All(validators ...Validator) Validator { return all(validators) }

// EnsureValid implements Validator.
func (a all) EnsureValid(name string, value any) error {
	for _, v := range a {
		if err := v.EnsureValid(name, value); err != nil {
			return err
		}
	}
	return nil
}

// String lists the validators.
func (a all) String() string {
	texts := make([]string, len(a))
	for i, v := range a {
		texts[i] = v.String()
	}
	return strings.Join(texts, ", ")
}

// prefixedValidator speaks of a setting without the prefix it was embedded under.
type prefixedValidator struct {
	prefix string
	Validator
}

// EnsureValid implements Validator.
func (p prefixedValidator) EnsureValid(name string, value any) error {
	return p.Validator.EnsureValid(strings.TrimPrefix(name, p.prefix), value)
}
