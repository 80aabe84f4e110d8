//go:build !registry

package runtime

import "github.com/sluice-connect/sluice/runtime/connect"

// registryConverters are none: only builds with the tag registry have converters that keep schemas in a registry, for only
// configurations that name one should pay for them.
func registryConverters() []connect.Plugin[connect.Converter] { return nil }
