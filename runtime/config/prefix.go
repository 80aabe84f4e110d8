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
