//go:build registry

package runtime

import (
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/convert/registry"
)

// registryConverters are the converters that keep schemas in a registry. Only builds with the tag registry have them.
func registryConverters() []connect.Plugin[connect.Converter] { return registry.Converters() }

// elsewhere is what to say of a converter that another build has. This one has all.
func elsewhere(string) string { return "" }
