package control

import (
	"slices"
	"strings"

	"github.com/sluice-connect/sluice/runtime/offset"
)

// regexSetting is the setting that says which topics a sink reads, if they are not listed.
const regexSetting = "topics.regex"

// Matched is the trigger handle that holds, separated by commas, the topics that a sink's topics.regex was found to match:
// see Server.Follow.
const Matched = "topics"

// Topics are the topics that a sink reads, each once: those its configuration lists, or those that its topics.regex was
// last found to match.
func Topics(c offset.Connector) []string {
	list := c.Config["topics"]
	if c.Config[regexSetting] != "" {
		list = c.Trigger[Matched]
	}
	var topics []string
	for topic := range strings.SplitSeq(list, ",") {
		if topic = strings.TrimSpace(topic); topic != "" && !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	}
	return topics
}

// GroupHandle is, with a topic behind it, the trigger handle that holds the group by which the topic is read where that
// cannot be the usual one.
const GroupHandle = "group."

// Group is the consumer group by which a sink reads a topic: Connect's if its configuration lists one topic. Otherwise
// there is one for each topic, because a Kafka trigger has one topic and a group of its own; which topics a topics.regex
// matches can change, and which groups they have must not change with it.
func Group(c offset.Connector, topic string) string {
	if own := c.Trigger[GroupHandle+topic]; own != "" {
		return own
	}
	group := c.Config["consumer.override.group.id"]
	if group == "" {
		group = "connect-" + c.Name
	}
	if c.Config[regexSetting] != "" || len(Topics(c)) > 1 {
		group += "." + topic
	}
	return group
}

// groups are a sink's consumer groups.
func groups(c offset.Connector) []string {
	topics := Topics(c)
	if len(topics) == 0 && c.Config[regexSetting] == "" {
		topics = []string{""}
	}
	all := make([]string, len(topics))
	for i, topic := range topics {
		all[i] = Group(c, topic)
	}
	return all
}
