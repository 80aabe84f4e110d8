// Package s3 writes records into objects of Amazon S3 and of servers that speak its protocol, and reads them.
//
// # Sink
//
// The sink takes the settings of Confluent's S3 sink (io.confluent.connect.s3.S3SinkConnector) and of Aiven's
// (io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector); the class says which. Objects have the names and the contents that those
// connectors give them. How every record gets into exactly one object is described by package storage.
//
//   - Confluent's: flush.size is honoured however small events are, also by the clock. Until an object is complete its records
//     are staged below sluice.staging.dir in the same bucket, which the function must be allowed to read, write and
//     delete.
//   - Aiven's: an object is complete with the event that brings its records, as that connector completes objects with every
//     commit of offsets. A batching window of the trigger makes larger ones. With the template {{key}} an object is replaced by
//     the newest record of its key.
//
// An object is a multipart upload until it is completed, under If-None-Match. Unlike the original, an object of the same name
// that somebody else wrote is not replaced: the task fails and names it, unless it has the same bytes, or
// enable.conditional.writes is false. What a killed function leaves behind are uploads that nobody completes:
// give the bucket a lifecycle rule that aborts uploads after some days (not less than a file may stay open).
//
// # Source
//
// The source takes the settings of Confluent's S3 source (io.confluent.connect.s3.source.S3SourceConnector) and of Aiven's
// (io.aiven.kafka.connect.s3.source.S3SourceConnector); the class says which. How files are found, read and remembered is
// described by package storage. An object is read once under its key: one that is overwritten later is not read again, and one that is
// overwritten while it is read is read anew, whole. Delivery is at least once.
//
//   - Confluent's: RESTORE_BACKUP reads what the sink wrote below topics.dir, whatever the partitioner, into the topics and
//     partitions that names say; an object of the right extension and another name fails the task. GENERIC reads any
//     objects into the topics of topic.regex.list. Objects of a folder are read by one task.
//   - Aiven's: file.name.template is a regular expression, found anywhere behind aws.s3.prefix. Keys of records are the keys
//     of objects. Beside its formats it reads json and csv, which Aiven's sink writes. Objects of a folder are shared out to at most eight tasks.
//
// The bucket is listed every s3.poll.interval.ms. sluice.after.reading has objects deleted, tagged or moved when their records
// are in Kafka and committed; what a killed function left undone is done by the next one.
//
// # Both
//
// Credentials are those of the settings, or of the function's role; aws.sts.role.arn has them exchanged.
package s3
