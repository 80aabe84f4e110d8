package file

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Source reads the lines of a file.
var Source = connect.SourceConnector{
	Class:     "org.apache.kafka.connect.file.FileStreamSourceConnector",
	TaskClass: "org.apache.kafka.connect.file.FileStreamSourceTask",
	Doc:       "Reads the lines of a file.",
	New:       func() connect.SourceTask { return &sourceTask{} },
}

var (
	_ connect.SourceTask    = (*sourceTask)(nil)
	_ connect.Planner       = (*sourceTask)(nil)
	_ connect.Positioner    = (*sourceTask)(nil)
	_ connect.OffsetAlterer = (*sourceTask)(nil)
)

// mostText is the length of lines after which a poll ends although batch.size is not reached: a batch of lines of a
// megabyte each would not fit into the memory of a function.
const mostText = 8 << 20

// lineSchema is the schema of every value.
var lineSchema = schema.Of(schema.String)

type sourceTask struct {
	path  string
	topic string
	batch int

	partition connect.Partition
	untracked connect.Position // every record's position where positions mean nothing
	follower  *follower
	records   []connect.Record
}

// Define declares the settings of Kafka's connector.
func (s *sourceTask) Define(d *config.Def) {
	d.String(&s.path, "file", "", "The file to read. Without it, standard input is read.",
		config.NullDefault(), config.High)
	d.String(&s.topic, "topic", "", "The topic that gets the lines.",
		config.Required(), config.Check(config.NonEmpty()), config.High)
	d.Int(&s.batch, "batch.size", 2000, "Most lines read in one poll.", config.Low)
}

// Plan gives the whole file to one task.
func (s *sourceTask) Plan(_ context.Context, settings map[string]string, _ int) ([]map[string]string, error) {
	return []map[string]string{maps.Clone(settings)}, nil
}

// Open finds out where the last invocation stopped. The file itself is opened by Poll, as soon as it is there.
func (s *sourceTask) Open(ctx context.Context, a connect.Assignment) (err error) {
	if s.path == "" {
		return s.openStandardInput(a.Log)
	}
	if s.partition, err = connect.NewPartition(map[string]any{"filename": s.path}); err != nil {
		return err
	}
	stored, err := a.Offsets.Offsets(ctx, s.partition)
	if err != nil {
		return fmt.Errorf("asking where to go on in %s: %w", s.path, err)
	}
	from, err := parsePlace(stored[s.partition])
	if err != nil {
		return err
	}
	s.follower = &follower{path: s.path, log: a.Log, from: from}
	return nil
}

func (s *sourceTask) openStandardInput(log connect.Logger) error {
	f, err := standardInput()
	if err != nil {
		return err
	}
	s.follower = &follower{log: log, file: f}
	s.untracked = connect.NewPosition(map[string]any{"position": nil})
	s.partition, err = connect.NewPartition(map[string]any{"filename": nil})
	return err
}

// Poll returns the lines that are there now, at most batch.size.
func (s *sourceTask) Poll(ctx context.Context) ([]connect.Record, error) {
	s.records = s.records[:0]
	now := time.UnixMilli(time.Now().UnixMilli()) // Connect's clock has milliseconds
	for text := 0; len(s.records) < max(s.batch, 1) && text < mostText; {
		line, ok := s.follower.next(ctx)
		if !ok {
			break
		}
		text += len(line)
		s.records = append(s.records, connect.Record{
			Topic:     s.topic,
			Partition: connect.AnyPartition,
			Value:     connect.Datum{Schema: lineSchema, Value: line},
			Time:      now,
			Source:    connect.Source{Partition: s.partition, Position: s.place()},
		})
	}
	if len(s.records) == 0 {
		return nil, s.follower.err
	}
	return s.records, nil // an error comes again at the next poll
}

// place is where to go on after the line that was read last.
func (s *sourceTask) place() connect.Position {
	if !s.untracked.IsZero() {
		return s.untracked
	}
	return connect.At("position", s.follower.position)
}

// Position says more precisely than the records where to go on; see [place].
func (s *sourceTask) Position() connect.Offsets {
	p, ok := s.follower.place()
	if !ok {
		return nil
	}
	return connect.Offsets{s.partition: p.position()}
}

// Close closes the file.
func (s *sourceTask) Close(context.Context) error {
	s.records = nil
	if s.follower == nil {
		return nil
	}
	return s.follower.close()
}

// AlterOffsets checks offsets set from outside, in Connect's words. Removing an offset is always allowed.
func (s *sourceTask) AlterOffsets(_ context.Context, offsets connect.Offsets) (done bool, err error) {
	if s.path == "" {
		return false, refuse("Offsets cannot be modified if the 'file' configuration is unspecified. " +
			"This is because stdin is used for input and offsets are not tracked.")
	}
	for partition, position := range offsets {
		if position.IsZero() {
			continue
		}
		v, ok := position.Get("position")
		if !ok {
			return false, refuse("Offset objects should either be null or contain the key 'position'")
		}
		n, ok := v.(int64)
		if !ok {
			return false, refuse("The value for the 'position' key in the offset is expected to be a Long value")
		}
		if n < 0 {
			return false, refuse("The value for the 'position' key in the offset should be a non-negative value")
		}
		if partition.IsZero() {
			return false, refuse("Partition objects cannot be null")
		}
		if _, ok := partition.Fields()["filename"]; !ok {
			return false, refuse("Partition objects should contain the key 'filename'")
		}
	}
	return true, nil
}

func refuse(message string) error { return schema.NewError(schema.ConnectException, message, nil) }
