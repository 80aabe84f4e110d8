package registry

import (
	"fmt"

	"github.com/sluice-connect/sluice/runtime/schema"
)

// The classes that name subjects.
const (
	strategyPackage     = "io.confluent.kafka.serializers.subject."
	topicStrategy       = strategyPackage + "TopicNameStrategy"
	recordStrategy      = strategyPackage + "RecordNameStrategy"
	topicRecordStrategy = strategyPackage + "TopicRecordNameStrategy"
)

func strategies(name string) (string, bool) {
	return oneOf(topicStrategy, recordStrategy, topicRecordStrategy)(name)
}

// subject is the name under which a schema of a topic is registered. record is the full name of the record that the schema
// is, "" if it is none.
func (c *common) subject(topic, record string) (string, error) {
	setting, class := c.subjects()
	if class == topicStrategy {
		if c.isKey() {
			return topic + "-key", nil
		}
		return topic + "-value", nil
	}
	if record == "" {
		what := "value"
		if c.isKey() {
			what = "key"
		}
		return "", schema.NewError(serializationException,
			fmt.Sprintf("In configuration %s = %s, the message %s must only be a record", setting, class, what), nil)
	}
	if class == topicRecordStrategy {
		return topic + "-" + record, nil
	}
	return record, nil
}

// byTopic tells whether the subject does not depend on the schema.
func (c *common) byTopic() bool {
	_, class := c.subjects()
	return class == topicStrategy
}
