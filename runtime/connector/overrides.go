package connector

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
)

// Overrides are a connector's own settings for its Kafka clients, without their prefixes.
type Overrides struct {
	Producer, Consumer, Admin map[string]string
}

const (
	producerOverride = "producer.override."
	consumerOverride = "consumer.override."
	adminOverride    = "admin.override."
)

func overridesOf(values map[string]*string) Overrides {
	return Overrides{
		Producer: notNull(config.Prefixed(values, producerOverride)),
		Consumer: notNull(config.Prefixed(values, consumerOverride)),
		Admin:    notNull(config.Prefixed(values, adminOverride)),
	}
}

func notNull(values map[string]*string) map[string]string {
	out := make(map[string]string, len(values))
	for name, v := range values {
		if v != nil {
			out[name] = *v
		}
	}
	return out
}

// OverridePolicy says which settings of its Kafka clients a connector may change.
type OverridePolicy string

// The policies.
const (
	PolicyAll       OverridePolicy = "All"
	PolicyNone      OverridePolicy = "None"
	PolicyPrincipal OverridePolicy = "Principal"
	PolicyAllowlist OverridePolicy = "Allowlist"
)

// policy finds a policy by its name or by the Java class that has it.
func policy(name string) (OverridePolicy, bool) {
	const class = "ConnectorClientConfigOverridePolicy"
	name = strings.TrimPrefix(name, "org.apache.kafka.connect.connector.policy.")
	switch p := OverridePolicy(strings.TrimSuffix(name, class)); p {
	case PolicyAll, PolicyNone, PolicyPrincipal, PolicyAllowlist:
		return p, true
	}
	return "", false
}

// MayOverride tells whether connectors may change a setting of their Kafka clients.
func (w Worker) MayOverride(name string) bool {
	switch w.Policy {
	case PolicyNone:
		return false
	case PolicyPrincipal:
		return slices.Contains([]string{"security.protocol", "sasl.jaas.config", "sasl.mechanism"}, name)
	case PolicyAllowlist:
		return slices.Contains(w.Allowlist, name)
	case PolicyAll:
	}
	return true
}

// clientPrefixes are those of the client settings that a connector has any use for, in Connect's order.
func clientPrefixes(values map[string]*string, kind Kind) []string {
	dead := trim(value(values, "errors.deadletterqueue.topic.name")) != ""
	var prefixes []string
	if kind == KindSource || dead {
		prefixes = append(prefixes, producerOverride)
	}
	if kind == KindSink {
		prefixes = append(prefixes, consumerOverride)
	}
	if kind == KindSource && UsesTopicCreation(values) || kind == KindSink && dead {
		prefixes = append(prefixes, adminOverride)
	}
	return prefixes
}

// refuseOverrides returns an error for every client setting that the policy keeps from the connector.
func (w Worker) refuseOverrides(values map[string]*string, kind Kind) error {
	var errs []error
	for _, prefix := range clientPrefixes(values, kind) {
		for _, info := range w.judgeOverrides(values, prefix) {
			for _, text := range info.Value.Errors {
				errs = append(errs, config.Errorf(info.Value.Name, "%s", text))
			}
		}
	}
	return errors.Join(errs...)
}

// judgeOverrides is what validation says about the client settings under a prefix.
func (w Worker) judgeOverrides(values map[string]*string, prefix string) []config.Info {
	var infos []config.Info
	own := config.Prefixed(values, prefix)
	described := config.Describe("", own, clientSettings(prefix, own)).Configs
	for _, name := range slices.Sorted(maps.Keys(own)) {
		v := config.ValueInfo{Name: prefix + name, Value: own[name], Recommended: []string{}, Errors: []string{}, Visible: true}
		info := config.Info{Value: &v}
		if i := slices.IndexFunc(described, func(d config.Info) bool { return d.Value.Name == name }); i >= 0 {
			v.Value, info.Definition = described[i].Value.Value, described[i].Definition
			info.Definition.Name = v.Name
		}
		if !w.MayOverride(name) {
			v.Errors = append(v.Errors, "The '"+string(w.Policy)+"' policy does not allow '"+name+
				"' to be overridden in the connector configuration.")
		}
		infos = append(infos, info)
	}
	return inJavasOrder(infos, prefix)
}

// OverrideProblem is the first client setting of a connector that cannot be read as what it is. Connect has no place for it
// in a validation, and fails.
func OverrideProblem[V config.Text](values map[string]V, kind Kind) error {
	all := pointers(values)
	for _, prefix := range clientPrefixes(all, kind) {
		own := config.Prefixed(all, prefix)
		maps.DeleteFunc(own, func(_ string, v *string) bool { return v == nil })
		for _, info := range config.Describe("", own, clientSettings(prefix, own)).Configs {
			for _, text := range info.Value.Errors {
				return config.Errorf(prefix+info.Value.Name, "%s", text)
			}
		}
	}
	return nil
}
