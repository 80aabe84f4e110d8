package connector

import (
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/javaregex"
)

// Sink are the settings of every sink connector.
type Sink struct {
	Common
	// Topics are the topics to read, each once, or none when TopicsRegex says which they are.
	Topics      []string
	TopicsRegex string
	// DeadLetters says where records go that fail.
	DeadLetters DeadLetters
}

// DeadLetters says where records go that fail.
type DeadLetters struct {
	// Topic is the dead-letter topic; empty means there is none.
	Topic string
	// ReplicationFactor is that of the topic, if it has to be made.
	ReplicationFactor int16
	// ContextHeaders adds headers that say what went wrong.
	ContextHeaders bool
}

// Define declares the settings, as Connect's SinkConnectorConfig does.
func (s *Sink) Define(d *config.Def) {
	s.Common.Define(d)
	d.List(&s.Topics, "topics", nil, "Topics to read, separated by commas.", config.Check(config.Unique(true, false)),
		config.High, config.Group(groupCommon, 4), config.WidthLong, config.Display("Topics"))
	d.String(&s.TopicsRegex, "topics.regex", "", "Regular expression that the whole names of the topics to read match.",
		config.Check(javaregex.Valid()),
		config.High, config.Group(groupCommon, 4), config.WidthLong, config.Display("Topics regex"))
	d.String(&s.DeadLetters.Topic, "errors.deadletterqueue.topic.name", "",
		"Topic for records that fail. Empty means that there is none.",
		config.Medium, config.Group(groupErrors, 6), config.WidthMedium, config.Display("Dead Letter Queue Topic Name"))
	d.Short(&s.DeadLetters.ReplicationFactor, "errors.deadletterqueue.topic.replication.factor", 3,
		"Replication factor of the dead-letter topic, if it has to be made.",
		config.Medium, config.Group(groupErrors, 7), config.WidthMedium,
		config.Display("Dead Letter Queue Topic Replication Factor"))
	d.Bool(&s.DeadLetters.ContextHeaders, "errors.deadletterqueue.context.headers.enable", false,
		"Whether to add headers to dead letters that say what went wrong.",
		config.Medium, config.Group(groupErrors, 8), config.WidthMedium, config.Display("Enable Error Context Headers"))
}

// Reads tells whether the sink reads a topic.
func (s *Sink) Reads(topic string) bool {
	if s.TopicsRegex == "" {
		return slices.Contains(s.Topics, topic)
	}
	re, err := javaregex.Compile(s.TopicsRegex)
	return err == nil && matches(re, topic)
}

// sinkProblems are those of the topics and the dead-letter topic together, in Connect's words.
func sinkProblems(values map[string]*string) []*config.Error {
	topics, regex := value(values, "topics"), value(values, "topics.regex")
	dead := trim(value(values, "errors.deadletterqueue.topic.name"))
	hasTopics, hasRegex := trim(topics) != "", trim(regex) != ""
	both := func(text string) []*config.Error {
		return []*config.Error{config.Errorf("topics", "%s", text), config.Errorf("topics.regex", "%s", text)}
	}
	var found []*config.Error
	if hasTopics && hasRegex {
		found = append(found, both("topics and topics.regex are mutually exclusive options, but both are set.")...)
	}
	if !hasTopics && !hasRegex {
		found = append(found, both("Must configure one of topics or topics.regex")...)
	}
	if dead == "" {
		return found
	}
	if list := topicList(topics); hasTopics && slices.Contains(list, dead) {
		found = append(found, config.Errorf("topics",
			"The DLQ topic '%s' may not be included in the list of topics ('topics=%s') consumed by the connector", dead,
			config.Print(list)))
	}
	if hasRegex {
		if re, err := javaregex.Compile(regex); err == nil && matches(re, dead) {
			found = append(found, config.Errorf("topics.regex",
				"The DLQ topic '%s' may not be matched by the regex for the topics ('topics.regex=%s') consumed by the connector",
				dead, regex))
		}
	}
	return found
}

// topicList is the list of topics without empty and repeated ones.
func topicList(text string) []string {
	return slices.DeleteFunc(aliases(map[string]*string{"topics": &text}, "topics"), func(t string) bool { return t == "" })
}

func value(values map[string]*string, name string) string {
	if v := values[name]; v != nil {
		return *v
	}
	return ""
}

// trim cuts off what Java's String.trim does.
func trim(s string) string { return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' }) }

// matches tells whether an expression matches a whole text. One that takes too long does not.
func matches(re *javaregex.Regex, text string) bool {
	ok, err := re.Matches(text)
	return err == nil && ok
}
