package hdfs

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// Source reads the records of files.
var Source = connect.SourceConnector{
	Class: "io.confluent.connect.hdfs2.Hdfs2SourceConnector",
	Aliases: []string{
		"io.confluent.connect.hdfs3.Hdfs3SourceConnector", "io.confluent.connect.hdfs2.HdfsSourceConnector", "io.confluent.connect.hdfs.HdfsSourceConnector",
	},
	TaskClass: "io.confluent.connect.hdfs2.Hdfs2SourceTask",
	Doc:       "Reads the records of files of HDFS.",
	New:       func() connect.SourceTask { return newSourceTask() },
}

var (
	_ connect.SourceTask    = (*sourceTask)(nil)
	_ connect.Planner       = (*sourceTask)(nil)
	_ connect.Positioner    = (*sourceTask)(nil)
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

// sourceSettings are those of Confluent's connectors.
type sourceSettings struct {
	connection
	files    storage.ConfluentSource
	interval time.Duration
	settle   time.Duration
}

// Define declares the settings.
func (s *sourceSettings) Define(d *config.Def) {
	s.connection.Define(d)
	d.Millis(&s.interval, "hdfs.poll.interval.ms", 5*time.Minute, "How often the folders are listed.", config.Check(config.AtLeast(0)), config.Medium, config.Group(group, 7))
	d.Millis(&s.settle, "sluice.hdfs.settle.ms", time.Minute, "How long a file must not have changed before its end counts as the end of its last record, where nothing else "+
		"does.", config.Check(config.AtLeast(0)), config.Low, config.Group(group, 8))
	s.files = storage.ConfluentSource{Names: `(.+)\+(\d+)\+\d+\+\d+\..+$`}
	d.Include(&s.files)
}

func (s *sourceSettings) validate() error {
	_, err := s.files.Source()
	return errors.Join(s.connection.validate(), err)
}

// source makes the core. It makes no call.
func (s *sourceSettings) source() (*storage.Source, error) {
	source, err := s.files.Source()
	if err != nil {
		return nil, err
	}
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	source.Shelf = &shelf{client: client, root: s.root()}
	source.Interval, source.Growing, source.Settle = s.interval, true, s.settle
	return source, nil
}

// Define declares the settings.
func (t *sourceTask) Define(d *config.Def) { t.settings.Define(d) }

// Validate checks settings that depend on each other.
func (t *sourceTask) Validate() error { return t.settings.validate() }

// Plan gives every task the same settings: which folders are its own follows from its number.
func (t *sourceTask) Plan(_ context.Context, settings map[string]string, limit int) ([]map[string]string, error) {
	return storage.PlanAlike(settings, limit), nil
}

// AlterOffsets checks offsets set from outside.
func (t *sourceTask) AlterOffsets(_ context.Context, offsets connect.Offsets) (bool, error) {
	return true, t.settings.files.CheckOffsets(offsets)
}
