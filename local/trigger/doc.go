// Package trigger is the desk's Kafka trigger: it reads topics and invokes functions with their records, as Lambda's event source mappings do.
//
// # What it promises
//
//   - A partition has at most one invocation under way, and its records are handed over in order.
//   - An invocation happens as soon as the batch has its size, its payload limit, or its window is over, whichever is first. One batch may hold several
//     partitions of its topic.
//   - What an invocation failed on comes again, whole and without end, slower and slower. Partial answers are obeyed only if the mapping asks for them;
//     all others are taken for success.
//   - Offsets are committed to the consumer group after success, never before, so that a desk that is killed delivers twice rather than not at all.
//   - A record too large for any event goes to the mapping's destination, whole. Without a destination it blocks its partition and says so. It is never lost.
//
// # How it reads
//
// Each poller is a member of a real consumer group with a client of its own. The group keeps two desks, or two pollers, from reading the same partition, and
// hands partitions over only when the invocation that holds their records has ended and is committed. A poller works through its partitions one invocation
// after the other: that serialises them, and not asking for more is all the back-pressure there is. Records are encoded straight from what was fetched into
// one buffer that is used again.
//
// # Reading order
//
// mapping.go (what can be said about a mapping), trigger.go (all of them), supervise.go (states), poller.go (the loop), batch.go (which records go
// together), group.go (partitions come and go, commits), probe.go (is there a topic, how many partitions), status.go.
package trigger
