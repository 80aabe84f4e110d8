package datagen

import (
	"embed"
	"fmt"
	"strings"
)

// schemas are the schemas of the quickstarts.
//
//go:embed schemas/*.avsc
var schemas embed.FS

// quickstart is a schema that comes with the connector, known by name.
type quickstart struct {
	name string
	// key is the field that becomes the key unless schema.keyfield names another.
	key string
}

// quickstarts returns all of them.
func quickstarts() []quickstart {
	return []quickstart{
		{"clickstream", "ip"},
		{"clickstream_codes", "code"},
		{"clickstream_users", "user_id"},
		{"credit_cards", "card_id"},
		{"inventory", "id"},
		{"orders", "orderid"},
		{"pageviews", "viewtime"},
		{"product", "id"},
		{"purchases", "id"},
		{"ratings", "rating_id"},
		{"stock_trades", "symbol"},
		{"stores", "store_id"},
		{"transactions", "transaction_id"},
		{"users", "userid"},
		{"users_", "userid"},
		{"users_array_map", "userid"},
	}
}

// findQuickstart looks a name up, in any case.
func findQuickstart(name string) (quickstart, error) {
	var names []string
	for _, q := range quickstarts() {
		if strings.EqualFold(q.name, name) {
			return q, nil
		}
		names = append(names, q.name)
	}
	return quickstart{}, fmt.Errorf("quickstart must be one out of %s", strings.Join(names, ","))
}

// schema returns the text of the schema.
func (q quickstart) schema() ([]byte, error) {
	name := q.name
	if name == "users_" {
		name = "users_array_map" // the name it had first
	}
	return schemas.ReadFile("schemas/" + name + ".avsc")
}
