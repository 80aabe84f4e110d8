package runtime

import (
	"slices"

	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/convert"
	"github.com/sluice-connect/sluice/runtime/transform"
)

// Plugins are the converters, transforms and predicates that a configuration may name in every function: literal tables, so
// that what a binary contains can be read here.
func Plugins() connector.Plugins {
	return connector.Plugins{
		Converters:       slices.Concat(convert.Converters(), registryConverters()),
		HeaderConverters: convert.HeaderConverters(),
		Transforms:       transform.Transforms(),
		Predicates:       transform.Predicates(),
		Version:          Version,
	}
}
