package control

import "encoding/json"

// InJavasOrder orders an object's members as Connect shows those of offsets.
func InJavasOrder(object string) json.RawMessage { return inJavasOrder([]byte(object)) }
