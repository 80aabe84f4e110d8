package s3

import (
	"context"

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
	New:       func() connect.SourceTask { return newSourceTask() },
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
	storage.SourceTask
	settings sourceSettings
}

func newSourceTask() *sourceTask {
	t := &sourceTask{}
	t.Make = t.settings.source
	return t
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
	return storage.PlanAlike(settings, limit), nil
}

// Commit does away with objects, if it is to.
func (t *sourceTask) Commit(ctx context.Context, o connect.Offsets) error {
	return t.Source.Commit(ctx, o)
}

// AlterOffsets checks offsets set from outside.
func (t *sourceTask) AlterOffsets(_ context.Context, offsets connect.Offsets) (bool, error) {
	if t.settings.isAiven() {
		return true, t.settings.aiven.CheckOffsets(offsets)
	}
	return true, t.settings.confluent.CheckOffsets(offsets)
}
