// Package datagen makes up records, as Confluent's Datagen connector does: from a schema that comes with it (quickstart)
// or from an Avro schema of the user's, in schema.string or schema.filename, whose "arg.properties" say what the data
// should look like:
//
//	options    a list of values to choose from, or {"file": …, "encoding": "json"}
//	range      {"min": …, "max": …} of a number; max itself is not reached
//	iteration  {"start": …, "step": …, "restart": …, "initial": …} of a number, a boolean or a string
//	length     a number, or {"min": …, "max": …}, of a string, bytes, an array or a map; 8 to 15 without it
//	regex      an expression that strings should match; length is kept as far as the expression allows
//	prefix, suffix  of strings
//	keys       any of the above, for the keys of a map
//	odds       how likely a boolean is true, from 0.0 to 1.0
//
// Values have the Connect schemas that Confluent's Avro converter gives such Avro schemas. The key is the field that
// schema.keyfield or the quickstart names, else null. Three headers tell where a record comes from: task.generation,
// task.id and current.iteration. There is one source partition for each of the tasks.max tasks:
//
//	{"task.id": 0}    {"task.generation": 3, "current.iteration": 250, "random.seed": -4620330…}
//
// With the seed, the data does not depend on when it is made: a task that resumes makes the records that it would have
// made without the pause, and two connectors with the same random.seed make the same.
//
// Records are made at random intervals of at most max.interval milliseconds, as if somebody were there all the time: an
// invocation makes those that have come due since the last one, though no more than 10 000 after a long pause, and ends.
// With max.interval 0 it makes records until its time is up. After the last of the iterations the task fails with
// Connect's message, as it does there.
//
// Not taken over: recursive schemas, files of options in Avro's binary encoding, and what the automaton library below the
// original understands in expressions beyond the common (intersection, complement, "@", "<1-9>").
package datagen
