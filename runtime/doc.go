// Package runtime is the door of the folder: the mains of functions call ServeSource or ServeSink, and nothing else.
//
// The map, in reading order:
//
//	connect     the contract every plugin is written against
//	schema      types, logical types, and how Java writes values
//	config      settings: declared once; parsed, validated, documented, redacted
//	connector   the settings every connector has, whatever its class
//	convert     converters and header converters
//	transform   transforms and predicates; javaregex: the regular expressions in their settings
//	offset      the table's contract and its memory form; offset/dynamo: the form that is deployed
//	kafka       all that speaks Kafka: event decoding, producer, topics, answers
//	worker      one invocation of a source or a sink task
//	control     connectors as a user sees them: Connect's REST API; control/gateway: the door by which Lambda answers
//	            HTTP; control/aws: the functions and triggers of a stack
//	invoke      one signed call of a Lambda function
//	secret      ${provider:path:key} in settings: resolved, restored, scrubbed
//	metric      one line of metrics per invocation
//
// What the runtime promises. The line of code that keeps a promise names its number:
//
//  1. Source offsets are committed only after Kafka acknowledged every record before them.
//  2. A sink invocation succeeds only after everything it was handed is durable in the target, dead-lettered, or dropped
//     by a transform.
//  3. One holder per source task, fenced by the table: who lost the lease can commit nothing.
//  4. Order is kept within a source partition, while the lease is held, and within a Kafka partition.
//  5. A record is delivered, dead-lettered, dropped by a transform or reported: never lost silently. A dead letter that
//     cannot be written fails the batch.
//  6. A resolved secret appears in no log, error, answer or table item.
//  7. The status says what really happened last; when, and what comes next, stands beside it.
//  8. No unacknowledged record outlives an invocation.
package runtime
