package storage

import (
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/schema/avro"
)

// kept remembers the variables of settings, so that they can be written down with the files that they shaped.
type kept []func(texts map[string]string)

// texts are the settings as texts, from which the same values are parsed again. Empty texts are left out.
func (k kept) texts() map[string]string {
	all := map[string]string{}
	for _, add := range k {
		add(all)
	}
	return all
}

// keeper declares settings and remembers them.
type keeper struct {
	*config.Def
	kept *kept
}

func (k keeper) keep(name string, text func() string) {
	*k.kept = append(*k.kept, func(texts map[string]string) {
		if t := text(); t != "" {
			texts[name] = t
		}
	})
}

// String declares a STRING.
func (k keeper) String(p *string, name, def, doc string, opts ...config.Option) {
	k.Def.String(p, name, def, doc, opts...)
	k.keep(name, func() string { return *p })
}

// Int declares an INT.
func (k keeper) Int(p *int, name string, def int, doc string, opts ...config.Option) {
	k.Def.Int(p, name, def, doc, opts...)
	k.keep(name, func() string { return strconv.Itoa(*p) })
}

// Long declares a LONG.
func (k keeper) Long(p *int64, name string, def int64, doc string, opts ...config.Option) {
	k.Def.Long(p, name, def, doc, opts...)
	k.keep(name, func() string { return strconv.FormatInt(*p, 10) })
}

// Bool declares a BOOLEAN.
func (k keeper) Bool(p *bool, name string, def bool, doc string, opts ...config.Option) {
	k.Def.Bool(p, name, def, doc, opts...)
	k.keep(name, func() string { return strconv.FormatBool(*p) })
}

// List declares a LIST.
func (k keeper) List(p *[]string, name string, def []string, doc string, opts ...config.Option) {
	k.Def.List(p, name, def, doc, opts...)
	k.keep(name, func() string { return strings.Join(*p, ",") })
}

// keepAvro remembers the settings of Avro that shape files, which it declares itself.
func (k keeper) keepAvro(o *avro.Options) {
	for name, p := range map[string]*bool{
		"enhanced.avro.schema.support": &o.Enhanced, "scrub.invalid.names": &o.Scrub, "connect.meta.data": &o.MetaData,
		"discard.type.doc.default": &o.DiscardTypeDocDefault, "allow.optional.map.keys": &o.OptionalMapKeys,
		"ignore.default.for.nullables": &o.NullsOverDefaults, "generalized.sum.type.support": &o.GeneralizedSums,
	} {
		k.keep(name, func() string { return strconv.FormatBool(*p) })
	}
}
