package connector

import (
	"errors"
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/javaregex"
)

const (
	topicCreation = "topic.creation."
	defaultGroup  = "default"
	brokerDefault = -1
)

// TopicGroup says how a topic is made that is not there.
type TopicGroup struct {
	// Name is the group's alias.
	Name string
	// ReplicationFactor and Partitions are those of the topic; -1 leaves them to the broker.
	ReplicationFactor int16
	Partitions        int
	// Configs are the topic's further settings, such as cleanup.policy.
	Configs map[string]string

	include, exclude []string
	in, out          []*javaregex.Regex
}

// TopicCreation are the groups, in the order in which they are asked; the default group is the last. None means that the
// broker makes topics, or does not.
type TopicCreation []TopicGroup

// For returns the group that a topic belongs to. It is false when topics are not made.
func (t TopicCreation) For(topic string) (TopicGroup, bool) {
	for i, g := range t {
		if i == len(t)-1 || matchesAny(g.in, topic) && !matchesAny(g.out, topic) {
			return g, true
		}
	}
	return TopicGroup{}, false
}

func matchesAny(list []*javaregex.Regex, topic string) bool {
	return slices.ContainsFunc(list, func(r *javaregex.Regex) bool { return matches(r, topic) })
}

// UsesTopicCreation tells whether a source's configuration says how topics are made.
func UsesTopicCreation[V config.Text](values map[string]V) bool {
	for name := range values {
		if strings.HasPrefix(name, topicCreation) {
			return true
		}
	}
	return false
}

// parseTopicCreation reads the groups. The default group's include and exclude are ignored, as in Connect.
func parseTopicCreation(values map[string]*string) (TopicCreation, error) {
	if !UsesTopicCreation(values) {
		return nil, nil
	}
	last := TopicGroup{Name: defaultGroup}
	err := last.parse(values, defaultGroup, config.Required(), config.Required())
	if err != nil {
		return nil, err
	}
	var errs []error
	var groups TopicCreation
	for _, alias := range aliases(values, "topic.creation.groups") {
		if alias == defaultGroup {
			continue
		}
		g := TopicGroup{Name: alias}
		errs = append(errs, g.parse(values, groupTopicCreation+": "+alias,
			config.Default(last.ReplicationFactor), config.Default(last.Partitions)))
		groups = append(groups, g)
	}
	last.in, last.out = nil, nil
	return append(groups, last), errors.Join(errs...)
}

func (g *TopicGroup) parse(values map[string]*string, group string, replication, partitions config.Option) error {
	prefix := topicCreation + g.Name + "."
	err := config.Parse(values, config.DefinerFunc(func(d *config.Def) {
		d.Embed(prefix, group, 0, config.DefinerFunc(func(d *config.Def) { g.define(d, replication, partitions) }))
	}))
	if err != nil {
		return err
	}
	if g.in, err = compileAll(g.include); err != nil {
		return err
	}
	if g.out, err = compileAll(g.exclude); err != nil {
		return err
	}
	g.Configs = make(map[string]string)
	for name, v := range config.Prefixed(values, prefix) {
		if v != nil && !slices.Contains([]string{"include", "exclude", "replication.factor", "partitions"}, name) {
			g.Configs[name] = *v
		}
	}
	return nil
}

func (g *TopicGroup) define(d *config.Def, replication, partitions config.Option) {
	d.List(&g.include, "include", nil, "Regular expressions for the whole names of the topics of the group.",
		config.Check(validRegexes()), config.Low)
	d.List(&g.exclude, "exclude", nil, "Regular expressions for the names of topics that are not of the group after all.",
		config.Check(validRegexes()), config.Low)
	d.Short(&g.ReplicationFactor, "replication.factor", 0, "Replication factor of the topics; -1 leaves it to the broker.",
		replication, config.Low, config.Check(positive("Replication factor must be positive and not larger than the number "+
			"of brokers in the Kafka cluster, or -1 to use the broker's default")))
	d.Int(&g.Partitions, "partitions", 0, "Number of partitions of the topics; -1 leaves it to the broker.",
		partitions, config.Low,
		config.Check(positive("Number of partitions must be positive, or -1 to use the broker's default")))
}

// positive allows positive numbers and -1, which leaves it to the broker.
func positive(why string) config.Validator {
	return config.Func("Positive number, or -1 to use the broker's default", func(name string, value any) error {
		var n int64
		switch v := value.(type) {
		case int16:
			n = int64(v)
		case int32:
			n = int64(v)
		}
		if n != brokerDefault && n < 1 {
			return config.Invalid(name, value, why)
		}
		return nil
	})
}

func validRegexes() config.Validator {
	return config.Func("regular expressions", func(name string, value any) error {
		list, _ := value.([]string)
		if _, err := compileAll(list); err != nil {
			return config.Invalid(name, value, "Syntax error in regular expression: "+err.Error())
		}
		return nil
	})
}

func compileAll(patterns []string) ([]*javaregex.Regex, error) {
	var all []*javaregex.Regex
	for _, p := range patterns {
		r, err := javaregex.Compile(p)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}
