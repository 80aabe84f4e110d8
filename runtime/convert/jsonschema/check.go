package jsonschema

import (
	"bytes"
	"fmt"
	"strings"

	validator "github.com/santhosh-tekuri/jsonschema/v6"
)

// Checker tells whether JSON keeps to all that a document says. It may be used by any number of goroutines.
type Checker struct{ compiled *validator.Schema }

// base is where documents are said to be, so that they refer to each other by their names.
const base = "mem:///"

// Checker compiles the document.
func (s *Schema) Checker() (*Checker, error) {
	c := validator.NewCompiler()
	c.DefaultDraft(validator.Draft7)
	const root = base + "schema.json"
	for name, text := range s.refs {
		if err := addTo(c, base+name, text); err != nil {
			return nil, err
		}
	}
	if err := addTo(c, root, s.text); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(root)
	if err != nil {
		return nil, fmt.Errorf("compiling a JSON Schema: %w", err)
	}
	return &Checker{compiled}, nil
}

func addTo(c *validator.Compiler, name, text string) error {
	document, err := validator.UnmarshalJSON(strings.NewReader(text))
	if err == nil {
		err = c.AddResource(name, document)
	}
	if err != nil {
		return fmt.Errorf("compiling a JSON Schema: %w", err)
	}
	return nil
}

// Check tells what is wrong with JSON, nil if nothing is.
func (c *Checker) Check(b []byte) error {
	v, err := validator.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("reading the JSON to check: %w", err)
	}
	if err := c.compiled.Validate(v); err != nil {
		return fmt.Errorf("JSON does not match schema of type JSON: %w", err)
	}
	return nil
}
