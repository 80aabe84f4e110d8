package control

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/offset"
)

// Handles, among the trigger handles, that the control plane keeps for itself.
const (
	// passwordsHandle lists, as JSON, which settings of a connector are passwords, as its function said when they were
	// judged.
	passwordsHandle = "passwords"
	// revisionHandle counts changes of the configuration.
	revisionHandle = "revision"
)

// Passwords are the settings that a judgement declares to be passwords.
func Passwords(infos config.Infos) []string {
	names := []string{}
	for _, info := range infos.Configs {
		if info.Definition != nil && info.Definition.Type == config.TypePassword {
			names = append(names, info.Definition.Name)
		}
	}
	slices.Sort(names)
	return names
}

// note keeps which settings are passwords in a connector's handles.
func note(c *offset.Connector, passwords []string) {
	text, err := json.Marshal(passwords)
	if err != nil {
		return // texts can always be written
	}
	if c.Trigger = maps.Clone(c.Trigger); c.Trigger == nil {
		c.Trigger = map[string]string{}
	}
	c.Trigger[passwordsHandle] = string(text)
}

// passwordsOf tells which settings of a connector are passwords: those noted when they were judged, or, of a connector
// that was not written by this server, those of its class.
func (s *Server) passwordsOf(ctx context.Context, c offset.Connector, p Plugin) func(name string) bool {
	var names []string
	if json.Unmarshal([]byte(c.Trigger[passwordsHandle]), &names) != nil {
		names = s.classes.passwords(ctx, p.Class, func() ([]config.KeyInfo, error) {
			var keys []config.KeyInfo
			err := s.ask(ctx, p.Class, offset.Connector{}, map[string]string{"control": "keys"}, &keys)
			return keys, err
		})
	}
	return func(name string) bool {
		return slices.Contains(names, name) || clientSecret(name) || soundsSecret(name)
	}
}

// soundsSecret tells whether a setting is a password by its name alone, such as one of a driver that nobody declares.
func soundsSecret(name string) bool { return strings.HasSuffix(strings.ToLower(name), "password") }

// classes remembers which settings of connector classes are passwords. They cannot change while a process lives.
type classes struct {
	mu    sync.Mutex
	known map[string][]string
}

func (k *classes) passwords(ctx context.Context, class string, keys func() ([]config.KeyInfo, error)) []string {
	k.mu.Lock()
	names, known := k.known[class]
	k.mu.Unlock()
	if known {
		return names
	}
	all, err := keys()
	if err != nil || ctx.Err() != nil {
		return nil // such as a class that is not there any more; it is asked again
	}
	names = []string{}
	for _, key := range all {
		if key.Type == config.TypePassword {
			names = append(names, key.Name)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[string][]string{}
	}
	k.known[class] = names
	return names
}

// clientSecret tells whether a setting overrides one of a Kafka client that is a password there.
func clientSecret(name string) bool {
	side, setting, found := strings.Cut(name, ".override.")
	if !found || side != "producer" && side != "consumer" && side != "admin" {
		return false
	}
	switch setting {
	case "sasl.jaas.config", "ssl.keystore.key", "sasl.oauthbearer.client.credentials.client.secret":
		return true
	}
	return strings.HasSuffix(setting, ".password") || strings.HasSuffix(setting, ".passphrase")
}

// placeholder is what a value looks like whose secret stands elsewhere.
var placeholder = regexp.MustCompile(`\$\{[^}:]*:[^}]*\}`)

// masks tells whether a value must not be shown: a password that is not a placeholder, nor empty.
func (s *Server) masks(secret func(string) bool, name, value string) bool {
	return !s.Settings.ShowPasswords && value != "" && secret(name) && !placeholder.MatchString(value)
}

// masked is a configuration as it may be shown.
func (s *Server) masked(ctx context.Context, c offset.Connector, p Plugin, settings map[string]string) map[string]string {
	secret := s.passwordsOf(ctx, c, p)
	shown := make(map[string]string, len(settings))
	for name, value := range settings {
		if s.masks(secret, name, value) {
			value = config.Hidden
		}
		shown[name] = value
	}
	return shown
}

// unmask puts what is stored in the place of masked values that a client sends back as it got them.
func unmask(sent map[string]*string, stored map[string]string) map[string]*string {
	out := maps.Clone(sent)
	for name, value := range sent {
		if kept, there := stored[name]; there && value != nil && *value == config.Hidden {
			out[name] = &kept
		}
	}
	return out
}
