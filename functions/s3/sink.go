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
	*storage.Sink
	settings sinkSettings
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
	t.Sink = &storage.Sink{
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
