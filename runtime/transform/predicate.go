package transform

import (
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/javaregex"
)

const (
	hasHeaderDoc    = "Matches records with a header of a name."
	tombstoneDoc    = "Matches records whose value is null."
	topicMatchesDoc = "Matches records of topics whose names match a regular expression."
)

// hasHeader is HasHeaderKey.
type hasHeader struct{ name string }

// Define implements config.Definer.
func (p *hasHeader) Define(d *config.Def) {
	d.String(&p.name, "name", "", "Name of the header.", config.Required(), config.Check(config.NonEmpty()))
}

// Match implements connect.Predicate.
func (p *hasHeader) Match(r *connect.Record) (bool, error) {
	for i := range r.Headers {
		if r.Headers[i].Key == p.name {
			return true, nil
		}
	}
	return false, nil
}

// tombstone is RecordIsTombstone.
type tombstone struct{}

// Define implements config.Definer. There are no settings.
func (tombstone) Define(*config.Def) {}

// Match implements connect.Predicate.
func (tombstone) Match(r *connect.Record) (bool, error) { return r.Value.Value == nil, nil }

// topicMatches is TopicNameMatches.
type topicMatches struct {
	pattern string
	regex   *javaregex.Regex
	seen    memo[bool]
}

// Define implements config.Definer.
func (p *topicMatches) Define(d *config.Def) {
	d.String(&p.pattern, "pattern", "", "Regular expression, in Java's syntax, that the whole name of the topic matches.",
		config.Required(), config.Check(config.All(config.NonEmpty(), javaregex.Valid())))
}

// Validate implements connect.Validator.
func (p *topicMatches) Validate() (err error) {
	p.regex, err = javaregex.Compile(p.pattern)
	return err
}

// Match implements connect.Predicate.
func (p *topicMatches) Match(r *connect.Record) (bool, error) {
	if matches, ok := p.seen.get(r.Topic); ok {
		return matches, nil
	}
	matches, err := p.regex.Matches(r.Topic)
	if err == nil {
		p.seen.put(r.Topic, matches)
	}
	return matches, err
}

// memo remembers the answers about the topics asked for last.
type memo[V any] struct {
	entries [8]struct {
		topic string
		known bool
		value V
	}
	next int
}

func (m *memo[V]) get(topic string) (v V, ok bool) {
	for i := range m.entries {
		if e := &m.entries[i]; e.known && e.topic == topic {
			return e.value, true
		}
	}
	return v, false
}

func (m *memo[V]) put(topic string, v V) {
	e := &m.entries[m.next%len(m.entries)]
	e.topic, e.known, e.value = topic, true, v
	m.next++
}
