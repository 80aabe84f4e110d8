package avro

import (
	"fmt"
	"slices"
)

// CheckReadable tells why data that was written with w cannot be read as r, as Java's SchemaCompatibility does, or nil when
// all of it can.
func CheckReadable(w, r *Schema) error {
	c := compatibility{seen: map[[2]*Schema]bool{}}
	return c.check(w, r, "")
}

type compatibility struct {
	seen map[[2]*Schema]bool // pairs that are being checked, or were found good
}

func (c *compatibility) check(w, r *Schema, at string) error {
	pair := [2]*Schema{w, r}
	if c.seen[pair] {
		return nil
	}
	c.seen[pair] = true
	if w.Type == Union {
		for _, b := range w.Branches {
			if err := c.check(b, r, at); err != nil {
				return err
			}
		}
		return nil
	}
	if r.Type == Union {
		for _, b := range r.Branches {
			if (&compatibility{seen: map[[2]*Schema]bool{}}).check(w, b, at) == nil {
				return nil
			}
		}
		return unreadable(at, "reader union lacking writer type: %s", w.FullName())
	}
	if w.Type != r.Type {
		if promotes(w.Type, r.Type) {
			return nil
		}
		return unreadable(at, "reader type: %s not compatible with writer type: %s", r.FullName(), w.FullName())
	}
	if w.Type.isNamed() && !named(w, r) {
		return unreadable(at, "expected: %s", w.FullName())
	}
	return c.parts(w, r, at)
}

func (c *compatibility) parts(w, r *Schema, at string) error {
	switch w.Type {
	case Array, Map:
		return c.check(w.Items, r.Items, at+"/items")
	case Fixed:
		if w.Size != r.Size {
			return unreadable(at, "expected: %d, found: %d", r.Size, w.Size)
		}
	case Enum:
		for _, symbol := range w.Symbols {
			if !slices.Contains(r.Symbols, symbol) && r.EnumDefault == "" {
				return unreadable(at, "reader enum %s lacks the symbol %s", r.FullName(), symbol)
			}
		}
	case Record:
		return c.fields(w, r, at)
	default:
	}
	return nil
}

func (c *compatibility) fields(w, r *Schema, at string) error {
	for i := range r.Fields {
		f := &r.Fields[i]
		place := at + "/" + f.Name
		written := writtenField(w, f)
		switch {
		case written != nil:
			if err := c.check(written.Type, f.Type, place); err != nil {
				return err
			}
		case !f.HasDefault:
			return unreadable(place, "the field '%s' has no default value and is missing in the writer's schema", f.Name)
		}
	}
	return nil
}

// writtenField is the field of w that f is read from.
func writtenField(w *Schema, f *Field) *Field {
	if found, _ := w.Field(f.Name); found != nil {
		return found
	}
	for _, alias := range f.Aliases {
		if found, _ := w.Field(alias); found != nil {
			return found
		}
	}
	return nil
}

func unreadable(at, format string, args ...any) error {
	if at == "" {
		at = "/"
	}
	return fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
}
