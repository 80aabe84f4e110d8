package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TopicPartition names a partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// Topic is what a cluster says of a topic.
type Topic struct {
	Name string
	// Partitions is how many it has.
	Partitions int
}

// Member is a consumer in a group.
type Member struct {
	ID, ClientID, Host string
	// Partitions it reads, by topic and number.
	Partitions []TopicPartition
}

// AdminConfig says how to reach a cluster.
type AdminConfig struct {
	// Properties are settings of the Java clients by their names; see [ClientOptions].
	Properties map[string]string
	// Credentials are needed for AWS_MSK_IAM only.
	Credentials Credentials
	// Options are added last. Tests use them.
	Options []kgo.Opt
}

// Admin looks at topics and consumer groups and changes the groups' offsets. It connects when first used, and is safe
// for concurrent use. Every call lasts at most as long as its context.
type Admin struct {
	client *kgo.Client
	admin  *kadm.Client
	watch  *watch
}

// NewAdmin checks the settings; it does not connect. Its error lists every problem, each a *[SettingError].
func NewAdmin(c AdminConfig) (*Admin, error) {
	settings := newConfig()
	if err := settings.parse(c.Properties); err != nil {
		return nil, err
	}
	opts, err := settings.clientOptions(c.Credentials)
	if err != nil {
		return nil, err
	}
	w := &watch{signed: strings.HasPrefix(settings.protocol, "SASL"), secure: strings.HasSuffix(settings.protocol, "SSL")}
	client, err := kgo.NewClient(append(append(opts, c.Options...), kgo.WithHooks(w))...)
	if err != nil {
		return nil, fmt.Errorf("preparing the admin client: %w", err)
	}
	return &Admin{client: client, admin: kadm.NewClient(client), watch: w}, nil
}

// Close ends all connections.
func (a *Admin) Close() { a.client.Close() }

// Topics lists all topics but Kafka's own, by name.
func (a *Admin) Topics(ctx context.Context) ([]Topic, error) {
	found, err := a.admin.ListTopics(ctx)
	if err != nil {
		return nil, a.failed("listing topics", err)
	}
	var topics []Topic
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if t := found[name]; t.Err == nil {
			topics = append(topics, Topic{Name: name, Partitions: len(t.Partitions)})
		}
	}
	return topics, nil
}

// EnsureTopic creates topic as group says, unless it exists. Its error is a *[TopicError].
func (a *Admin) EnsureTopic(ctx context.Context, topic string, group TopicGroup) error {
	err := ensureTopic(ctx, a.client, topic, &group)
	if failed, ok := errors.AsType[*TopicError](err); ok {
		failed.Err = a.watch.because(failed.Err)
	}
	return err
}

// GroupOffsets returns what a group has committed: for each partition the offset of the next record it will read. A
// group that does not exist has committed nothing.
func (a *Admin) GroupOffsets(ctx context.Context, group string) (map[TopicPartition]int64, error) {
	// Offsets of a transaction that is not complete yet would not be true.
	found, err := a.admin.FetchOffsets(kadm.RequireStable(ctx), group)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return map[TopicPartition]int64{}, nil
	}
	if err == nil {
		err = found.Error()
	}
	if err != nil {
		return nil, a.failed("reading the offsets of group "+group, err)
	}
	offsets := make(map[TopicPartition]int64)
	found.Each(func(o kadm.OffsetResponse) {
		if o.At >= 0 {
			offsets[TopicPartition{o.Topic, o.Partition}] = o.At
		}
	})
	return offsets, nil
}

// Extent is what a partition holds: the offsets from Start on, and before End.
type Extent struct{ Start, End int64 }

// Extents returns what the partitions of topics hold. Topics that do not exist are left out.
func (a *Admin) Extents(ctx context.Context, topics ...string) (map[TopicPartition]Extent, error) {
	extents := map[TopicPartition]Extent{}
	if len(topics) == 0 {
		return extents, nil // to Kafka it would mean all
	}
	starts, err := a.admin.ListStartOffsets(ctx, topics...)
	if err != nil {
		return nil, a.failed("reading where topics begin", err)
	}
	ends, err := a.admin.ListEndOffsets(ctx, topics...)
	if err != nil {
		return nil, a.failed("reading where topics end", err)
	}
	ends.Each(func(end kadm.ListedOffset) {
		if start, found := starts.Lookup(end.Topic, end.Partition); found && start.Err == nil && end.Err == nil {
			extents[TopicPartition{end.Topic, end.Partition}] = Extent{start.Offset, end.Offset}
		}
	})
	return extents, nil
}

// SetGroupOffsets commits offsets for a group. Kafka refuses it while the group has members.
func (a *Admin) SetGroupOffsets(ctx context.Context, group string, offsets map[TopicPartition]int64) error {
	if len(offsets) == 0 {
		return nil
	}
	commit := make(kadm.Offsets)
	for p, at := range offsets {
		commit.Add(kadm.Offset{Topic: p.Topic, Partition: p.Partition, At: at, LeaderEpoch: -1})
	}
	answers, err := a.admin.CommitOffsets(ctx, group, commit)
	if err != nil {
		return a.failed("setting the offsets of group "+group, err)
	}
	var problems []error
	for _, o := range answers.Sorted() {
		if o.Err != nil {
			problems = append(problems, a.failed(fmt.Sprintf("setting the offset of group %s in %s-%d", group, o.Topic, o.Partition), o.Err))
		}
	}
	return errors.Join(problems...)
}

// DeleteGroupOffsets deletes what a group has committed for some partitions. What is not there is no error. Kafka
// refuses it while a member reads one of the topics.
func (a *Admin) DeleteGroupOffsets(ctx context.Context, group string, partitions ...TopicPartition) error {
	if len(partitions) == 0 {
		return nil
	}
	set := make(kadm.TopicsSet)
	for _, p := range partitions {
		set.Add(p.Topic, p.Partition)
	}
	answers, err := a.admin.DeleteOffsets(ctx, group, set)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil
	}
	if err != nil {
		return a.failed("deleting offsets of group "+group, err)
	}
	var problems []error
	for _, p := range partitions {
		if err := answers[p.Topic][p.Partition]; err != nil && !IsUnknownTopic(err) {
			problems = append(problems, a.failed(fmt.Sprintf("deleting the offset of group %s in %s-%d", group, p.Topic, p.Partition), err))
		}
	}
	return errors.Join(problems...)
}

// DeleteGroup deletes a group with all its offsets. One that is not there is no error. Kafka refuses it while the group
// has members.
func (a *Admin) DeleteGroup(ctx context.Context, group string) error {
	answer, err := a.admin.DeleteGroup(ctx, group)
	if err == nil {
		err = answer.Err
	}
	if err == nil || errors.Is(err, kerr.GroupIDNotFound) {
		return nil
	}
	return a.failed("deleting group "+group, err)
}

// GroupMembers returns the consumers that are in a group now, of either of Kafka's two protocols, by id.
func (a *Admin) GroupMembers(ctx context.Context, group string) ([]Member, error) {
	classic, err := a.admin.DescribeGroups(ctx, group)
	if err == nil {
		err = classic[group].Err
	}
	if err != nil && !errors.Is(err, kerr.GroupIDNotFound) {
		return nil, a.failed("looking who is in group "+group, err)
	}
	var members []Member
	for _, m := range classic[group].Members {
		member := Member{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost}
		if assigned, ok := m.Assigned.AsConsumer(); ok {
			for _, t := range assigned.Topics {
				member.add(t.Topic, t.Partitions...)
			}
		}
		members = append(members, member)
	}
	if len(members) == 0 {
		// A group of the newer protocol shows nobody here, or is not found at all. Brokers that do not know the newer
		// protocol have no such groups.
		if newer, err := a.admin.DescribeConsumerGroups(ctx, group); err == nil && newer[group].Err == nil {
			for _, m := range newer[group].Members {
				member := Member{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost}
				for topic, partitions := range m.Assignment {
					for partition := range partitions {
						member.add(topic, partition)
					}
				}
				members = append(members, member)
			}
		}
	}
	for i := range members {
		slices.SortFunc(members[i].Partitions, func(x, y TopicPartition) int {
			return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition))
		})
	}
	slices.SortFunc(members, func(x, y Member) int { return cmp.Compare(x.ID, y.ID) })
	return members, nil
}

func (m *Member) add(topic string, partitions ...int32) {
	for _, p := range partitions {
		m.Partitions = append(m.Partitions, TopicPartition{topic, p})
	}
}

// failed says what was done when err happened, and its likely cause.
func (a *Admin) failed(doing string, err error) error {
	var network net.Error
	switch {
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.NonEmptyGroup), errors.Is(err, kerr.GroupSubscribedToTopic),
		errors.Is(err, kerr.RebalanceInProgress):
		err = fmt.Errorf("the group still has members (is the connector stopped?): %w", err)
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		err = fmt.Errorf("the user has no right to the group: %w", err)
	case errors.Is(err, io.EOF), errors.As(err, &network), errors.Is(err, context.DeadlineExceeded):
		err = a.watch.because(err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
