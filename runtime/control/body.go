package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// read reads the body as JSON. A missing body is nil; bad JSON is answered with 500, as Connect does.
func (r *request) read() (json.RawMessage, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	if len(body) == 0 {
		return nil, nil
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, &Error{Status: http.StatusUnsupportedMediaType, Message: "HTTP 415 Unsupported Media Type"}
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var whole json.RawMessage
	if err := dec.Decode(&whole); err != nil {
		return nil, fmt.Errorf("reading the body, which should be JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("reading the body: something follows the JSON value, at byte %d", dec.InputOffset())
	}
	return whole, nil
}

// readSettings reads a body that is a configuration.
func (r *request) readSettings() (map[string]*string, error) {
	body, err := r.read()
	if err != nil {
		return nil, err
	}
	return settingsOf(body, "The configuration")
}

// settingsOf reads a configuration: numbers and booleans are taken for the text they are written as. what is how errors
// name it.
func settingsOf(body json.RawMessage, what string) (map[string]*string, error) {
	if isNull(body) {
		return nil, fmt.Errorf("%s is missing", what)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fmt.Errorf("Cannot deserialize value of type `java.util.LinkedHashMap<java.lang.String,java.lang.String>` from %s", kindOf(body)) //nolint:staticcheck // Connect's own words
	}
	settings := make(map[string]*string, len(members))
	for name, raw := range members {
		value, err := textOf(raw)
		if err != nil {
			return nil, fmt.Errorf("%w (through reference chain: java.util.LinkedHashMap[%q])", err, name)
		}
		settings[name] = value
	}
	return settings, nil
}

// textOf is the text of a value, nil for null.
func textOf(raw json.RawMessage) (*string, error) {
	text := string(bytes.TrimSpace(raw))
	switch text[0] {
	case 'n':
		return nil, nil
	case '{', '[':
		return nil, fmt.Errorf("Cannot deserialize value of type `java.lang.String` from %s", kindOf(raw)) //nolint:staticcheck // Connect's own words
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return nil, fmt.Errorf("reading a text: %w", err)
		}
		return &s, nil
	}
	return &text, nil // a number or a boolean
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(bytes.TrimSpace(raw)) == "null" }

// kindOf names a JSON value as Connect's JSON library does.
func kindOf(raw json.RawMessage) string {
	switch bytes.TrimSpace(raw)[0] {
	case '{':
		return "Object value (token `JsonToken.START_OBJECT`)"
	case '[':
		return "Array value (token `JsonToken.START_ARRAY`)"
	case '"':
		return "String value (token `JsonToken.VALUE_STRING`)"
	}
	return "another kind of value"
}

// members reads a JSON object that may have these members only. class is what Connect calls it.
func members(body json.RawMessage, class string, known ...string) (map[string]json.RawMessage, error) {
	if isNull(body) {
		return nil, fmt.Errorf("the body is missing: it should be a JSON object with the members %s", strings.Join(known, ", "))
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		if bytes.TrimSpace(body)[0] == '[' {
			return nil, fmt.Errorf("Cannot deserialize value of type `%s` from %s", class, kindOf(body)) //nolint:staticcheck // Connect's own words
		}
		return nil, fmt.Errorf("Cannot construct instance of `%s`: no creator to deserialize from %s", class, kindOf(body)) //nolint:staticcheck // Connect's own words
	}
	for name := range all {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("Unrecognized field %q (class %s), not marked as ignorable (%d known properties: \"%s\")", //nolint:staticcheck // Connect's own words
				name, class, len(known), strings.Join(known, `", "`))
		}
	}
	return all, nil
}
