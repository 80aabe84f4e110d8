// Package dynamo is the offset.Store that is deployed: one DynamoDB table.
//
// # Layout
//
// Both keys are strings, pk and sk. Every item has its format in v; an item of a later format is refused.
//
//	pk          sk                       holds
//	connectors  NAME                     a connector; stays, marked gone, when it is deleted, so that its numbers only rise
//	NAME        task#N, task#plan        a task and its lease; the lease of the plan
//	NAME        offset#SHA-256 (hex)     a source partition, hashed by its canonical JSON: partition, offset, resume
//	NAME        topic#TOPIC              a topic the connector was seen to use
//	NAME        marker#TOPIC#PARTITION   a sink's marker; state#TOPIC#PARTITION a sink's state; group#GROUP a snapshot
//
// A connector that is called "connectors", or that and a "#", gets a pk of "connectors#NAME", or its items would lie
// among the connectors'.
//
// # Calls
//
// Look, Acquire, Renew, Check, Release, Offsets (of up to 100 partitions) and Commit (of up to 99 changes) take one call
// each; Look of more than 99 tasks one per 100 items. Release of a revoked lease takes two. Changes of a connector read
// it first, then write one transaction if it has no more than 98 tasks.
//
// # Answers that do not come
//
// The SDK makes one attempt; this package repeats, since only it can tell what an answer means after an attempt whose
// answer was lost. Reads and Renew say the same when repeated. A repeated Acquire that finds its own nonce in the lease
// has it, a repeated Release that finds its nonce as the last released has released, and a repeated PutTaskStatus that
// finds its nonce as the last that counted has counted. Transactions carry a request token, by which the table knows them
// again. A conditional write that lost to what it wrote itself is told by its content. Each attempt has a time limit of
// its own, so that a connection that went silent does not eat the lease, and throttling and transaction conflicts are
// waited out with jitter.
package dynamo
