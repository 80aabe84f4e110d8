package transform

import (
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/javaregex"
)

const (
	regexRouterDoc     = "Changes the topic by a regular expression."
	timestampRouterDoc = "Changes the topic to one with the record's timestamp in its name."
)

// regexRouter is RegexRouter.
type regexRouter struct {
	pattern, replacement string
	regex                *javaregex.Regex
	seen                 memo[string]
}

// Define implements config.Definer.
func (t *regexRouter) Define(d *config.Def) {
	d.String(&t.pattern, "regex", "", "Regular expression, in Java's syntax, that the whole name of the topic matches.",
		config.Required(), config.Check(javaregex.Valid()), config.High)
	d.String(&t.replacement, "replacement", "", "What replaces the first match; $1 and ${name} stand for groups.",
		config.Required(), config.High)
}

// Validate implements connect.Validator.
func (t *regexRouter) Validate() (err error) {
	t.regex, err = javaregex.Compile(t.pattern)
	return err
}

// Apply implements connect.Transform.
func (t *regexRouter) Apply(r *connect.Record) (bool, error) {
	if r.Topic == "" && !fromSink(r) {
		return false, javaError("NullPointerException", "the record has no topic")
	}
	topic, ok := t.seen.get(r.Topic)
	if !ok {
		var err error
		if topic, err = t.route(r.Topic); err != nil {
			return false, err
		}
		t.seen.put(r.Topic, topic)
	}
	r.Topic = topic
	return true, nil
}

// route replaces the first match in a topic, which need not be the whole topic that the expression matches too.
func (t *regexRouter) route(topic string) (string, error) {
	matches, err := t.regex.Matches(topic)
	if err != nil || !matches {
		return topic, err
	}
	return t.regex.ReplaceFirst(topic, t.replacement)
}

// timestampRouter is TimestampRouter.
type timestampRouter struct {
	topicFormat, timeFormat string
	format                  *dateFormat
	formatErr               error
	scratch                 []byte
}

// Define implements config.Definer.
func (t *timestampRouter) Define(d *config.Def) {
	d.String(&t.topicFormat, "topic.format", "${topic}-${timestamp}",
		"The new topic; ${topic} stands for the topic and ${timestamp} for the timestamp.", config.High)
	d.String(&t.timeFormat, "timestamp.format", "yyyyMMdd",
		"How the timestamp is written, in the letters of Java's SimpleDateFormat.", config.High)
}

// Validate implements connect.Validator. A bad format fails records, not the configuration, as in Connect.
func (t *timestampRouter) Validate() error {
	t.format, t.formatErr = parseDateFormat(t.timeFormat)
	return nil
}

// Apply implements connect.Transform.
func (t *timestampRouter) Apply(r *connect.Record) (bool, error) {
	if !hasTime(r) {
		return false, noTimestamp(r)
	}
	if t.formatErr != nil {
		return false, t.formatErr
	}
	topic := strings.ReplaceAll(t.topicFormat, "${topic}", r.Topic)
	if strings.Contains(topic, "${timestamp}") { // a topic may be called so, too
		t.scratch = t.format.appendTime(t.scratch[:0], r.Time.UnixMilli())
		topic = strings.ReplaceAll(topic, "${timestamp}", string(t.scratch))
	}
	r.Topic = topic
	return true, nil
}
