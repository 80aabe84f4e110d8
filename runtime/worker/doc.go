// Package worker runs one invocation: of a source task, from its lease to its last commit, or of a sink task, from an
// event to its answer. It knows no cloud and no I/O of its own: the table, the producer and the way to invoke further
// functions are handed to it.
//
// # A source invocation
//
//	Look     the connector and its tasks, one call; nothing to do → end
//	Plan     if the settings changed, under the plan lease
//	hand on  tasks 1…n-1 to further invocations
//	Acquire  the task's lease                                      heartbeat: look every 1.5 s, renew every TTL/3
//	Open     the task asks for the offsets of its partitions
//	Poll → transform → convert → Produce (several batches in flight) → acknowledged → Commit → the task's own Commit
//	Close    the task; abort what is unacknowledged; Release
//
// All of it happens in the calling goroutine but the heartbeat, which ends with the invocation: nothing runs between
// invocations.
//
// # A sink invocation
//
//	decode the event → converters → transforms → Put in partition order → Flush → answer
package worker
