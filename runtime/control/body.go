package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
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
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(kind), jsonMedia) {
		return nil, fail(http.StatusUnsupportedMediaType, "HTTP 415 Unsupported Media Type")
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	if !utf8.Valid(body) {
		return nil, errors.New("reading the body, which should be JSON: it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
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
	return settingsOf(body, theConfiguration)
}

const theConfiguration = "The configuration"

// settingsOf reads a configuration: numbers and booleans are taken for the text they are written as. what is how errors
// name it.
func settingsOf(body json.RawMessage, what string) (map[string]*string, error) {
	if isNull(body) {
		return nil, fmt.Errorf("%s is missing", what)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, otherKind(body, "java.util.LinkedHashMap", "<java.lang.String,java.lang.String>")
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
		return nil, otherKind(raw, "java.lang.String", "")
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

// otherKind is the failure to read a value that is of another kind than it should be, in the words of Connect's JSON
// library, which clients look for. class is what Connect reads it as, parameters are those of the class.
func otherKind(raw json.RawMessage, class, parameters string) error {
	text := string(bytes.TrimSpace(raw))
	var kind, token string
	switch text[0] {
	case '{':
		kind, token = "Object value", "START_OBJECT"
	case '[':
		kind, token = "Array value", "START_ARRAY"
	case '"':
		return fmt.Errorf("Cannot construct instance of `%s` (although at least one Creator exists): "+ //nolint:staticcheck // Connect's own words
			"no String-argument constructor/factory method to deserialize from String value", class)
	case 't', 'f':
		kind, token = "Boolean value", "VALUE_"+strings.ToUpper(text)
	default:
		kind, token = "Integer value", "VALUE_NUMBER_INT"
		if strings.ContainsAny(text, ".eE") {
			kind, token = "Floating-point value", "VALUE_NUMBER_FLOAT"
		}
	}
	return fmt.Errorf("Cannot deserialize value of type `%s%s` from %s (token `JsonToken.%s`)", class, parameters, kind, token) //nolint:staticcheck // Connect's own words
}

// readTasks reads a body that is a list of the settings of tasks, which nobody here wants.
func (r *request) readTasks() error {
	body, err := r.read()
	if err != nil {
		return err
	}
	if body == nil {
		return errors.New("No content to map due to end-of-input") //nolint:staticcheck // Connect's own words
	}
	var tasks []json.RawMessage
	if err := json.Unmarshal(body, &tasks); err != nil {
		return otherKind(body, "java.util.ArrayList", "<java.util.Map<java.lang.String,java.lang.String>>")
	}
	for _, task := range tasks {
		if _, err := settingsOf(task, "The task"); err != nil && !isNull(task) {
			return err
		}
	}
	return nil
}

// members reads a JSON object that may have these members only. class is what Connect calls it.
func members(body json.RawMessage, class string, known ...string) (map[string]json.RawMessage, error) {
	if isNull(body) {
		return nil, fmt.Errorf("the body is missing: it should be a JSON object with the members %s", strings.Join(known, ", "))
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		if bytes.TrimSpace(body)[0] == '[' {
			return nil, otherKind(body, class, "")
		}
		return nil, fmt.Errorf("Cannot construct instance of `%s` (although at least one Creator exists): "+ //nolint:staticcheck // Connect's own words
			"no constructor/factory method to deserialize from a value that is no object", class)
	}
	for name := range all {
		if !slices.Contains(known, name) {
			count := "one known property"
			if len(known) > 1 {
				count = fmt.Sprintf("%d known properties", len(known))
			}
			return nil, fmt.Errorf("Unrecognized field %q (class %s), not marked as ignorable (%s: \"%s\")", //nolint:staticcheck // Connect's own words
				name, class, count, strings.Join(known, `", "`))
		}
	}
	return all, nil
}
