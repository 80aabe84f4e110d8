// Package events holds, as JSON, the events Sluice's functions can receive. Tests read them, and they can be passed to
// a function by hand.
//
//   - schedule-tick.json: a schedule wakes a source.
//   - sink-tick.json: a schedule has a sink complete what is due by the clock.
//   - task-hand-over.json: a source invocation hands a task to another one.
//   - demo-source.json, demo-sink.json: what invokes the connectors that the stack ships with, as sam local invoke takes it.
//   - kafka-plain.json: two records of one partition of a managed cluster, with keys.
//   - kafka-tombstones.json: null, absent and empty keys and values, which all differ.
//   - kafka-headers.json: headers with bytes above 127, null and empty values, and names that repeat.
//   - kafka-partitions.json: several partitions, out of their numeric order, of a topic with dashes in its name.
//   - kafka-self-managed.json: a cluster that is not managed: no ARN, numbers as strings, a field nobody knows.
//   - kafka-poison.json: values that are not JSON amid values that are.
//   - kafka-largest.json: 100 records of about 1.3 kB. The trigger's own limit is 6 MB; tests build that.
package events

import "embed"

// Files are all the events, at the top of the file system.
//
//go:embed *.json
var Files embed.FS
