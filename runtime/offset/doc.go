// Package offset is the contract of the one table in which connectors, leases, offsets and markers live, and its memory
// form. Package dynamo is the form that is deployed; a conformance suite in connecttest says what both must do.
//
// # Who may do what
//
// A connector's item carries a Generation. Every change that must stop what runs (configuration, target state, altered
// offsets, restart) raises it and, in the same transaction, writes it into every task item and revokes the task's lease:
// the lease can no longer be renewed and runs out after Grace. A claim names the generation it read, so an invocation
// that read the item just before the change cannot start after it.
//
// Within the grace the holder, which looks every one and a half seconds, finishes its batch, commits its offsets and releases, so
// that a change repeats no record; if it is dead, the next claim waits for the grace and not for the whole lease. Who
// took the lease over has a higher epoch, and from then on the former holder can commit nothing. Altered offsets
// are the exception: there the lease is taken away at once, or the holder would write over them.
//
// A lease is an owner (a random nonce) with an epoch that only rises; task items are marked gone, never deleted, so no
// epoch is ever given twice. Everything a holder writes is conditional on nonce and epoch: Invariant 3.
package offset
