package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/secret"
	"github.com/sluice-connect/sluice/runtime/worker"
)

// portal is a source that only looks at its settings, and tells what they are whenever it fails.
type portal struct {
	port     int
	password string
}

func (p *portal) Define(d *config.Def) {
	d.Int(&p.port, "port", 1, "Port.")
	d.String(&p.password, "password", "", "Password, of no use to anybody.")
}

func (p *portal) Validate() error {
	if p.port == 666 {
		return config.Errorf("port", "666 is not allowed for %s", p.password)
	}
	if p.port == 667 {
		return config.Errorf("name", "not with %s", p.password)
	}
	return nil
}

func (p *portal) AlterOffsets(context.Context, connect.Offsets) (bool, error) {
	return false, errors.New("logging in with " + p.password)
}

func (p *portal) Open(context.Context, connect.Assignment) error { return nil }
func (p *portal) Poll(context.Context) ([]connect.Record, error) { return nil, nil }
func (p *portal) Close(context.Context) error                    { return nil }

// Invariant 6.
func TestControls_ShowNoSecret(t *testing.T) {
	t.Parallel()
	env, err := worker.NewEnv(nil, runtime.Plugins())
	if err != nil {
		t.Fatal(err)
	}
	env.Secrets = secret.New(secret.Options{
		Properties: map[string]string{"config.providers": "env", "config.providers.env.class": "EnvVarConfigProvider"},
		LookupEnv: func(name string) (string, bool) {
			v, ok := map[string]string{"PORT": "1234", "BAD": "hunter2", "DEVIL": "666", "NEXT": "667", "PW": "hunter2"}[name]
			return v, ok
		},
	})
	controls := runtime.SourceControls(connect.SourceConnector{Class: "x.Portal", New: func() connect.SourceTask { return &portal{} }}, env, nil)
	for port, want := range map[string]struct {
		errors int
		text   string
	}{
		"${env:PORT}":  {0, `"value":"${env:PORT}"`},
		"${env:BAD}":   {1, "Invalid value for configuration 'port': the value resolved from the config provider reference failed validation"},
		"${env:DEVIL}": {1, "Invalid value for configuration 'port': the value resolved from the config provider reference failed validation"},
		"${env:NEXT}":  {1, "not with ${env:"},
		"${vault:x}":   {1, "Invalid value ${vault:x} for configuration port"},
	} {
		settings := map[string]any{"name": "p", "connector.class": "x.Portal", "port": port, "password": "${env:PW}", "nothing": nil}
		answer := ask(t, controls, map[string]any{"control": "validate", "config": settings})
		var infos struct {
			Errors int `json:"error_count"`
		}
		if err := json.Unmarshal(answer, &infos); err != nil {
			t.Fatal(err)
		}
		if infos.Errors != want.errors+1 || !strings.Contains(string(answer), want.text) { // null is an error, too
			t.Errorf("%s: %d errors in %s", port, infos.Errors, answer)
		}
		if strings.Contains(string(answer), "hunter2") {
			t.Errorf("%s: the secret is shown in %s", port, answer)
		}
	}
	answer := ask(t, controls, map[string]any{"control": "alter", "config": map[string]any{"password": "${env:PW}"}, "offsets": []any{}})
	// Two placeholders stand for the same secret, and either may be put in its place.
	if !strings.HasPrefix(string(answer), `{"done":false,"refused":"logging in with ${env:`) {
		t.Errorf("%s", answer)
	}
	request := []byte(`{"control":"validate","config":{"name":"p","password":"${env:a:b}"}}`)
	_, ok, err := controls.Answer(t.Context(), request)
	if !ok || err == nil || !strings.Contains(err.Error(), "resolving ${env:a:b} of the setting password: ") {
		t.Errorf("%v, %v", ok, err)
	}
}

func ask(t *testing.T, c runtime.Controls, request any) []byte {
	t.Helper()
	text, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	answer, ok, err := c.Answer(t.Context(), text)
	if !ok || err != nil {
		t.Fatalf("%s: %v, %v", text, ok, err)
	}
	return answer
}
