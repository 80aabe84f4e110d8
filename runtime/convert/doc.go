// Package convert turns values into the bytes of Kafka records and back, byte for byte as the converters of Apache Kafka
// Connect do, and with their messages when it fails.
//
// Java's strings may hold unpaired surrogates; those of Go are UTF-8 and cannot. Wherever bytes stand for an unpaired
// surrogate, such as the JSON text "\ud83d", it becomes a question mark, which is what Java writes for it in UTF-8.
package convert
