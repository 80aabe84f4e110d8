package trigger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sluice-connect/sluice/runtime/kafka"
)

const (
	// rebalanceTimeout is how long the group waits for an invocation before it takes its partitions away: longer than any function may run.
	rebalanceTimeout = 15 * time.Minute
	commitTimeout    = 5 * time.Second
	commitRetry      = 2 * time.Second
	leaveTimeout     = time.Second
	fetchBytes       = 16 << 20
	partitionBytes   = 8 << 20 // more than an event holds, so that one fetch fills it
)

func (p *poller) options() []kgo.Opt {
	// The mapping's own options may change these.
	opts := []kgo.Opt{
		kgo.ClientID("sluice-trigger"),
		kgo.SessionTimeout(10 * time.Second), // a desk that was killed holds its partitions for so long
		kgo.HeartbeatInterval(time.Second),
		kgo.MetadataMinAge(time.Second),
		kgo.MetadataMaxAge(time.Minute),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(partitionBytes),
	}
	opts = append(opts, p.Mapping.Client...)
	start := kgo.NewOffset().AtStart()
	if p.Mapping.Start == Latest {
		start = kgo.NewOffset().AtEnd()
	}
	// And not these.
	return append(opts,
		kgo.ConsumerGroup(p.Mapping.Group),
		kgo.ConsumeTopics(p.Mapping.Topic),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.ConsumeStartOffset(start),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), // after data was lost, rather twice than not at all
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(p.assigned),
		kgo.OnPartitionsRevoked(p.revoked),
		kgo.OnPartitionsLost(p.lost),
		kgo.DisableClientMetrics(),
		kgo.WithHooks(connections{p.reading}),
	)
}

func (p *poller) assigned(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range topics[p.Mapping.Topic] {
		part := &partition{id: id, name: kafka.BatchID(p.Mapping.Topic, id), next: -1, end: -1}
		p.partitions[id] = part
		p.order = append(p.order, part)
	}
	slices.SortFunc(p.order, func(a, b *partition) int { return cmp.Compare(a.id, b.id) })
}

// revoked gives partitions away, after the invocation under way has ended and is committed.
func (p *poller) revoked(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
	ids := topics[p.Mapping.Topic]
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.busy && p.sending(ids) {
		p.ended.Wait()
	}
	p.remove(ids)
}

// sending tells whether the invocation under way has records of these partitions. The caller holds the lock.
func (p *poller) sending(ids []int32) bool {
	for _, c := range p.batch {
		if slices.Contains(ids, c.id) {
			return true
		}
	}
	return false
}

// lost is told when the group has given partitions to others already.
func (p *poller) lost(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(topics[p.Mapping.Topic])
}

func (p *poller) remove(ids []int32) {
	for _, id := range ids {
		part := p.partitions[id]
		if part == nil {
			continue
		}
		p.unblock(part)
		part.revoked = true
		for _, r := range part.pending {
			p.bytes -= size(r)
		}
		// The records stay where they are: an invocation of lost partitions may still be settled.
		p.records -= len(part.pending)
		delete(p.partitions, id)
		delete(p.behind, id)
		p.order = slices.DeleteFunc(p.order, func(other *partition) bool { return other == part })
	}
}

// advance takes what was done with away, and returns how many records that is. What is to be committed is then in behind.
func (p *poller) advance() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := 0
	for _, c := range p.batch {
		if c.count == 0 {
			continue
		}
		done += c.count
		if c.revoked {
			continue // lost meanwhile: whoever has it now delivers it again
		}
		last := c.pending[c.count-1]
		p.drop(c.partition, c.count)
		c.next = last.Offset + 1
		p.behind[c.id] = kgo.EpochOffset{Epoch: last.LeaderEpoch, Offset: last.Offset + 1}
	}
	return done
}

// commit tells the group how far we are. What cannot be committed now stays in behind and is tried again.
func (p *poller) commit() {
	p.mu.Lock()
	offsets := make(map[int32]kgo.EpochOffset, len(p.behind))
	maps.Copy(offsets, p.behind)
	p.mu.Unlock()
	if len(offsets) == 0 {
		return
	}
	// Also while reading is being stopped.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.soft), commitTimeout)
	defer cancel()
	var failed error
	refused := map[int32]error{}
	p.client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{p.Mapping.Topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			if failed = err; err != nil {
				return
			}
			for _, t := range resp.Topics {
				for _, part := range t.Partitions {
					if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
						refused[part.Partition], failed = err, err
					}
				}
			}
		})
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, o := range offsets {
		switch {
		case failed == nil, refused[id] == nil && len(refused) > 0, notOurs(refused[id]):
			if p.behind[id] == o {
				delete(p.behind, id)
			}
		}
	}
	text := ""
	if failed != nil && !notOurs(failed) {
		text = fmt.Sprintf("committing offsets to group %s: %v", p.Mapping.Group, failed)
	}
	p.setProblem("committing", text)
}

// notOurs tells whether a commit failed because the group has given the partition to another: that one goes on from the commit before.
func notOurs(err error) bool {
	return errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.FencedInstanceID)
}

func (p *poller) retryCommit() {
	p.mu.Lock()
	behind := len(p.behind) > 0
	p.mu.Unlock()
	if behind {
		p.commit()
	}
}

// leave gives all partitions back at once, so that nobody has to wait for this member to be missed.
func (p *poller) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	p.client.AllowRebalance()
	early, stop := context.WithTimeout(ctx, leaveTimeout/2)
	defer stop()
	left := p.client.LeaveGroupContext(early)
	// A client that is joining waits for the other members, whose invocations may take minutes.
	p.abort()
	if left != nil {
		p.leaveJoining(ctx)
	}
	p.client.CloseAllowingRebalance()
}

// leaveJoining takes this member out of a group that it has not joined yet, which its client would do only when it has. The
// group would keep a member that is never heard of again, and whoever comes next would wait for that. It needs another
// client: this one would join again as soon as it is out.
func (p *poller) leaveJoining(ctx context.Context) {
	id, _ := p.client.GroupMetadata()
	if id == "" {
		return // the group has not heard of it
	}
	client, err := kgo.NewClient(p.Mapping.Client...)
	if err != nil {
		return // what it cannot say, the group finds out by itself
	}
	defer client.Close()
	member := kmsg.NewLeaveGroupRequestMember()
	member.MemberID = id
	request := kmsg.NewPtrLeaveGroupRequest()
	request.Group, request.MemberID, request.Members = p.Mapping.Group, id, append(request.Members, member)
	_, _ = request.RequestWith(ctx, client)
}

// describe appends how far the partitions are.
func (p *poller) describe(list []Partition) []Partition {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range p.order {
		d := Partition{ID: part.id, Next: part.next, End: part.end}
		if part.blocked != nil {
			d.Blocked = part.blocked.text
		}
		list = append(list, d)
	}
	return list
}
