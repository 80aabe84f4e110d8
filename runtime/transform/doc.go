// Package transform has Kafka Connect's single-message transforms and predicates. They do to records what the classes of
// the same names do, down to the wording of errors, the order of maps and the way schemas change.
//
// Transforms replace the parts of a record that they change. They never write through a map, struct or slice that came
// with it, and cost nothing for records that they leave alone. What follows from a schema is worked out once and kept for
// the schemas seen last. A transform is used by one task at a time.
package transform
