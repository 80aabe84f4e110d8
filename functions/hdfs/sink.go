package hdfs

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/functions/storage"
	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
)

// Sink writes records into files.
var Sink = connect.SinkConnector{
	Class:     "io.confluent.connect.hdfs.HdfsSinkConnector",
	Aliases:   []string{"io.confluent.connect.hdfs3.Hdfs3SinkConnector"},
	TaskClass: "io.confluent.connect.hdfs.HdfsSinkTask",
	Doc:       "Writes records into files of HDFS, each into exactly one.",
	New:       func() connect.SinkTask { return &sinkTask{} },
}

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

// sinkSettings are those of Confluent's connectors.
type sinkSettings struct {
	connection
	files   storage.Confluent
	hive    bool
	groups  string
	backoff time.Duration
	logs    string
}

// Define declares the settings.
func (s *sinkSettings) Define(d *config.Def) {
	s.connection.Define(d)
	d.String(&s.groups, "topic.capture.groups.regex", "", "An expression for whole names of topics. ${1} and so on in topics.dir stand for its groups, "+
		"${topic} for the name.", config.NullDefault(), config.Low, config.Group(group, 7))
	d.Millis(&s.backoff, "retry.backoff.ms", 5*time.Second, "How long to wait before a request is tried again.", config.Low, config.Group(group, 8))
	d.Bool(&s.hive, "hive.integration", false, "Not to be had: tables are not kept up to date.", config.Low, config.Group("Hive", 1))
	d.String(&s.logs, "logs.dir", "logs", "Ignored: there is no write-ahead log.", config.Low, config.Group(group, 9))
	s.files = storage.Confluent{
		Ends: true, DefaultFormat: "io.confluent.connect.hdfs.avro.AvroFormat", PlainParquet: true,
	}
	d.Include(&s.files)
}

func (s *sinkSettings) validate() error {
	var failures []error
	if s.hive {
		failures = append(failures, config.Invalid("hive.integration", s.hive, "Hive tables are not kept up to date here; "+
			"set it to false, and have Hive find the folders itself, by MSCK REPAIR TABLE or external tables"))
	}
	if _, err := s.dir(); err != nil {
		failures = append(failures, err)
	}
	err := s.connection.validate()
	_, failed := s.shape()
	return errors.Join(append(failures, err, failed)...)
}

func (s *sinkSettings) shape() (*storage.Shape, error) {
	dir, err := s.dir()
	if err != nil {
		return nil, err
	}
	s.files.Dir = dir
	shape, err := s.files.Shape(&storage.Codec{})
	if err != nil {
		return nil, err
	}
	if s.groups != "" {
		shape.Settings["topic.capture.groups.regex"] = s.groups
	}
	return shape, nil
}

// dir puts the groups of a topic's name into topics.dir.
func (s *sinkSettings) dir() (func(topic, dir string) string, error) {
	re, err := regexp.Compile("^(?:" + s.groups + ")$")
	if err != nil {
		return nil, config.Invalid("topic.capture.groups.regex", s.groups, err.Error())
	}
	return func(topic, dir string) string {
		if !strings.Contains(dir, "${") {
			return dir
		}
		dir = strings.ReplaceAll(dir, "${topic}", topic)
		for i, group := range re.FindStringSubmatch(topic) {
			dir = strings.ReplaceAll(dir, "${"+strconv.Itoa(i)+"}", group)
		}
		return dir
	}, nil
}

// Define declares the settings.
func (t *sinkTask) Define(d *config.Def) { t.settings.Define(d) }

// Validate checks settings that depend on each other.
func (t *sinkTask) Validate() error { return t.settings.validate() }

// Open makes the client. It makes no call.
func (t *sinkTask) Open(_ context.Context, a connect.SinkAssignment) error {
	client, err := t.settings.client()
	if err != nil {
		return err
	}
	shape, err := t.settings.shape() //nolint:contextcheck // converting to JSON waits for nothing
	if err != nil {
		return err
	}
	files := &t.settings.files
	// Topics may have folders of their own; temporary files have one for all.
	tmp, _, _ := strings.Cut(files.TopicsDir(), "/${")
	tmp = strings.Trim(tmp, "/") + "/+tmp"
	staging := tmp + "/" + a.Connector + "/"
	s := &store{client: client, root: t.settings.root(), staging: staging}
	t.Sink = &storage.Sink{
		Connector: a.Connector, Isolate: a.Isolate, State: a.State, Log: a.Log, Store: s, Shape: shape, Staging: staging,
		Reshape: func(settings map[string]string) (*storage.Shape, error) {
			var earlier sinkSettings
			if err := config.Parse(settings, &earlier); err != nil {
				return nil, err
			}
			return earlier.shape()
		},
		Leftovers: &shelf{client: client, root: t.settings.root()},
		Recover: func(ctx context.Context, topic string, partition int32) (int64, error) {
			return s.recover(ctx, files.Dir(topic, files.TopicsDir())+"/"+topic, files.FileDelim(), topic, partition)
		},
	}
	return nil
}
