package aws

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// EnvTriggers is the environment variable that tells the control function how the stack makes triggers, as a JSON object:
// see Settings.
const EnvTriggers = "SLUICE_TRIGGERS"

// Settings are how a stack makes schedules and mappings, so that those of connectors that REST creates are made alike.
type Settings struct {
	// Group is the schedule group of the stack, Role what schedules invoke functions with.
	Group string `json:"group"`
	Role  string `json:"role"`
	// Cluster is the ARN of the MSK cluster, empty for another; Brokers are separated by commas.
	Cluster string `json:"cluster"`
	Brokers string `json:"brokers"`
	// Authentication is the stack's parameter KafkaAuthentication; Secret and CA are ARNs of secrets.
	Authentication string `json:"authentication"`
	Secret         string `json:"secret"`
	CA             string `json:"ca"`
	// Subnets and SecurityGroups are separated by commas.
	Subnets        string `json:"subnets"`
	SecurityGroups string `json:"securityGroups"`
	// Minimum and Maximum are numbers of provisioned pollers, Minimum "0" if there are none; PollerGroup may be empty.
	Minimum     string `json:"minimum"`
	Maximum     string `json:"maximum"`
	PollerGroup string `json:"pollerGroup"`
	// Retries is how often provisioned pollers bring what failed; Failures is the ARN of the bucket where it goes then.
	Retries  string `json:"retries"`
	Failures string `json:"failures"`
	// Control is the name of the control function itself, by which sinks and a schedule reach it.
	Control string `json:"-"`
}

// ParseSettings reads what is in EnvTriggers. An empty text leaves all empty.
func ParseSettings(text string) (Settings, error) {
	var s Settings
	if text == "" {
		return s, nil
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("reading %s, which must be a JSON object of strings: %w", EnvTriggers, err)
	}
	for name, value := range map[string]string{"minimum": s.Minimum, "maximum": s.Maximum, "retries": s.Retries} {
		if _, err := strconv.ParseInt(value, 10, 32); value != "" && err != nil {
			return s, fmt.Errorf("reading %s: %s is no number", EnvTriggers, name)
		}
	}
	return s, nil
}

// provisioned tells whether mappings have pollers of their own, and with them partial answers.
func (s Settings) provisioned() bool { return s.Minimum != "" && s.Minimum != "0" }

func number(text string) *int32 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return nil
	}
	return new(int32(n))
}

// split is a list without what is empty.
func split(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
