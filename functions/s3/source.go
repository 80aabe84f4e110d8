package s3

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// Source reads the records of objects.
var Source = connect.SourceConnector{
	Class: "io.confluent.connect.s3.source.S3SourceConnector",
	Aliases: []string{
		"io.aiven.kafka.connect.s3.source.S3SourceConnector", "io.aiven.kafka.connect.s3.source.AivenKafkaConnectS3SourceConnector",
		"io.aiven.kafka.connect.s3.S3SourceConnector",
	},
	TaskClass: "io.confluent.connect.s3.source.S3SourceTask",
	Doc:       "Reads the records of objects of S3.",
	New:       func() connect.SourceTask { return &sourceTask{} },
}

var (
	_ connect.SourceTask    = (*sourceTask)(nil)
	_ connect.Planner       = (*sourceTask)(nil)
	_ connect.Positioner    = (*sourceTask)(nil)
	_ connect.Committer     = (*sourceTask)(nil)
	_ connect.Sleeper       = (*sourceTask)(nil)
	_ connect.Validator     = (*sourceTask)(nil)
	_ connect.Checker       = (*sourceTask)(nil)
	_ connect.OffsetAlterer = (*sourceTask)(nil)
)

type sourceTask struct {
	settings sourceSettings
	source   *storage.Source
}

// Define declares the settings of both connectors.
func (t *sourceTask) Define(d *config.Def) { t.settings.Define(d) }

// Validate checks settings that depend on each other.
func (t *sourceTask) Validate() error { return t.settings.validate() }

// Plan gives every task the same settings: which objects are its own follows from its number.
func (t *sourceTask) Plan(_ context.Context, settings map[string]string, limit int) ([]map[string]string, error) {
	if t.settings.isAiven() {
		limit = t.settings.aiven.Tasks(limit)
	}
	plan := make([]map[string]string, limit)
	for i := range plan {
		plan[i] = maps.Clone(settings)
	}
	return plan, nil
}

// Open makes the client. It makes no call.
func (t *sourceTask) Open(_ context.Context, a connect.Assignment) error {
	source, err := t.settings.source()
	if err != nil {
		return err
	}
	source.Open(a)
	t.source = source
	return nil
}

// Check lists an object.
func (t *sourceTask) Check(ctx context.Context) error {
	source, err := t.settings.source()
	if err != nil {
		return err
	}
	return source.Check(ctx)
}

// Poll returns the next records.
func (t *sourceTask) Poll(ctx context.Context) ([]connect.Record, error) { return t.source.Poll(ctx) }

// Position says where to go on.
func (t *sourceTask) Position() connect.Offsets { return t.source.Position() }

// Commit does away with objects, if it is to.
func (t *sourceTask) Commit(ctx context.Context, o connect.Offsets) error {
	return t.source.Commit(ctx, o)
}

// NotBefore is when the bucket is listed next.
func (t *sourceTask) NotBefore() time.Time { return t.source.NotBefore() }

// AlterOffsets checks offsets set from outside.
func (t *sourceTask) AlterOffsets(_ context.Context, offsets connect.Offsets) (bool, error) {
	if t.settings.isAiven() {
		return true, t.settings.aiven.CheckOffsets(offsets)
	}
	return true, t.settings.confluent.CheckOffsets(offsets)
}

// Close closes what is open.
func (t *sourceTask) Close(context.Context) error {
	if t.source == nil {
		return nil
	}
	if err := t.source.Close(); err != nil {
		return fmt.Errorf("closing an object: %w", err)
	}
	return nil
}
