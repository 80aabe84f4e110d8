package runtime

import (
	"slices"

	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/transform"
)

// plugins are the converters, transforms and predicates that a configuration may name: literal tables, so that what a
// binary contains can be read here.
func plugins() connector.Plugins {
	return connector.Plugins{
		Converters:       slices.Concat(convert.Converters(), registryConverters()),
		HeaderConverters: convert.HeaderConverters(),
		Transforms:       transform.Transforms(),
		Predicates:       transform.Predicates(),
		Version:          Version,
	}
}

// Plugins are the converters, transforms and predicates that every function has.
func Plugins() connector.Plugins { return plugins() }
