package connector

import (
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
)

const (
	groupTopicCreation = "Topic Creation"
	groupExactlyOnce   = "Exactly Once Support"
	groupOffsetsTopic  = "offsets.topic"
)

// Source are the settings of every source connector.
type Source struct {
	Common
	// TopicGroups are the aliases of the topic creation groups.
	TopicGroups []string
	// ExactlyOnce is "requested" or "required", in lower case.
	ExactlyOnce string
	// Boundary is "poll", "interval" or "connector", in lower case, and BoundaryInterval is how long an interval is: nil
	// means the worker's offset.flush.interval.ms.
	Boundary         string
	BoundaryInterval *time.Duration
	// OffsetsTopic is a Kafka topic of the connector's own for its offsets; empty if none.
	OffsetsTopic string

	interval any
}

// Define declares the settings, as Connect's SourceConnectorConfig does.
func (s *Source) Define(d *config.Def) {
	s.Common.Define(d)
	d.List(&s.TopicGroups, "topic.creation.groups", nil,
		"Aliases of groups of topics that the connector writes to, which say how a topic is made if it is not there.",
		config.Check(uniqueGroups()), config.Low, config.Group(groupTopicCreation, 1), config.WidthLong,
		config.Display("Topic Creation Groups"))
	d.String(&s.ExactlyOnce, "exactly.once.support", "requested",
		"requested or required. required makes the configuration invalid where exactly-once delivery is not to be had.",
		config.Check(config.CaseInsensitiveIn("REQUIRED", "REQUESTED")),
		config.Medium, config.Group(groupExactlyOnce, 2), config.WidthShort, config.Display("Exactly once support"))
	d.String(&s.Boundary, "transaction.boundary", "poll",
		"What ends a transaction: poll, interval or connector. Of use only with exactly-once delivery.",
		config.Check(config.CaseInsensitiveIn("INTERVAL", "POLL", "CONNECTOR")),
		config.Medium, config.Group(groupExactlyOnce, 3), config.WidthShort, config.Display("Transaction Boundary"))
	d.Any(&s.interval, "transaction.boundary.interval.ms", config.TypeLong, nil,
		"How often, in milliseconds, a transaction ends if transaction.boundary is interval. Defaults to the worker's offset.flush.interval.ms.",
		config.Check(nullOr(config.AtLeast(0))),
		config.Low, config.Group(groupExactlyOnce, 4), config.WidthShort, config.Display("Transaction boundary interval"))
	d.String(&s.OffsetsTopic, "offsets.storage.topic", "",
		"Kafka topic of the connector's own for its offsets. It has no effect here: offsets are kept in the table.",
		config.NullDefault(), config.Check(config.NonEmpty()),
		config.Low, config.Group(groupOffsetsTopic, 1), config.WidthLong, config.Display("Offsets topic"))
}

func uniqueGroups() config.Validator {
	return config.Func("unique topic creation groups", uniqueAliases("topic creation").EnsureValid)
}

func nullOr(v config.Validator) config.Validator {
	return config.Func(v.String(), func(name string, value any) error {
		if value == nil {
			return nil
		}
		return v.EnsureValid(name, value)
	})
}

// finish brings the words to lower case.
func (s *Source) finish() {
	s.ExactlyOnce = strings.ToLower(s.ExactlyOnce)
	s.Boundary = strings.ToLower(s.Boundary)
	s.BoundaryInterval = optionalMillis(s.interval)
}
