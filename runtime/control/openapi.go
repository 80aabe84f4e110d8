package control

import (
	_ "embed"
	"encoding/json"
)

// document describes the API in OpenAPI 3.1. Tests hold it against what is answered.
//
//go:embed openapi.json
var document []byte

// openAPI answers GET /openapi.json.
func (s *Server) openAPI(*request) (answer, error) { return ok(json.RawMessage(document)), nil }
