package s3

import (
	"context"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// Sink writes records into objects.
var Sink = connect.SinkConnector{
	Class:     confluentClass,
	Aliases:   []string{aivenClass, "io.aiven.kafka.connect.s3.S3SinkConnector"},
	TaskClass: "io.confluent.connect.s3.S3SinkTask",
	Doc:       "Writes records into objects of S3, each into exactly one.",
	New:       func() connect.SinkTask { return &sinkTask{} },
}

const (
	confluentClass = "io.confluent.connect.s3.S3SinkConnector"
	aivenClass     = "io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector"
)

var (
	_ connect.SinkTask          = (*sinkTask)(nil)
	_ connect.Ticker            = (*sinkTask)(nil)
	_ connect.Validator         = (*sinkTask)(nil)
	_ connect.SinkOffsetAlterer = (*sinkTask)(nil)
)

type sinkTask struct {
	settings sinkSettings
	sink     *storage.Sink
}

// Define declares the settings of both connectors.
func (t *sinkTask) Define(d *config.Def) { t.settings.Define(d) }

// Validate checks settings that depend on each other.
func (t *sinkTask) Validate() error {
	return t.settings.validate()
}

// Open makes the client. It makes no call.
func (t *sinkTask) Open(_ context.Context, a connect.SinkAssignment) error {
	client, err := t.settings.access().client()
	if err != nil {
		return err
	}
	object, err := t.settings.object()
	if err != nil {
		return err
	}
	shape, err := t.settings.shape() //nolint:contextcheck // converting to JSON waits for nothing
	if err != nil {
		return err
	}
	store := &store{client: client, bucket: t.settings.access().bucket, object: object, part: t.settings.partSize()}
	t.sink = &storage.Sink{
		Connector: a.Connector, Isolate: a.Isolate, State: a.State, Log: a.Log, Shape: shape, Staging: t.settings.staging + "/" + a.Connector + "/",
		Store: store, Leftovers: store,
		Reshape: func(settings map[string]string) (*storage.Shape, error) {
			var earlier sinkSettings
			if err := config.Parse(settings, &earlier); err != nil {
				return nil, err
			}
			return earlier.shape()
		},
	}
	return nil
}

// Put writes the records.
func (t *sinkTask) Put(ctx context.Context, records []connect.Record) error {
	return t.sink.Put(ctx, records)
}

// Tick completes objects that are due by the clock.
func (t *sinkTask) Tick(ctx context.Context) error { return t.sink.Tick(ctx) }

// AlterSinkOffsets agrees to any offsets. The runtime empties the state of the partitions, and with it the ledger.
func (t *sinkTask) AlterSinkOffsets(context.Context, map[connect.TopicPartition]*int64) (bool, error) {
	return true, nil
}

// Close has nothing to let go of.
func (t *sinkTask) Close(context.Context) error { return nil }
