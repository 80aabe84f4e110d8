package config

import "strings"

// Prefixed returns the settings whose names start with prefix, without it, in a map of the caller's own.
func Prefixed[V Text](values map[string]V, prefix string) map[string]V {
	out := make(map[string]V)
	for name, v := range values {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			out[rest] = v
		}
	}
	return out
}

// rest takes the settings under a prefix that nobody declared.
type rest struct {
	prefix string
	into   *map[string]Secret
}

// Rest takes the settings whose names start with prefix and that are not declared, by their names without it: what a plugin
// hands on to a library of its own, as Kafka's originalsWithPrefix serves for. Null is left out. Who hands them on may be the
// first who sees that one is wrong.
func (d *Def) Rest(p *map[string]Secret, prefix string) {
	d.rests = append(d.rests, rest{prefix, p})
}

// restOf are the settings that r is for.
func restOf[V Text](r rest, d *Def, values map[string]V) map[string]Secret {
	var out map[string]Secret
	for name, v := range Prefixed(values, r.prefix) {
		text, notNull := textOf(v)
		if !notNull || d.byName[r.prefix+name] != nil {
			continue
		}
		if out == nil {
			out = map[string]Secret{}
		}
		out[name] = NewSecret(trim(text))
	}
	return out
}

// prefixedRecommender sees the settings of its own plugin only, without the prefix.
type prefixedRecommender struct {
	prefix string
	inner  Recommender
}

// ValidValues implements Recommender.
func (p prefixedRecommender) ValidValues(name string, parsed map[string]any) ([]any, error) {
	return p.inner.ValidValues(strings.TrimPrefix(name, p.prefix), p.own(parsed))
}

// Visible implements Recommender.
func (p prefixedRecommender) Visible(name string, parsed map[string]any) bool {
	return p.inner.Visible(strings.TrimPrefix(name, p.prefix), p.own(parsed))
}

func (p prefixedRecommender) own(parsed map[string]any) map[string]any {
	out := make(map[string]any)
	for name, v := range parsed {
		if rest, ok := strings.CutPrefix(name, p.prefix); ok {
			out[rest] = v
		}
	}
	return out
}
