package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TopicGroup says how to create the topics that belong to it, as Connect's topic.creation.<name>.* settings do.
type TopicGroup struct {
	// Name of the group; "default" for the one that takes all topics no other group does.
	Name string
	// Include and Exclude match whole topic names. A topic belongs to the group if any Include matches and no Exclude
	// does. A group without Include takes every topic that is not excluded.
	Include, Exclude []func(topic string) bool
	// ReplicationFactor and Partitions, or -1 for the broker's default.
	ReplicationFactor int16
	Partitions        int32
	// Configs are settings of the topic, such as cleanup.policy.
	Configs map[string]string
}

// Matches says whether topic belongs to the group.
func (g *TopicGroup) Matches(topic string) bool {
	match := func(f func(string) bool) bool { return f(topic) }
	return (len(g.Include) == 0 || slices.ContainsFunc(g.Include, match)) && !slices.ContainsFunc(g.Exclude, match)
}

// FindTopicGroup returns the first group that topic belongs to, or nil.
func FindTopicGroup(groups []TopicGroup, topic string) *TopicGroup {
	for i := range groups {
		if groups[i].Matches(topic) {
			return &groups[i]
		}
	}
	return nil
}

// TopicError says that a topic could not be created.
type TopicError struct {
	// Topic that is missing.
	Topic string
	// Group it belongs to; empty if none was given.
	Group string
	// Err says why.
	Err error
}

// Error implements error.
func (e *TopicError) Error() string {
	text := "Task failed to create new topic " + e.Topic
	if e.Group != "" {
		text += " of the topic creation group " + e.Group
	}
	return text + ". Ensure that the task is authorized to create topics or that the topic exists and restart the task: " + e.Err.Error()
}

// Unwrap returns Err.
func (e *TopicError) Unwrap() error { return e.Err }

// ensureTopic uses topic as it is if it exists, whatever its settings, or creates it as its group says. It asks first: a
// user who may write to a topic need not be allowed to create one.
func ensureTopic(ctx context.Context, client *kgo.Client, topic string, group *TopicGroup) error {
	err := lookForTopic(ctx, client, topic)
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, kerr.UnknownTopicOrPartition):
		return &TopicError{Topic: topic, Err: fmt.Errorf("looking whether it exists: %w", err)}
	case group == nil:
		return &TopicError{Topic: topic, Err: errors.New("it does not exist and belongs to no topic creation group")}
	}

	configs := make(map[string]*string, len(group.Configs))
	for key, value := range group.Configs {
		configs[key] = &value
	}
	answers, err := kadm.NewClient(client).CreateTopics(ctx, group.Partitions, group.ReplicationFactor, configs, topic)
	if err == nil {
		err = answers[topic].Err
		if message := answers[topic].ErrMessage; err != nil && message != "" {
			err = fmt.Errorf("%w: %s", err, message)
		}
	}
	if err == nil || errors.Is(err, kerr.TopicAlreadyExists) {
		return nil
	}
	return &TopicError{Topic: topic, Group: group.Name, Err: err}
}

// lookForTopic returns why the topic cannot be used, nil if it exists. It asks the broker itself: the library's cache asks
// as the producer does, which may make the broker create the topic then and there, as its own defaults have it.
func lookForTopic(ctx context.Context, client *kgo.Client, topic string) error {
	ask := kmsg.NewPtrMetadataRequest()
	wanted := kmsg.NewMetadataRequestTopic()
	wanted.Topic = &topic
	ask.Topics = append(ask.Topics, wanted)
	answer, err := ask.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, t := range answer.Topics {
		if t.Topic != nil && *t.Topic == topic {
			return kerr.ErrorForCode(t.ErrorCode)
		}
	}
	return kerr.UnknownTopicOrPartition
}

// EnsureDeadLetterTopic creates the topic of dead letters with one partition, unless it exists. It is for the producer
// that sends the letters.
func (p *Producer) EnsureDeadLetterTopic(ctx context.Context, topic string, replicationFactor int16) error {
	s, err := p.connect()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	err = ensureTopic(ctx, s.client, topic, &TopicGroup{ReplicationFactor: replicationFactor, Partitions: 1})
	if failed, ok := errors.AsType[*TopicError](err); ok {
		return fmt.Errorf("Could not initialize dead letter queue with topic=%s: %w", topic, s.watch.because(failed.Err)) //nolint:staticcheck // Connect's own words, and people look for them
	}
	return err
}

// topicsKnown are the topics a session need not look at again.
type topicsKnown map[string]struct{}

// prepareTopics looks at the topics of records that this session has not seen yet: it creates those that do not exist,
// if that is our task, and asks for the limits of those that may have tight ones.
func (p *Producer) prepareTopics(ctx context.Context, s *session, records []Record) error {
	last := ""
	for i := range records {
		topic := records[i].Topic
		if topic == last {
			continue
		}
		last = topic
		if _, ok := s.topics[topic]; ok {
			continue
		}
		if len(p.groups) > 0 {
			if err := ensureTopic(ctx, s.client, topic, FindTopicGroup(p.groups, topic)); err != nil {
				return s.watch.because(err)
			}
		}
		if p.limits.wants(topic) {
			p.limits.learn(ctx, kadm.NewClient(s.client), topic)
		}
		if s.topics == nil {
			s.topics = make(topicsKnown)
		}
		s.topics[topic] = struct{}{}
	}
	return nil
}
