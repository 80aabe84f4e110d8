package config

import "maps"

// Redact returns a copy of values in which every PASSWORD that targets declare is "[hidden]".
func Redact[V Text](values map[string]V, targets ...Definer) map[string]V {
	out := make(map[string]V, len(values))
	maps.Copy(out, values)
	for _, t := range targets {
		for _, k := range Definitions(t).keys {
			v, ok := out[k.name]
			if !ok || k.typ != TypePassword {
				continue
			}
			if _, notNull := textOf(v); notNull {
				out[k.name] = hidden[V]()
			}
		}
	}
	return out
}

func hidden[V Text]() V {
	var v V
	switch p := any(&v).(type) {
	case *string:
		*p = Hidden
	case **string:
		s := Hidden
		*p = &s
	}
	return v
}
