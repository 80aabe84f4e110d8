// Package connect is the contract every plugin is written against: records, source and sink tasks, converters,
// transforms and predicates. It imports no I/O, and connectors import nothing else of the runtime but schema and config.
//
// # Life of a task
//
// A connector is one variable of type SourceConnector or SinkConnector. Its New returns a fresh task; the runtime calls
//
//	Define → (settings are parsed into the task) → Validate? → Plan? → Open → Poll … or Put … → Close
//
// A source task lives for one invocation of a function: opened, polled until it is dry or time is up, closed. A sink task
// is opened when the first event arrives and may serve many events; what it was handed is durable when Put, or Flush if
// it has one, returns.
//
// # Ownership
//
// The slice of records that Poll returns belongs to the runtime until the next Poll or Close; the slice handed to Put
// belongs to the task until Put and its Flush return. Only these slices are used again. Byte slices, maps and structs
// inside records are immutable from the moment they are handed on: a transform that wants another value makes a new one
// and replaces the field of the record.
package connect
