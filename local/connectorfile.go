package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/magiconair/properties"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// connectorFile is one connector as a file describes it.
type connectorFile struct {
	path, name string
	config     map[string]string
	initial    offset.Target // what a connector that is new shall do. Defaults to running.
}

// readConnectorFiles reads the files that connect-standalone would take. The first problem ends it.
func readConnectorFiles(paths []string) ([]connectorFile, error) {
	files := make([]connectorFile, 0, len(paths))
	seen := map[string]string{}
	for _, path := range paths {
		f, err := readConnectorFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading connector file %s: %w", path, err)
		}
		if other, ok := seen[f.name]; ok {
			return nil, fmt.Errorf("reading connector file %s: the connector %q stands in %s already", path, f.name, other)
		}
		seen[f.name] = path
		files = append(files, f)
	}
	return files, nil
}

func readConnectorFile(path string) (connectorFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return connectorFile{}, errors.Unwrap(err) // the path is named by who calls
	}
	f := connectorFile{path: path}
	if trimmed := bytes.TrimSpace(text); filepath.Ext(path) == ".json" || len(trimmed) > 0 && trimmed[0] == '{' {
		f.config, f.initial, err = readJSON(text)
	} else {
		f.config, err = readProperties(text)
	}
	if err != nil {
		return connectorFile{}, err
	}
	f.name = strings.TrimSpace(f.config["name"])
	if f.name == "" {
		return connectorFile{}, errors.New(`the setting "name" is missing`)
	}
	f.config["name"] = f.name
	if f.config["connector.class"] == "" {
		return connectorFile{}, errors.New(`the setting "connector.class" is missing`)
	}
	return f, nil
}

// readJSON reads either form: a flat object, or {"name", "config"}, which as the request that creates a connector may also
// hold "initial_state", and as the answer to it other members.
func readJSON(text []byte) (config map[string]string, initial offset.Target, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, "", fmt.Errorf("it is not a JSON object: %w", err)
	}
	inner, nested := members["config"]
	if !nested || len(inner) == 0 || inner[0] != '{' {
		config, err = flat(members)
		return config, "", err
	}
	var request struct {
		Name   *string                    `json:"name"`
		Config map[string]json.RawMessage `json:"config"`
		State  *string                    `json:"initial_state"`
	}
	if err := json.Unmarshal(text, &request); err != nil {
		return nil, "", fmt.Errorf("reading its members: %w", err)
	}
	if config, err = flat(request.Config); err != nil {
		return nil, "", err
	}
	if given, ok := config["name"]; ok && request.Name != nil && given != *request.Name {
		return nil, "", fmt.Errorf("the name is %q outside of config and %q inside", *request.Name, given)
	}
	if request.Name != nil {
		config["name"] = *request.Name
	}
	initial, err = initialState(request.State)
	return config, initial, err
}

// initialState reads what a connector that is new shall do.
func initialState(text *string) (offset.Target, error) {
	if text == nil {
		return "", nil
	}
	switch state := offset.Target(strings.ToUpper(*text)); state {
	case offset.Running, offset.Paused, offset.Stopped:
		return state, nil
	}
	return "", fmt.Errorf("the initial_state %q is none of RUNNING, PAUSED and STOPPED", *text)
}

// flat takes strings as they are and numbers and booleans as their text, as Connect's REST API does.
func flat(members map[string]json.RawMessage) (map[string]string, error) {
	out := make(map[string]string, len(members))
	for key, raw := range members {
		switch raw[0] {
		case '"':
			var s string
			if err := json.Unmarshal(raw, &s); err != nil {
				return nil, fmt.Errorf("reading the setting %q: %w", key, err)
			}
			out[key] = s
		case '{', '[':
			return nil, fmt.Errorf("the setting %q must be a string, a number or a boolean", key)
		case 'n': // null: as if it were not there
		default:
			out[key] = string(raw)
		}
	}
	return out, nil
}

func readProperties(text []byte) (map[string]string, error) {
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	p, err := loader.LoadBytes(text)
	if err != nil {
		return nil, fmt.Errorf("it is not a properties file: %w", err)
	}
	return maps.Clone(p.Map()), nil
}
