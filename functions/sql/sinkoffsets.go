package sql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// offsets are the positions of sluice.exactly.once: rows of the table sluice_offsets, one for each Kafka partition, written in
// the transaction that writes the records.
//
// A record at or below its partition's offset is written, unless the row names it as one that failed: the runtime may have died
// before it was dead-lettered, so that it is tried again when it comes again. Failures below what comes are forgotten: Kafka
// does not hand out what comes next before a batch is done.
type offsets struct {
	w         *sinkWriter
	connector string
	known     map[connect.TopicPartition]bool // those that have a row
	made      bool                            // the table is there
}

// position is a row of the table.
type position struct {
	last   int64
	failed []int64
}

// errNoRow means that a row is gone that was there.
var errNoRow = errors.New("a row of sluice_offsets is gone")

const offsetColumns = "connector, kafka_topic, kafka_partition, kafka_offset, failed"

// ready makes the table and the rows that are missing, outside of any transaction, so that locks are taken on rows that exist.
func (o *offsets) ready(ctx context.Context, parts []connect.TopicPartition) error {
	if !o.made {
		if err := o.make(ctx); err != nil {
			return err
		}
	}
	for _, p := range parts {
		if o.known[p] {
			continue
		}
		if err := o.w.exec(ctx, o.insert("-1, ''"), o.connector, p.Topic, p.Partition); err != nil {
			return fmt.Errorf("adding %s-%d to sluice_offsets: %w", p.Topic, p.Partition, err)
		}
		o.known[p] = true
	}
	return nil
}

func (o *offsets) make(ctx context.Context) error {
	err := o.w.exec(ctx, o.w.sinkDialect.offsets)
	if err != nil {
		// IF NOT EXISTS does not help two that make it at the same moment, nor one who may not create tables.
		if t, _ := o.w.db.describe(ctx, o.w.conn, tableName{table: "sluice_offsets"}); t == nil {
			return fmt.Errorf("creating the table sluice_offsets: %w", err)
		}
	}
	o.made = true
	return nil
}

// insert adds a row if there is none.
func (o *offsets) insert(rest string) string {
	d := o.w.db
	values := " (" + offsetColumns + ") VALUES (" + d.placeholder(1) + ", " + d.placeholder(2) + ", " + d.placeholder(3) + ", " + rest + ")"
	if d.catalogs { // MySQL
		return "INSERT IGNORE INTO sluice_offsets" + values
	}
	return "INSERT INTO sluice_offsets" + values + " ON CONFLICT DO NOTHING"
}

// lock reads the positions of partitions within the transaction, and keeps others from them until it ends.
func (o *offsets) lock(ctx context.Context, parts []connect.TopicPartition) (map[connect.TopicPartition]position, error) {
	found := make(map[connect.TopicPartition]position, len(parts))
	d := o.w.db
	query := "SELECT kafka_offset, failed FROM sluice_offsets WHERE connector = " + d.placeholder(1) + " AND kafka_topic = " +
		d.placeholder(2) + " AND kafka_partition = " + d.placeholder(3) + o.w.sinkDialect.lock
	for _, part := range parts { // in one order for all, so that they wait and do not deadlock
		rows := 0
		err := collect(ctx, o.w.conn, query, []any{o.connector, part.Topic, part.Partition}, func(scan func(dest ...any) error) error {
			var p position
			var failed string
			if err := scan(&p.last, &failed); err != nil {
				return err
			}
			rows++
			for text := range strings.FieldsFuncSeq(failed, func(r rune) bool { return r == ',' }) {
				n, err := strconv.ParseInt(text, 10, 64)
				if err != nil {
					return fmt.Errorf("%q is not an offset: %w", text, err)
				}
				p.failed = append(p.failed, n)
			}
			found[part] = p
			return nil
		})
		if err == nil && rows == 0 {
			delete(o.known, part)
			err = errNoRow
		}
		if err != nil {
			return nil, fmt.Errorf("reading the offset of %s-%d from sluice_offsets: %w", part.Topic, part.Partition, err)
		}
	}
	return found, nil
}

// written tells whether a record was written before.
func (p position) written(offset int64) bool {
	return offset <= p.last && !slices.Contains(p.failed, offset)
}

// store writes the positions after a batch, within its transaction.
func (o *offsets) store(ctx context.Context, at map[connect.TopicPartition]position, records []connect.Record, failed map[int]error) error {
	d := o.w.db
	update := "UPDATE sluice_offsets SET kafka_offset = " + d.placeholder(1) + ", failed = " + d.placeholder(2) + " WHERE connector = " +
		d.placeholder(3) + " AND kafka_topic = " + d.placeholder(4) + " AND kafka_partition = " + d.placeholder(5)
	for _, part := range partitionsOf(records) {
		p, first := at[part], int64(-1)
		was, bad := p.failed, []int64(nil)
		for i := range records {
			k := &records[i].Kafka
			if k.Topic != part.Topic || k.Partition != part.Partition {
				continue
			}
			if first < 0 || k.Offset < first {
				first = k.Offset
			}
			p.last = max(p.last, k.Offset)
			was = slices.DeleteFunc(was, func(n int64) bool { return n == k.Offset })
			if failed[i] != nil {
				bad = append(bad, k.Offset)
			}
		}
		was = slices.DeleteFunc(was, func(n int64) bool { return n < first })
		texts := make([]string, 0, len(was)+len(bad))
		for _, n := range append(was, bad...) {
			texts = append(texts, strconv.FormatInt(n, 10))
		}
		if err := o.w.exec(ctx, update, p.last, strings.Join(texts, ","), o.connector, part.Topic, part.Partition); err != nil {
			return fmt.Errorf("writing the offset of %s-%d to sluice_offsets: %w", part.Topic, part.Partition, err)
		}
	}
	return nil
}

// alter sets positions from outside: the next record of a partition is the one at its offset, or its first.
func (o *offsets) alter(ctx context.Context, to map[connect.TopicPartition]*int64) error {
	if err := o.make(ctx); err != nil {
		return err
	}
	d := o.w.db
	remove := "DELETE FROM sluice_offsets WHERE connector = " + d.placeholder(1) + " AND kafka_topic = " + d.placeholder(2) +
		" AND kafka_partition = " + d.placeholder(3)
	for part, next := range to {
		if err := o.w.exec(ctx, remove, o.connector, part.Topic, part.Partition); err != nil {
			return fmt.Errorf("removing %s-%d from sluice_offsets: %w", part.Topic, part.Partition, err)
		}
		if next == nil || *next == 0 {
			continue
		}
		if err := o.w.exec(ctx, o.insert(d.placeholder(4)+", ''"), o.connector, part.Topic, part.Partition, *next-1); err != nil {
			return fmt.Errorf("adding %s-%d to sluice_offsets: %w", part.Topic, part.Partition, err)
		}
	}
	return nil
}

// partitionsOf lists the Kafka partitions of records, in an order that is the same for all.
func partitionsOf(records []connect.Record) []connect.TopicPartition {
	seen := map[connect.TopicPartition]bool{}
	for i := range records {
		k := &records[i].Kafka
		if part := (connect.TopicPartition{Topic: k.Topic, Partition: k.Partition}); i == 0 || records[i-1].Kafka.Topic != k.Topic ||
			records[i-1].Kafka.Partition != k.Partition {
			seen[part] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b connect.TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
}
