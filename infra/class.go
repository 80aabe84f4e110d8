package infra

import (
	"fmt"
	"slices"
	"strings"
)

// A Class is a connector class that can be deployed: its function, and what that function may do beside what all may.
type Class struct {
	// System and Direction name the function: functions/<System>/<Direction>.
	System, Direction string
	// Name is the full Java class name; Aliases are further names of it.
	Name    string
	Aliases []string
	// Topics are those that a source of this configuration writes to; a star at the end stands for any rest.
	Topics func(config map[string]string) []string
	// Ticks says of a sink that it completes things by the clock, for which it has a schedule beside its triggers.
	Ticks bool
	// Rights are the statements its role gets for the outside system. It may be nil.
	Rights func(config map[string]string) ([]Right, error)
	// Fixed are settings that Rights follow from, so that no parameter can change them.
	Fixed []string
}

// A Right allows actions on resources, which may be templates of Fn::Sub, such as ${AWS::Region}.
type Right struct {
	// ID names the statement, as in a policy.
	ID                 string
	Actions, Resources []string
	// Why says why a resource is a pattern, if it is.
	Why string
}

// Source and sink are the directions.
const (
	source = "source"
	sink   = "sink"
)

// function is the name of its binary, such as file-source. One that is to convert with a schema registry is another build:
// only configurations that name such a converter pay for it.
func (c Class) function(withRegistry bool) string {
	name := c.System + "-" + c.Direction
	if withRegistry {
		return name + "-registry"
	}
	return name
}

// classOf finds the class that a configuration names: in full, by its simple name, or by that without "Connector".
func classOf(name string) (Class, error) {
	var found []Class
	var known []string
	for _, c := range classes() {
		if c.answersTo(name) {
			found = append(found, c)
		}
		known = append(known, c.Name)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		slices.Sort(known)
		return Class{}, fmt.Errorf("there is no connector class %q; available are: %s", name, strings.Join(known, ", "))
	}
	return Class{}, fmt.Errorf("more than one connector class matches %q", name)
}

func (c Class) answersTo(name string) bool {
	for _, own := range append([]string{c.Name}, c.Aliases...) {
		simple := own[strings.LastIndexByte(own, '.')+1:]
		if name == own || name == simple || name == strings.TrimSuffix(simple, "Connector") {
			return true
		}
	}
	return false
}

// topicsOf are the topics that a source of this configuration writes to. Transforms that route records elsewhere make it
// any topic; so do names that are not known before the deployment.
func (c Class) topicsOf(config map[string]string) []string {
	for name, value := range config {
		if strings.HasPrefix(name, "transforms.") && strings.HasSuffix(name, ".type") && strings.Contains(value, "Router") {
			return []string{"*"}
		}
	}
	if c.Topics == nil {
		return []string{"*"}
	}
	topics := c.Topics(config)
	for i, topic := range topics {
		if topic == "" || strings.Contains(topic, "${") {
			topics[i] = "*"
		}
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}
