package hdfs_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/functions/hdfs"
	"github.com/sluice-connect/sluice/functions/storage/storagetest"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// Configurations as people have them in Kafka Connect, with all that stands in them, are taken as they are, but for Hive.
func TestSettings_Pasted(t *testing.T) {
	t.Parallel()
	sink := `{"connector.class": "io.confluent.connect.hdfs.HdfsSinkConnector", "tasks.max": "3", "topics": "clicks,orders", "hdfs.url": "hdfs://namenode:8020", "flush.size": "10000",
		"rotate.interval.ms": "900000", "hadoop.conf.dir": "/etc/hadoop/conf", "hadoop.home": "/opt/hadoop", "logs.dir": "/kafka-connect/wal", "topics.dir": "/data/kafka",
		"format.class": "io.confluent.connect.hdfs.parquet.ParquetFormat", "partitioner.class": "io.confluent.connect.hdfs.partitioner.HourlyPartitioner", "locale": "en", "timezone": "Europe/Paris",
		"schema.compatibility": "BACKWARD", "storage.class": "io.confluent.connect.hdfs.storage.HdfsStorage", "retry.backoff.ms": "5000", "shutdown.timeout.ms": "3000",
		"filename.offset.zero.pad.width": "10", "schema.cache.size": "1000", "hive.integration": "false", "hive.metastore.uris": "", "hive.database": "default"}`
	source := `{"connector.class": "io.confluent.connect.hdfs3.Hdfs3SourceConnector", "tasks.max": "2", "store.url": "hdfs://namenode:9000", "hadoop.conf.dir": "/etc/hadoop",
		"format.class": "io.confluent.connect.hdfs3.format.avro.AvroFormat", "topics.dir": "topics", "hdfs.poll.interval.ms": "10000", "confluent.topic.bootstrap.servers": "kafka:9092",
		"confluent.topic.replication.factor": "3", "value.converter": "org.apache.kafka.connect.json.JsonConverter"}`
	for name, change := range map[string][3]string{
		"sink": {sink}, "sink of version 3": {sink, "hdfs.HdfsSinkConnector", "hdfs3.Hdfs3SinkConnector"}, "web": {sink, "hdfs://namenode:8020", "webhdfs://a:9870,webhdfs://b:9870"},
		"Hive": {sink, `"hive.integration": "false"`, `"hive.integration": "true"`}, "source": {source},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var settings map[string]string
			if err := json.Unmarshal([]byte(strings.Replace(change[0], change[1], change[2], 1)), &settings); err != nil {
				t.Fatal(err)
			}
			err := openPasted(t, settings)
			if refused := err != nil && strings.Contains(err.Error(), "hive.integration"); name == "Hive" != refused || err != nil && !refused {
				t.Error(err)
			}
		})
	}
}

func openPasted(t *testing.T, settings map[string]string) error {
	t.Helper()
	if strings.Contains(settings["connector.class"], "Sink") {
		_, err := tryOpen(settings, &storagetest.State{})
		return err
	}
	task := hdfs.Source.New()
	if err := config.Parse(settings, task); err != nil {
		return err
	}
	if err := task.(connect.Validator).Validate(); err != nil {
		return err
	}
	return task.Open(t.Context(), connect.Assignment{Connector: "c", Of: 1, Offsets: table{}, Log: quiet{}})
}
