package aws

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sluice-connect/sluice/runtime/control"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// EnvFunctions is the environment variable that lists the functions.
const EnvFunctions = "SLUICE_FUNCTIONS"

// FunctionHandle is the trigger handle that names a connector's own function.
const FunctionHandle = "function"

// Lambda invokes functions; invoke.Client does.
type Lambda interface {
	// Call waits for the answer.
	Call(ctx context.Context, function string, payload []byte) (answer []byte, err error)
	// Event does not.
	Event(ctx context.Context, function string, payload []byte) error
}

// Function is a connector class and the function that answers for it.
type Function struct {
	control.Plugin
	// Function is its name.
	Function string `json:"function"`
	// Shared says that connectors of the class may be created by REST: they share the function. Otherwise it is that of
	// one of the stack's connectors, and asked about the class only.
	Shared bool `json:"shared,omitempty"`
	// Ticks says of a sink that it completes things by the clock, for which it has a schedule beside its mappings.
	Ticks bool `json:"ticks,omitempty"`
}

// ParseFunctions reads the list in EnvFunctions. An empty text is an empty list.
func ParseFunctions(text string) ([]Function, error) {
	if text == "" {
		return nil, nil
	}
	var list []Function
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("reading %s, which must be a JSON list of objects: %w", EnvFunctions, err)
	}
	for i, f := range list {
		if f.Class == "" || f.Function == "" || f.Type != "source" && f.Type != "sink" {
			return nil, fmt.Errorf("reading %s: entry %d needs class, function, and type source or sink", EnvFunctions, i)
		}
	}
	return list, nil
}

// Functions implements control.Functions.
type Functions struct {
	Lambda Lambda
	List   []Function
}

var _ control.Functions = Functions{}

// Plugins implements control.Functions.
func (f Functions) Plugins(context.Context) ([]control.Plugin, error) { return f.plugins(), nil }

func (f Functions) plugins() []control.Plugin {
	plugins := make([]control.Plugin, len(f.List))
	for i := range f.List {
		plugins[i] = f.List[i].Plugin
	}
	return plugins
}

// Ask implements control.Functions. The role of a connector's own function lets it read that connector's secrets, and no
// other: another function of the class is asked where there is none yet, or where the class is to be another.
func (f Functions) Ask(ctx context.Context, class string, about offset.Connector, request []byte) ([]byte, error) {
	if own := about.Trigger[FunctionHandle]; own != "" {
		if p, err := f.plugin(about); err == nil && p.Class == class {
			return f.Lambda.Call(ctx, own, request)
		}
	}
	for i := range f.List {
		if f.List[i].Class == class {
			return f.Lambda.Call(ctx, f.List[i].Function, request)
		}
	}
	return nil, fmt.Errorf("no function of class %s is deployed", class)
}

// Invoke implements control.Functions.
func (f Functions) Invoke(ctx context.Context, c offset.Connector, event []byte) ([]byte, error) {
	name, err := f.of(c)
	if err != nil {
		return nil, err
	}
	if p, err := f.plugin(c); err == nil && p.Type == sink {
		if name, err = qualified(c, name); err != nil {
			return nil, err
		}
	}
	return f.Lambda.Call(ctx, name, event)
}

// of returns the name of the function that runs a connector.
func (f Functions) of(c offset.Connector) (string, error) {
	if own := c.Trigger[FunctionHandle]; own != "" {
		return own, nil
	}
	p, err := f.plugin(c)
	if err != nil {
		return "", err
	}
	return p.Function, nil
}

// plugin returns the class of a connector.
func (f Functions) plugin(c offset.Connector) (Function, error) {
	class := c.Config["connector.class"]
	found, err := control.Find(f.plugins(), class)
	if err != nil {
		return Function{}, err
	}
	for i := range f.List {
		if f.List[i].Class == found.Class {
			return f.List[i], nil
		}
	}
	return Function{}, errors.New("no function of class " + class + " is deployed")
}
