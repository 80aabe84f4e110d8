package sql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Sink writes records to tables.
var Sink = connect.SinkConnector{
	Class:     "io.confluent.connect.jdbc.JdbcSinkConnector",
	Aliases:   []string{"io.aiven.connect.jdbc.JdbcSinkConnector"},
	TaskClass: "io.confluent.connect.jdbc.sink.JdbcSinkTask",
	Doc:       "Writes records to tables of MySQL, MariaDB, PostgreSQL or SQLite.",
	New:       func() connect.SinkTask { return &sinkTask{} },
}

var (
	_ connect.SinkTask          = (*sinkTask)(nil)
	_ connect.Validator         = (*sinkTask)(nil)
	_ connect.Checker           = (*sinkTask)(nil)
	_ connect.SinkOffsetAlterer = (*sinkTask)(nil)
)

type sinkTask struct {
	settings sinkSettings

	connector string
	singles   bool // a record that cannot be written is reported alone
	log       connect.Logger
	db        *database
	writer    *sinkWriter
	retries   int // left before the task fails
}

// Define declares the settings of the JDBC sink connectors of Confluent and Aiven, and our own.
func (t *sinkTask) Define(d *config.Def) { t.settings.Define(d) }

// Validate judges settings that depend on each other.
func (t *sinkTask) Validate() error { return t.settings.Validate() }

// Check connects to the database.
func (t *sinkTask) Check(ctx context.Context) error {
	db, err := t.settings.open(ctx)
	if err != nil {
		return err
	}
	return db.close()
}

// Open does not connect yet: a database that is away is a matter of max.retries.
func (t *sinkTask) Open(_ context.Context, a connect.SinkAssignment) error {
	t.connector, t.singles, t.log = a.Connector, a.Isolate, a.Log
	t.retries = t.settings.maxRetries
	if t.settings.exactlyOnce && (len(a.Connector) > longestName || strings.TrimRight(a.Connector, " ") != a.Connector) {
		return fmt.Errorf("opening the sink: with sluice.exactly.once the connector's name must have at most %d bytes and not end with a blank",
			longestName)
	}
	return nil
}

// longestName is what fits into sluice_offsets.
const longestName = 255

// Put writes the records in one transaction.
func (t *sinkTask) Put(ctx context.Context, records []connect.Record) error {
	if len(records) == 0 {
		return nil
	}
	err := t.attempts(ctx, records, false)
	kind := otherFailure
	if err != nil {
		kind = failureOf(err)
	}
	_, reported := errors.AsType[*connect.BatchError](err)
	switch {
	case err == nil || reported:
		t.retries = t.settings.maxRetries
		return err
	case ctx.Err() != nil:
		return err
	case kind != badData && t.retries > 0:
		t.retries--
		return connect.Retry(err, t.settings.retryBackoff)
	case t.singles && kind != lostConnection && kind != conflict:
		if err = t.attempts(ctx, records, true); err == nil {
			t.retries = t.settings.maxRetries
			return nil
		}
		if _, reported := errors.AsType[*connect.BatchError](err); reported {
			return err
		}
	}
	return exception(err)
}

// exception is the error in Connect's words, for the task's status.
func exception(err error) error {
	if e, ok := errors.AsType[*schema.Error](err); ok && e.Class != sqlException {
		return err
	}
	before, _, _ := strings.Cut(err.Error(), ": ")
	return fmt.Errorf("%s: %w", before, connectError("java.sql.SQLException: %s", chained(err).Message))
}

// How often a batch is repeated at once, because the database chose it to solve a conflict, the connection turned out to be
// dead, or a table to have changed.
const (
	mostConflicts = 10
	mostLost      = 1
	mostChanged   = 1
)

// attempts writes the records, and repeats that at once after failures that go away by it.
func (t *sinkTask) attempts(ctx context.Context, records []connect.Record, singles bool) error {
	var conflicts, lost, changed int
	for {
		err := t.attempt(ctx, records, singles)
		if err == nil || ctx.Err() != nil {
			return err
		}
		kind := failureOf(err)
		switch {
		case errors.Is(err, errNoRow) && changed < mostChanged:
			changed++
		case kind == changedTable && changed < mostChanged:
			changed++
			t.writer.forget()
		case kind == lostConnection && lost < mostLost:
			lost++
		case kind == conflict && conflicts < mostConflicts:
			conflicts++
			if !wait(ctx, 20*time.Millisecond+rand.N(time.Duration(conflicts)*50*time.Millisecond)) {
				return err
			}
			continue
		default:
			return err
		}
		t.log.Warn("writing again", "records", len(records), "because", err)
	}
}

// attempt writes the records in one transaction. With singles it finds those that fail, writes the others and returns a
// BatchError.
func (t *sinkTask) attempt(ctx context.Context, records []connect.Record, singles bool) (err error) {
	conn, err := t.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		t.writer.conn = nil
		if err != nil && (ctx.Err() != nil || failureOf(err) == lostConnection) {
			t.db.discard(ctx, conn)
			return
		}
		_ = conn.Close()
	}()
	if err := t.writer.use(ctx, conn); err != nil {
		return err
	}
	var failed map[int]error
	if singles {
		failed = map[int]error{}
	}
	// Tables are made to fit first: in MySQL that would end the transaction.
	segments, err := t.writer.segments(ctx, records, failed)
	if err != nil {
		return err
	}
	if err := t.transaction(ctx, segments, records, failed); err != nil {
		return err
	}
	if len(failed) > 0 {
		return &connect.BatchError{Failed: failed}
	}
	return nil
}

// connect returns a connection that works, opening the first one.
func (t *sinkTask) connect(ctx context.Context) (*sql.Conn, error) {
	if t.db == nil {
		db, err := t.settings.open(ctx)
		if err != nil {
			return nil, err
		}
		t.db, t.writer = db, t.newWriter(db)
	}
	return t.db.conn(ctx)
}

func (t *sinkTask) newWriter(db *database) *sinkWriter {
	w := &sinkWriter{
		settings: &t.settings, sinkDialect: sinkDialectOf(db.dialect, t.settings.aiven()), db: db, log: t.log, plans: map[string][]*plan{},
		zones: t.settings.zones(),
	}
	switch {
	case w.upsert == nil:
		w.rows = &postgresRows{w: w}
	case db.catalogs:
		w.rows = &boundRows{w: w, bind: w.zones.bindMySQL}
	default:
		w.rows = &boundRows{w: w, bind: w.zones.bindSQLite}
	}
	if t.settings.exactlyOnce {
		w.offsets = &offsets{w: w, connector: t.connector, known: map[connect.TopicPartition]bool{}}
	}
	return w
}

// transaction writes segments, and their offsets if need be, and commits.
func (t *sinkTask) transaction(ctx context.Context, segments []segment, records []connect.Record, failed map[int]error) (err error) {
	w := t.writer
	parts := partitionsOf(records)
	if w.offsets != nil {
		if err := w.offsets.ready(ctx, parts); err != nil {
			return err
		}
	}
	if err := w.exec(ctx, w.begin); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	defer func() {
		if err == nil {
			return
		}
		undoing, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTime)
		defer cancel()
		if w.exec(undoing, "ROLLBACK") != nil {
			t.db.discard(ctx, w.conn)
		}
	}()
	var at map[connect.TopicPartition]position
	if w.offsets != nil {
		if at, err = w.offsets.lock(ctx, parts); err != nil {
			return err
		}
		skip(segments, records, at, failed)
	}
	for _, s := range segments {
		switch {
		case len(s.indices) == 0:
		case failed != nil:
			err = w.isolate(ctx, s, records, failed)
		default:
			err = w.write(ctx, s, records)
		}
		if err != nil {
			return err
		}
	}
	if w.offsets != nil {
		if err := w.offsets.store(ctx, at, records, failed); err != nil {
			return err
		}
	}
	if err := w.exec(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("committing %d records: %w", len(records), err)
	}
	return nil
}

// skip leaves out of segments, and of what failed, records that were written before.
func skip(segments []segment, records []connect.Record, at map[connect.TopicPartition]position, failed map[int]error) {
	written := func(i int) bool {
		k := &records[i].Kafka
		return at[connect.TopicPartition{Topic: k.Topic, Partition: k.Partition}].written(k.Offset)
	}
	for i := range segments {
		segments[i].indices = slices.DeleteFunc(segments[i].indices, written)
	}
	for i := range failed {
		if written(i) {
			delete(failed, i)
		}
	}
}

// AlterSinkOffsets takes over offsets that a user sets: what sluice_offsets says would otherwise have records skipped.
func (t *sinkTask) AlterSinkOffsets(ctx context.Context, to map[connect.TopicPartition]*int64) (bool, error) {
	if !t.settings.exactlyOnce {
		return true, nil
	}
	t.connector = t.settings.name
	conn, err := t.connect(ctx)
	if err != nil {
		return false, err
	}
	t.writer.conn = conn
	err = t.writer.offsets.alter(ctx, to)
	return err == nil, errors.Join(err, conn.Close(), t.Close(ctx))
}

// Close lets go of the connection.
func (t *sinkTask) Close(context.Context) error {
	db := t.db
	t.db, t.writer = nil, nil
	if db == nil {
		return nil
	}
	return db.close()
}
