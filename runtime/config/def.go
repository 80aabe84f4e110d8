package config

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Definer is anything with settings: a source, a sink, a converter, a transform, a predicate, the worker itself.
type Definer interface {
	// Define declares the settings, each bound to the variable that receives its value. It is called on a fresh value
	// before anything else and must do nothing but declare.
	Define(d *Def)
}

// DefinerFunc is a function that declares settings.
type DefinerFunc func(d *Def)

// Define calls f.
func (f DefinerFunc) Define(d *Def) { f(d) }

// Def collects declarations, in order. The zero Def is ready for use. A declaration that is wrong in itself, such as a
// default that its own check refuses, is reported by whatever uses the Def next.
type Def struct {
	keys   []*key
	byName map[string]*key
	groups []string
	rests  []rest
	errs   []error
}

// Definitions collects the declarations of t.
func Definitions(t Definer) *Def {
	d := &Def{}
	t.Define(d)
	return d
}

// String declares a STRING. Blanks around the value are cut off.
func (d *Def) String(p *string, name, def, doc string, opts ...Option) {
	d.declare(name, TypeString, def, doc, opts, func(v any) { *p, _ = v.(string) })
}

// Bool declares a BOOLEAN.
func (d *Def) Bool(p *bool, name string, def bool, doc string, opts ...Option) {
	d.declare(name, TypeBoolean, def, doc, opts, func(v any) { *p, _ = v.(bool) })
}

// Int declares an INT, which has 32 bits.
func (d *Def) Int(p *int, name string, def int, doc string, opts ...Option) {
	d.declare(name, TypeInt, def, doc, opts, func(v any) {
		n, _ := v.(int32)
		*p = int(n)
	})
}

// Short declares a SHORT.
func (d *Def) Short(p *int16, name string, def int16, doc string, opts ...Option) {
	d.declare(name, TypeShort, def, doc, opts, func(v any) { *p, _ = v.(int16) })
}

// Long declares a LONG.
func (d *Def) Long(p *int64, name string, def int64, doc string, opts ...Option) {
	d.declare(name, TypeLong, def, doc, opts, func(v any) { *p, _ = v.(int64) })
}

// Double declares a DOUBLE.
func (d *Def) Double(p *float64, name string, def float64, doc string, opts ...Option) {
	d.declare(name, TypeDouble, def, doc, opts, func(v any) { *p, _ = v.(float64) })
}

// Millis declares a LONG of milliseconds. More than a time.Duration can hold becomes the longest Duration, about 292
// years.
func (d *Def) Millis(p *time.Duration, name string, def time.Duration, doc string, opts ...Option) {
	d.declare(name, TypeLong, def.Milliseconds(), doc, opts, func(v any) {
		n, _ := v.(int64)
		*p = millis(n)
	})
}

// MillisInt declares an INT of milliseconds.
func (d *Def) MillisInt(p *time.Duration, name string, def time.Duration, doc string, opts ...Option) {
	d.declare(name, TypeInt, int(def.Milliseconds()), doc, opts, func(v any) {
		n, _ := v.(int32)
		*p = millis(int64(n))
	})
}

func millis(n int64) time.Duration {
	const most = math.MaxInt64 / int64(time.Millisecond)
	switch {
	case n > most:
		return math.MaxInt64
	case n < -most:
		return math.MinInt64
	}
	return time.Duration(n) * time.Millisecond
}

// List declares a LIST: texts separated by commas, blanks around each cut off. An empty text is an empty list. The slice
// belongs to the variable. A nil def is an empty list, as is null.
func (d *Def) List(p *[]string, name string, def []string, doc string, opts ...Option) {
	d.declare(name, TypeList, append([]string{}, def...), doc, opts, func(v any) {
		list, _ := v.([]string)
		*p = append([]string(nil), list...)
	})
}

// Class declares a CLASS: the name of a Java class, as configurations have it. Resolve says which names are good; without
// it every name is. An empty def is null.
func (d *Def) Class(p *string, name, def, doc string, opts ...Option) {
	var value any
	if def != "" {
		value = def
	}
	d.declare(name, TypeClass, value, doc, opts, func(v any) {
		c, _ := v.(ClassName)
		*p = string(c)
	})
}

// Password declares a PASSWORD, which is shown nowhere. It is required unless NullDefault or Default says otherwise.
func (d *Def) Password(p *Secret, name, doc string, opts ...Option) {
	d.declare(name, TypePassword, noDefault{}, doc, opts, func(v any) { *p, _ = v.(Secret) })
}

// Any declares a setting of type t that receives its value as Kafka's parser makes it: string, bool, int16, int32, int64,
// float64, []string, ClassName, Secret, or nil for null. def may be a text to be parsed, a value of the type, or nil for
// null.
func (d *Def) Any(p *any, name string, t Type, def any, doc string, opts ...Option) {
	d.declare(name, t, def, doc, opts, func(v any) { *p = v })
}

// Include declares the settings of t as they are, but for those that hide names.
func (d *Def) Include(t Definer, hide ...string) {
	inner := Definitions(t)
	d.errs = append(d.errs, inner.errs...)
	d.rests = append(d.rests, inner.rests...)
	for _, k := range inner.keys {
		if !slices.Contains(hide, k.name) {
			d.add(*k)
		}
	}
}

// Embed declares the settings of t under a prefix. They stand in group, or in "group: their own group", in the order in
// which Kafka documents them, numbered from order on. Checks speak of the names without the prefix, as Kafka's do.
func (d *Def) Embed(prefix, group string, order int, t Definer) {
	inner := Definitions(t)
	d.errs = append(d.errs, inner.errs...)
	for _, r := range inner.rests {
		d.rests = append(d.rests, rest{prefix + r.prefix, r.into})
	}
	for i, k := range inner.sorted() {
		d.add(k.under(prefix, group, order+i))
	}
}

func (d *Def) declare(name string, t Type, def any, doc string, opts []Option, set func(any)) {
	k := key{name: name, typ: t, def: def, doc: doc, set: set, importance: medium, order: -1, display: name}
	for _, o := range opts {
		o.apply(&k)
	}
	if _, none := k.def.(noDefault); !none {
		v, err := k.convert(k.def)
		if err == nil {
			err = k.ensureValid(v)
		}
		if err != nil {
			d.errs = append(d.errs, err)
		}
		k.def = v
	}
	d.add(k)
}

func (d *Def) add(k key) {
	if _, twice := d.byName[k.name]; twice {
		d.errs = append(d.errs, &Error{Key: k.name, Message: fmt.Sprintf("Configuration %s is defined twice.", k.name)})
		return
	}
	if k.group != "" && !slices.Contains(d.groups, k.group) {
		d.groups = append(d.groups, k.group)
	}
	if d.byName == nil {
		d.byName = make(map[string]*key)
	}
	d.byName[k.name] = &k
	d.keys = append(d.keys, &k)
}
