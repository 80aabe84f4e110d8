// Package fault is tests: of what becomes of records when processes are killed, stopped and frozen, when the broker and the
// table are slow, silent or gone, and when connectors are changed while they run. It has no other code.
//
// # How it works
//
// The tests run the real function binaries, and some of them the whole desk, `sluice up`. The binaries are built once for
// all tests; nothing in them knows of tests. All they say passes through gates that belong to the test: one before the
// table, one before the broker, one before the Lambda runtime API. A gate knows which process speaks, since every process
// is started with credentials and a Kafka client id that name its connector and its process id. So a test can kill a
// process at any step that can be seen from outside: before a request is passed on, or after it was carried out and before
// the process sees the answer.
//
//	a source     event, look, claim plan, publish, claim, offsets, announce, create topic, metadata, init producer,
//	             produce, check, renew, commit, release, answer
//	a sink       event, look, claim plan, publish, read marker, dead letter, write marker, write (to the file), status, answer
//
// Functions of files speak to a store in the test's own process besides, which kills who asks it, before a request is carried out
// or after it.
//
// # What is compared
//
// Lines and records carry numbers, and their text follows from the number. At the destination nothing may be missing, torn
// or changed, and per source partition the numbers may only go up by one, but for what comes again: a source goes on at
// what is committed, so the numbers may fall back to the line behind a committed offset that a later attempt started from;
// a sink is given again what failed, so they may fall back to the start of a batch whose invocation did not succeed. The
// gates see every commit: it never goes back, and what a source starts from is what was committed last.
//
// # Rounds
//
// By themselves the tests run a few rounds each. With SLUICE_CI, SLUICE_SEED or SLUICE_ROUNDS they run all they are meant to:
// then a process is killed at every step at least five times, a holder is stopped at each, and poison stands at every place.
// SLUICE_ROUNDS asks for more rounds, and SLUICE_SEED decides all that is random but the time things take. The seed is told
// with -v, and with every failure.
//
// # What may come twice
//
// A dead letter is written and then noted in a marker of the table, so that it is not written again when its batch is. Between
// the two, when a process is killed after Kafka took the letter and before the table has the marker, there is no telling, and
// the letter comes once more: at least once, like all records. Nothing else makes a second one.
package fault
