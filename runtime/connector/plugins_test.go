package connector_test

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/convert"
)

// declared are the classes that declare their settings in this module, by their names in the corpus.
func declared(described connector.Plugins) map[string]config.Definer {
	all := map[string]config.Definer{
		"ConnectorConfig":       &connector.Common{Plugins: described},
		"SourceConnectorConfig": &connector.Source{Common: connector.Common{Plugins: described}},
		"SinkConnectorConfig":   &connector.Sink{Common: connector.Common{Plugins: described}},
	}
	for _, p := range convert.HeaderConverters() {
		all[p.Class] = p.New()
	}
	for _, p := range convert.Converters() {
		all[p.Class] = p.New()
	}
	return all
}
