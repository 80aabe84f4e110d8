package infra

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// ConnectorFile is one connector as a file describes it: in the form of the request that creates it, or flat.
type ConnectorFile struct {
	// Name is the connector's name.
	Name string
	// Config is its configuration, with its name.
	Config map[string]string
	// State is what a connector that is new shall do. Defaults to running.
	State offset.Target
}

// ReadConnectors reads all files *.json of a folder, by name.
func ReadConnectors(dir string) ([]ConnectorFile, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("looking for connector files in %s: %w", dir, err)
	}
	slices.Sort(paths)
	files := make([]ConnectorFile, 0, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading a connector file: %w", err)
		}
		file, err := ParseConnector(text)
		if err != nil {
			return nil, fmt.Errorf("reading connector file %s: %w", path, err)
		}
		files = append(files, file)
	}
	return files, nil
}

// ParseConnector reads {"name", "config", "initial_state"} as POST /connectors takes it, or a flat object of settings.
func ParseConnector(text []byte) (ConnectorFile, error) {
	var request struct {
		Name   string         `json:"name"`
		Config map[string]any `json:"config"`
		State  string         `json:"initial_state"`
	}
	if err := json.Unmarshal(text, &request); err != nil {
		return ConnectorFile{}, fmt.Errorf("it is not a connector in JSON: %w", err)
	}
	settings := request.Config
	if settings == nil {
		if err := json.Unmarshal(text, &settings); err != nil {
			return ConnectorFile{}, fmt.Errorf("it is not a JSON object: %w", err)
		}
	}
	f := ConnectorFile{Config: map[string]string{}, State: offset.Target(strings.ToUpper(request.State))}
	for name, value := range settings {
		switch v := value.(type) {
		case nil: // as if it were not there
		case string:
			f.Config[name] = v
		case bool, float64:
			plain, _ := json.Marshal(v) //nolint:errchkjson // such values can be written
			f.Config[name] = string(plain)
		default:
			return f, fmt.Errorf("the setting %q must be a string, a number or a boolean", name)
		}
	}
	if own := f.Config["name"]; own != "" && request.Name != "" && own != request.Name {
		return f, fmt.Errorf("the name is %q outside of config and %q inside", request.Name, own)
	}
	if f.Name = request.Name; f.Name == "" {
		f.Name = f.Config["name"]
	}
	return f, f.complete()
}

func (f *ConnectorFile) complete() error {
	if f.Name == "" {
		return errors.New(`the setting "name" is missing`)
	}
	f.Config["name"] = f.Name
	if f.Config["connector.class"] == "" {
		return errors.New(`the setting "connector.class" is missing`)
	}
	switch f.State {
	case "":
		f.State = offset.Running
	case offset.Running, offset.Paused, offset.Stopped:
	default:
		return fmt.Errorf("the initial_state %q is none of RUNNING, PAUSED and STOPPED", f.State)
	}
	if f.ID() == "" {
		return fmt.Errorf("the name %q holds no letter and no digit to name its stack parameters after", f.Name)
	}
	return nil
}

// ID is what constructs and parameters of the connector are named after: its name's letters and digits, each word with a
// capital, such as OrdersSource for orders-source.
func (f *ConnectorFile) ID() string {
	var b strings.Builder
	start := true
	for _, r := range f.Name {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			start = true
			continue
		}
		if start {
			r = unicode.ToUpper(r)
		}
		start = false
		b.WriteRune(r)
	}
	return b.String()
}

// topics are what a sink's configuration lists, each once.
func (f *ConnectorFile) topics() []string {
	var topics []string
	for topic := range strings.SplitSeq(f.Config["topics"], ",") {
		if topic = strings.TrimSpace(topic); topic != "" && !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	return topics
}

// text is the configuration as it stands in the template.
func (f *ConnectorFile) text() string {
	text, _ := json.Marshal(f.Config) //nolint:errchkjson // strings can always be written
	return string(text)
}

// secrets are the paths of the placeholders of a provider in the configuration, such as ARNs of secrets.
func (f *ConnectorFile) secrets(provider string) []string {
	found := map[string]bool{}
	for _, value := range f.Config {
		for _, part := range strings.Split(value, "${"+provider+":")[1:] {
			inside, _, closed := strings.Cut(part, "}")
			if !closed {
				continue
			}
			// An ARN has colons of its own: six parts before the name, and perhaps a key behind it.
			parts := strings.Split(inside, ":")
			if parts[0] == "arn" && len(parts) >= 7 {
				inside = strings.Join(parts[:7], ":")
			} else {
				inside = parts[0]
			}
			found[inside] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
