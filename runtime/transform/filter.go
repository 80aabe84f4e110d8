package transform

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

const filterDoc = "Drops every record. It is meant for records that a predicate matches."

// filter is Filter.
type filter struct{}

// Define implements config.Definer. There are no settings.
func (filter) Define(*config.Def) {}

// Apply implements connect.Transform.
func (filter) Apply(*connect.Record) (bool, error) { return false, nil }
