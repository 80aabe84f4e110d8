package s3_test

import (
	"encoding/json"
	"testing"

	"github.com/sluice-connect/sluice/functions/s3"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// Configurations as people have them in Kafka Connect, with all that stands in them, are taken as they are.
func TestSettings_Pasted(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Confluent's sink": `{"connector.class": "io.confluent.connect.s3.S3SinkConnector", "tasks.max": "4", "topics.regex": "shop\\..*", "s3.region": "eu-central-1",
			"s3.bucket.name": "lake", "s3.part.size": "26214400", "s3.compression.type": "gzip", "flush.size": "100000", "rotate.interval.ms": "600000",
			"rotate.schedule.interval.ms": "3600000", "storage.class": "io.confluent.connect.s3.storage.S3Storage", "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
			"schema.generator.class": "io.confluent.connect.storage.hive.schema.DefaultSchemaGenerator", "partitioner.class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
			"partition.duration.ms": "3600000", "path.format": "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", "locale": "en-US", "timezone": "UTC",
			"timestamp.extractor": "RecordField", "timestamp.field": "created_at", "schema.compatibility": "NONE", "topics.dir": "raw",
			"s3.credentials.provider.class": "com.amazonaws.auth.DefaultAWSCredentialsProviderChain", "s3.ssea.name": "AES256", "s3.retry.backoff.ms": "500", "s3.part.retries": "5",
			"behavior.on.null.values": "ignore", "key.converter": "org.apache.kafka.connect.storage.StringConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
			"value.converter.schemas.enable": "false", "errors.tolerance": "all", "errors.deadletterqueue.topic.name": "dlq", "confluent.topic.bootstrap.servers": "kafka:9092", "confluent.license": ""}`,
		"Confluent's sink of Parquet": `{"connector.class": "io.confluent.connect.s3.S3SinkConnector", "topics": "orders", "s3.region": "us-west-2", "s3.bucket.name": "lake", "flush.size": "1000",
			"storage.class": "io.confluent.connect.s3.storage.S3Storage", "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat", "parquet.codec": "snappy",
			"partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner", "partition.field.name": "country,city", "store.url": "http://minio:9000",
			"aws.access.key.id": "minio", "aws.secret.access.key": "minio123", "s3.path.style.access.enabled": "true", "enhanced.avro.schema.support": "true", "connect.meta.data": "false",
			"store.kafka.keys": "true", "keys.format.class": "io.confluent.connect.s3.format.json.JsonFormat", "store.kafka.headers": "false", "file.delim": "-", "filename.offset.zero.pad.width": "12"}`,
		"Aiven's sink": `{"connector.class": "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "topics": "logs", "aws.access.key.id": "AKIA", "aws.secret.access.key": "x",
			"aws.s3.bucket.name": "archive", "aws.s3.region": "eu-west-1", "aws.s3.prefix": "kafka/", "file.compression.type": "gzip", "format.output.type": "jsonl",
			"format.output.fields": "key,value,offset,timestamp,headers", "format.output.fields.value.encoding": "none", "format.output.envelope": "true", "file.max.records": "5000",
			"file.name.template": "{{topic}}/{{timestamp:unit=yyyy}}/{{timestamp:unit=MM}}/{{timestamp:unit=dd}}/{{partition:padding=true}}-{{start_offset:padding=true}}.gz",
			"file.name.timestamp.timezone": "Europe/Berlin", "file.name.timestamp.source": "wallclock", "aws.s3.backoff.delay.ms": "100", "aws.s3.backoff.max.delay.ms": "20000",
			"aws.s3.backoff.max.retries": "3", "aws.sts.role.arn": "arn:aws:iam::123456789012:role/writer", "aws.sts.role.session.name": "kafka", "aws.s3.sse.algorithm": "AES256",
			"key.converter": "org.apache.kafka.connect.converters.ByteArrayConverter", "value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter"}`,
		"Confluent's source": `{"connector.class": "io.confluent.connect.s3.source.S3SourceConnector", "tasks.max": "2", "s3.region": "us-west-2", "s3.bucket.name": "lake", "topics.dir": "topics",
			"format.class": "io.confluent.connect.s3.format.avro.AvroFormat", "partitioner.class": "io.confluent.connect.storage.partitioner.DefaultPartitioner", "mode": "RESTORE_BACKUP",
			"s3.poll.interval.ms": "60000", "record.batch.max.size": "200", "schema.cache.size": "50", "confluent.topic.bootstrap.servers": "kafka:9092", "transforms": "AddPrefix",
			"transforms.AddPrefix.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.AddPrefix.regex": ".*", "transforms.AddPrefix.replacement": "copy_of_$0"}`,
		"Aiven's source": `{"connector.class": "io.aiven.kafka.connect.s3.source.S3SourceConnector", "tasks.max": "1", "aws.s3.bucket.name": "archive", "aws.s3.region": "eu-west-1",
			"aws.access.key.id": "AKIA", "aws.secret.access.key": "x", "aws.s3.prefix": "kafka/", "file.name.template": "{{topic}}-{{partition}}-{{start_offset}}", "topic": "restored",
			"input.format": "jsonl", "distribution.type": "object_hash", "aws.s3.fetch.buffer.size": "1000", "native.start.key": "kafka/logs-0-5", "errors.tolerance": "none", "max.poll.records": "500",
			"expected.max.message.bytes": "1048588"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var settings map[string]string
			if err := json.Unmarshal([]byte(text), &settings); err != nil {
				t.Fatal(err)
			}
			if err := openPasted(t, settings); err != nil {
				t.Error(err)
			}
		})
	}
}

func openPasted(t *testing.T, settings map[string]string) error {
	t.Helper()
	switch settings["connector.class"] {
	case s3.Sink.Class, "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector":
		_, err := tryOpen(settings, &storagetest.State{})
		return err
	}
	task := s3.Source.New()
	if err := config.Parse(settings, task); err != nil {
		return err
	}
	if err := task.(connect.Validator).Validate(); err != nil {
		return err
	}
	return task.Open(t.Context(), connect.Assignment{Connector: "c", Of: 1, Offsets: table{}, Log: quiet{}})
}
