package connector_test

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connector"
	"github.com/sluice-connect/sluice/runtime/convert"
	smt "github.com/sluice-connect/sluice/runtime/transform"
)

// declared are the classes that declare their settings in this module, by their names in the corpus.
func declared() map[string]config.Definer {
	tables := connector.Plugins{
		Converters: convert.Converters(), HeaderConverters: convert.HeaderConverters(),
		Transforms: smt.Transforms(), Predicates: smt.Predicates(),
	}
	all := map[string]config.Definer{
		"ConnectorConfig":       &connector.Common{Plugins: tables},
		"SourceConnectorConfig": &connector.Source{Common: connector.Common{Plugins: tables}},
		"SinkConnectorConfig":   &connector.Sink{Common: connector.Common{Plugins: tables}},
	}
	for _, p := range tables.HeaderConverters {
		all[p.Class] = p.New()
	}
	for _, p := range tables.Converters {
		all[p.Class] = p.New()
	}
	for _, p := range tables.Transforms {
		all[p.Class] = p.New()
	}
	for _, p := range tables.Predicates {
		all[p.Class] = p.New()
	}
	return all
}
