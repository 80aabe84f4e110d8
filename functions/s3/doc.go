// Package s3 writes records into objects of Amazon S3 and of servers that speak its protocol.
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
// Credentials are those of the settings, or of the function's role; aws.sts.role.arn has them exchanged.
package s3
