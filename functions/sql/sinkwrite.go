package sql

import (
	"context"
	"fmt"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// segment is a run of records of a table that go the same way.
type segment struct {
	plan    *plan
	do      action
	indices []int // of the records in the batch
}

// segments parts a batch by table, and a table's records where the schema changes or deletes follow writes or come before
// them. failed takes the records that cannot be planned; nil makes the first of them fail the batch.
func (w *sinkWriter) segments(ctx context.Context, records []connect.Record, failed map[int]error) ([]segment, error) {
	b := segmenter{last: w.settings.deletesLast(), limit: max(1, w.settings.batchSize), open: map[string]*group{}}
	write := map[insertMode]action{modeInsert: doInsert, modeUpsert: doUpsert, modeUpdate: doUpdate}[w.settings.insertMode()]
	for i := range records {
		r := &records[i]
		p, err := w.planOf(ctx, r)
		switch {
		case err != nil && failed != nil && ctx.Err() == nil && failureOf(err) == badData && !ofSettings(err):
			failed[i] = err
		case err != nil:
			return nil, fmt.Errorf("record %d of %s-%d: %w", r.Kafka.Offset, r.Kafka.Topic, r.Kafka.Partition, err)
		case p == nil: // there is nothing to delete
		case r.Value.Value == nil:
			b.add(p, doDelete, i)
		default:
			b.add(p, write, i)
		}
	}
	return b.segments(), nil
}

// segmenter collects segments table by table.
type segmenter struct {
	last  bool // deletes come after the writes of their group
	limit int
	open  map[string]*group
	order []string
}

// group is what is collected for a table: whole segments, and behind them those that still grow.
type group struct {
	whole    []segment
	writes   segment
	removals segment
}

func (b *segmenter) add(p *plan, do action, i int) {
	g := b.open[p.table]
	if g == nil {
		g = &group{}
		b.open[p.table], b.order = g, append(b.order, p.table)
	}
	s, other := &g.writes, &g.removals
	if do == doDelete {
		s, other = other, s
	}
	grown := len(g.writes.indices) + len(g.removals.indices)
	changed := s.plan != nil && s.plan != p
	if changed || grown >= b.limit || !b.last && len(other.indices) > 0 {
		g.end()
	}
	s.plan, s.do, s.indices = p, do, append(s.indices, i)
}

// end makes what grows whole.
func (g *group) end() {
	for _, s := range []segment{g.writes, g.removals} {
		if len(s.indices) > 0 {
			g.whole = append(g.whole, s)
		}
	}
	g.writes, g.removals = segment{}, segment{}
}

func (b *segmenter) segments() []segment {
	var all []segment
	for _, table := range b.order {
		g := b.open[table]
		g.end()
		all = append(all, g.whole...)
	}
	return all
}

// write writes a segment, and checks that as many rows were inserted as there are records.
func (w *sinkWriter) write(ctx context.Context, s segment, records []connect.Record) error {
	rows := make([]*connect.Record, len(s.indices))
	for i, at := range s.indices {
		rows[i] = &records[at]
	}
	n, err := w.rows.write(ctx, s.plan, s.do, rows)
	if err != nil {
		first := rows[0].Kafka
		return fmt.Errorf("writing %d records from %s-%d, offset %d on, to %s: %w", len(rows), first.Topic, first.Partition, first.Offset,
			s.plan.target.name, err)
	}
	if s.do == doInsert && n != int64(len(rows)) {
		return connectError("Update count (%d) did not sum up to total number of records inserted (%d)", n, len(rows))
	}
	return nil
}

// isolate writes a segment, and finds the records that cannot be written: it halves what fails until one is left.
func (w *sinkWriter) isolate(ctx context.Context, s segment, records []connect.Record, failed map[int]error) error {
	if err := w.exec(ctx, "SAVEPOINT sluice"); err != nil {
		return err
	}
	err := w.write(ctx, s, records)
	if err == nil {
		return w.exec(ctx, "RELEASE SAVEPOINT sluice")
	}
	if kind := failureOf(err); ctx.Err() != nil || kind == lostConnection || kind == conflict {
		return err
	}
	for _, statement := range []string{"ROLLBACK TO SAVEPOINT sluice", "RELEASE SAVEPOINT sluice"} {
		if lost := w.exec(ctx, statement); lost != nil {
			return fmt.Errorf("going back behind a record that failed: %w", lost)
		}
	}
	n := len(s.indices)
	if n == 1 {
		failed[s.indices[0]] = chained(err)
		return nil
	}
	for _, half := range [][]int{s.indices[:n/2], s.indices[n/2:]} {
		if err := w.isolate(ctx, segment{s.plan, s.do, half}, records, failed); err != nil {
			return err
		}
	}
	return nil
}

// raw hands out the driver's connection.
func (w *sinkWriter) raw(f func(dc any) error) error { return w.conn.Raw(f) }
