package config

import (
	"fmt"
	"slices"
	"strings"
)

// uniquer is a validator of lists whose elements must differ. Parse drops repeated ones first.
type uniquer interface{ unique() bool }

type listOf struct {
	values    oneOf // none: any
	emptyGood bool
	nullGood  bool
}

// ListOf allows lists of the texts given, each at most once. The empty list is allowed, null is refused.
func ListOf(values ...string) Validator { return listOf{values: values, emptyGood: true} }

// Unique allows lists of any texts that are not empty, each at most once.
func Unique(emptyGood, nullGood bool) Validator { return listOf{nil, emptyGood, nullGood} }

func (l listOf) unique() bool { return true }

// EnsureValid implements Validator.
func (l listOf) EnsureValid(name string, value any) error {
	list, ok := value.([]string)
	switch {
	case !ok && l.nullGood:
		return nil
	case !ok:
		return Errorf(name, "Configuration '%s' values must not be null.", name)
	case len(list) == 0 && !l.emptyGood:
		good := "any non-empty value"
		if len(l.values) > 0 {
			good = l.values.String()
		}
		return Errorf(name, "Configuration '%s' must not be empty. Valid values include: %s", name, good)
	}
	for i, s := range list {
		if slices.Contains(list[:i], s) {
			return Errorf(name, "Configuration '%s' values must not be duplicated.", name)
		}
	}
	for _, s := range list {
		if s == "" {
			return Errorf(name, "Configuration '%s' values must not be empty.", name)
		}
		if len(l.values) > 0 {
			if err := l.values.EnsureValid(name, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// String is [a, b] (empty config allowed) (null not allowed), as Kafka prints it.
func (l listOf) String() string {
	var b strings.Builder
	b.WriteString(l.values.String())
	if l.emptyGood {
		b.WriteString(" (empty config allowed)")
	} else {
		b.WriteString(" (empty not allowed)")
	}
	if l.nullGood {
		b.WriteString(" (null config allowed)")
	} else {
		b.WriteString(" (null not allowed)")
	}
	return b.String()
}

// ListSize allows lists of at most n elements.
func ListSize(n int) Validator {
	return Func(fmt.Sprintf("List containing maximum of %d elements", n), func(name string, value any) error {
		list, ok := value.([]string)
		if !ok { // Kafka's own check fails of null, too
			return Invalid(name, value, "entry must be non null")
		}
		if len(list) > n {
			return Invalid(name, value, fmt.Sprintf("exceeds maximum list size of [%d].", n))
		}
		return nil
	})
}
