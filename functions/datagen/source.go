package datagen

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Source makes up records.
var Source = connect.SourceConnector{
	Class:     "io.confluent.kafka.connect.datagen.DatagenConnector",
	TaskClass: "io.confluent.kafka.connect.datagen.DatagenTask",
	Doc:       "Makes up records, for demonstrations and tests.",
	New:       func() connect.SourceTask { return &sourceTask{} },
}

var (
	_ connect.SourceTask = (*sourceTask)(nil)
	_ connect.Planner    = (*sourceTask)(nil)
	_ connect.Validator  = (*sourceTask)(nil)
	_ connect.Positioner = (*sourceTask)(nil)
	_ connect.Sleeper    = (*sourceTask)(nil)
)

const (
	// mostAtOnce is how many records one poll makes.
	mostAtOnce = 1000
	// mostOverdue is how many records are made up for after a pause.
	mostOverdue = 10_000
)

type sourceTask struct {
	settings

	task      int64
	partition connect.Partition
	value     *schema.Schema
	make      maker
	key       int            // the field that is the key, -1 for none
	keyShape  *schema.Schema // its schema as a key
	run       run
	seed      int64 // the chance's state before the next record
	count     int64 // records made so far, by all invocations
	life      int64 // counts invocations that made records
	due       time.Time
	told      int64 // the count that Position returned last
	records   []connect.Record
}

// Plan repeats the settings for every task, with its number.
func (s *sourceTask) Plan(_ context.Context, settings map[string]string, limit int) ([]map[string]string, error) {
	tasks := make([]map[string]string, limit)
	for i := range tasks {
		tasks[i] = maps.Clone(settings)
		tasks[i]["task.id"] = strconv.Itoa(i)
	}
	return tasks, nil
}

// Open goes on where the last invocation stopped.
func (s *sourceTask) Open(ctx context.Context, a connect.Assignment) error {
	if err := s.compile(); err != nil {
		return err
	}
	s.task = int64(a.Task)
	var err error
	if s.partition, err = connect.NewPartition(map[string]any{"task.id": s.task}); err != nil {
		return err
	}
	s.run.random, s.seed = newRandom(0), rand.Int64()
	if s.seeded {
		s.seed = s.startSeed
		for range a.Task { // every task gets another seed out of the same one
			s.run.seed(s.seed)
			s.seed = s.run.int64()
		}
	}
	s.run.seed(s.seed)
	s.due = time.Now()
	stored, err := a.Offsets.Offsets(ctx, s.partition)
	if err != nil {
		return fmt.Errorf("asking where to go on: %w", err)
	}
	if p, ok := stored[s.partition]; ok {
		err = s.resume(p)
	}
	s.told = s.count
	return err
}

// resume restores the state that an invocation left.
func (s *sourceTask) resume(p connect.Position) error {
	for name, to := range map[string]*int64{"task.generation": &s.life, "current.iteration": &s.count, "random.seed": &s.seed} {
		n, found, err := p.Int64(name)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("reading the stored offset: it has no %q", name)
		}
		*to = n
	}
	s.run.seed(s.seed)
	due, found, err := p.Int64("due")
	if err != nil || !found {
		return err
	}
	s.due = time.UnixMilli(due)
	// On the average half of the longest interval passes between two records.
	if earliest := time.Now().Add(-mostOverdue * s.interval / 2); s.due.Before(earliest) {
		s.due = earliest
	}
	return nil
}

// compile turns the schema into what makes values of it.
func (s *sourceTask) compile() error {
	text, key, err := s.schemaText()
	if err != nil {
		return err
	}
	a, err := parseAvro(text)
	if err != nil {
		return fmt.Errorf("parsing the schema: %w", err)
	}
	if a.kind != "record" {
		return fmt.Errorf("parsing the schema: values must be records, and this is of type %s", a.kind)
	}
	if s.value, err = a.shape(); err != nil {
		return fmt.Errorf("translating the schema: %w", err)
	}
	if s.make, err = a.maker(s.value); err != nil {
		return fmt.Errorf("reading the schema's arg.properties: %w", err)
	}
	s.key = -1
	if key == "" {
		return nil
	}
	f := s.value.Field(key)
	if f == nil {
		return config.Errorf("schema.keyfield", "The schema has no field %s, which schema.keyfield names", key)
	}
	s.key = f.Index
	s.keyShape, err = a.fields[s.key].typ.shape() // without the default that a field may have
	return err
}

// Poll makes the records that are due.
func (s *sourceTask) Poll(ctx context.Context) ([]connect.Record, error) {
	if s.finished() {
		message := fmt.Sprintf("Stopping connector: generated the configured %d number of messages", s.count)
		return nil, schema.NewError(schema.ConnectException, message, nil)
	}
	s.records = s.records[:0]
	now := time.Now()
	for len(s.records) < mostAtOnce && !s.due.After(now) && !s.finished() && ctx.Err() == nil {
		begun := time.Now()
		record := s.record()
		if took := time.Since(begun); s.timeout > 0 && took > s.timeout {
			return nil, fmt.Errorf("making a record took %v, more than generate.timeout allows", took)
		}
		s.records = append(s.records, record)
		if s.interval > 0 {
			s.due = s.due.Add(rand.N(s.interval)) // not from the seed: only the data repeats, not the time
		}
	}
	return s.records, nil
}

func (s *sourceTask) finished() bool { return s.iterations > 0 && s.count >= int64(s.iterations) }

func (s *sourceTask) record() connect.Record {
	s.run.record = s.count
	value := s.make(&s.run)
	key := connect.Datum{Schema: noKey}
	if st, ok := value.(*schema.Struct); ok && s.key >= 0 {
		key = connect.Datum{Schema: s.keyShape, Value: st.Raw(s.key)}
	}
	headers := []connect.Header{
		{Key: "task.generation", Value: connect.Datum{Schema: number, Value: s.life}},
		{Key: "task.id", Value: connect.Datum{Schema: number, Value: s.task}},
		{Key: "current.iteration", Value: connect.Datum{Schema: number, Value: s.count}},
	}
	// Chance begins anew with every record, from a seed that fits into an offset.
	s.seed = s.run.int64()
	s.run.seed(s.seed)
	s.count++
	return connect.Record{
		Topic:     s.topic,
		Partition: connect.AnyPartition,
		Key:       key,
		Value:     connect.Datum{Schema: s.value, Value: value},
		Headers:   headers,
		Source:    connect.Source{Partition: s.partition, Position: connect.NewPosition(s.state())},
	}
}

var (
	// noKey is the schema of the key of records without one.
	noKey = schema.Of(schema.String, schema.Optional())
	// number is the schema of the headers.
	number = schema.Of(schema.Int64)
)

// state is what the next invocation begins with.
func (s *sourceTask) state() map[string]any {
	return map[string]any{"task.generation": s.life + 1, "current.iteration": s.count, "random.seed": s.seed}
}

// Position adds to the records' positions when the next record is due.
func (s *sourceTask) Position() connect.Offsets {
	if s.count == s.told {
		return nil
	}
	s.told = s.count
	state := s.state()
	state["due"] = s.due.UnixMilli()
	return connect.Offsets{s.partition: connect.NewPosition(state)}
}

// NotBefore is when the next record is due.
func (s *sourceTask) NotBefore() time.Time { return s.due }

// Close lets go of the last batch.
func (s *sourceTask) Close(context.Context) error {
	s.records = nil
	return nil
}

// settings are the connector's settings.
type settings struct {
	topic        string
	interval     time.Duration
	iterations   int
	schemaString string
	schemaFile   string
	keyField     string
	quickstart   string
	startSeed    int64
	seeded       bool
	timeout      time.Duration
}

// Define declares the settings of Confluent's connector.
func (s *settings) Define(d *config.Def) {
	d.String(&s.topic, "kafka.topic", "", "The topic to write to.", config.Required(), config.High)
	d.Millis(&s.interval, "max.interval", 500*time.Millisecond, "Longest interval between two records, in milliseconds.", config.High)
	d.Int(&s.iterations, "iterations", -1, "How many records each task makes; less than 1 for no end.", config.High)
	d.String(&s.schemaString, "schema.string", "", "The Avro schema to use, as JSON.",
		config.High, config.Check(config.Func("an Avro schema", checkSchema)))
	d.String(&s.schemaFile, "schema.filename", "", "The file that holds the Avro schema to use.",
		config.High, config.Check(config.Func("a file with an Avro schema", checkSchemaFile)))
	d.String(&s.keyField, "schema.keyfield", "", "The field that becomes the key.", config.High)
	d.String(&s.quickstart, "quickstart", "", "The name of a schema that comes with the connector.",
		config.High, config.Check(config.Func("the name of a quickstart", checkQuickstart)))
	d.Long(&s.startSeed, "random.seed", 0, "Where chance begins: with the same seed, the same data is made, another for each task.",
		config.NullDefault(), config.Given(&s.seeded), config.Low)
	d.Millis(&s.timeout, "generate.timeout", 0, "How long making one record may take, in milliseconds: at most 60000.",
		config.NullDefault(), config.Low, config.Check(config.Func("[1,...,60000]", checkTimeout)))
}

func checkSchema(name string, v any) error {
	text, _ := v.(string)
	if text == "" {
		return nil
	}
	if _, err := parseAvro([]byte(text)); err != nil {
		return config.Errorf(name, "Unable to parse the provided schema: %v", err)
	}
	return nil
}

func checkSchemaFile(name string, v any) error {
	path, _ := v.(string)
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return config.Errorf(name, "Unable to find the schema file: %v", err)
	}
	return checkSchema(name, string(text))
}

func checkQuickstart(name string, v any) error {
	q, _ := v.(string)
	if q == "" {
		return nil
	}
	if _, err := findQuickstart(q); err != nil {
		return config.Errorf(name, "%v", err)
	}
	return nil
}

func checkTimeout(name string, v any) error {
	if n, ok := v.(int64); ok && (n < 1 || n > 60_000) {
		return config.Errorf(name, "%s must be in the range [1, 60000] ms", name)
	}
	return nil
}

// Validate checks that there is one schema, and that data can be made from it.
func (s *sourceTask) Validate() error {
	given := map[string]string{"schema.string": s.schemaString, "schema.filename": s.schemaFile, "quickstart": s.quickstart}
	keys := []string{"schema.string", "schema.filename", "quickstart"}
	var set []string
	for _, k := range keys {
		if given[k] != "" {
			set = append(set, k)
		}
	}
	if len(set) == 1 {
		err := s.compile()
		if errs := config.Errors(err); err == nil || len(errs) > 0 {
			return err
		}
		return config.Errorf(set[0], "%v", err)
	}
	if len(set) == 0 {
		set = keys
	}
	errs := make([]error, len(set))
	for i, k := range set {
		errs[i] = config.Errorf(k, "Must set exactly one of %s", strings.Join(keys, ", "))
	}
	return errors.Join(errs...)
}

// schemaText returns the schema and the name of the key field, if there is one.
func (s *settings) schemaText() (text []byte, key string, err error) {
	switch {
	case s.quickstart != "":
		q, err := findQuickstart(s.quickstart)
		if err != nil {
			return nil, "", err
		}
		key = q.key
		if s.keyField != "" {
			key = s.keyField
		}
		text, err = q.schema()
		return text, key, err
	case s.schemaString != "":
		return []byte(s.schemaString), s.keyField, nil
	}
	text, err = os.ReadFile(s.schemaFile)
	return text, s.keyField, err
}
