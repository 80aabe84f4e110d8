package sql

import (
	"fmt"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// place is where to go on in a table. Its names are those of the JDBC connectors' offsets.
type place struct {
	// id is the incrementing column's value of the row read last, and hasID whether there is one.
	id    int64
	hasID bool
	// at is the timestamp up to which all rows were read, and hasTime whether there is one.
	at      time.Time
	hasTime bool
	// pending is a horizon that was not reached yet, as [horizon.text] writes it; kept between invocations, not shown.
	pending string
}

// The members of offsets.
const (
	memberID      = "incrementing"
	memberMillis  = "timestamp"
	memberNanos   = "timestamp_nanos"
	memberPending = "horizon"
)

// parsePlace reads an offset. Those of older connectors have milliseconds only.
func parsePlace(p connect.Position) (place, error) {
	var out place
	var err error
	if out.id, out.hasID, err = p.Int64(memberID); err != nil {
		return out, err
	}
	ms, ok, err := p.Int64(memberMillis)
	if err != nil {
		return out, err
	}
	if ok {
		out.hasTime, out.at = true, time.UnixMilli(ms).UTC()
		nanos, ok, err := p.Int64(memberNanos)
		if err != nil {
			return out, err
		}
		if nanos < 0 || nanos >= int64(time.Second) {
			return out, fmt.Errorf("reading the offset member %q: %d is not within a second", memberNanos, nanos)
		}
		if ok {
			out.at = out.at.Truncate(time.Second).Add(time.Duration(nanos))
		}
	}
	if v, ok := p.Get(memberPending); ok {
		out.pending, _ = v.(string)
	}
	return out, nil
}

// position writes the offset.
func (p place) position() connect.Position {
	switch {
	case p.hasID && !p.hasTime && p.pending == "":
		return connect.At(memberID, p.id)
	case !p.hasID && !p.hasTime && p.pending == "":
		return connect.Position{}
	}
	fields := make(map[string]any, 3)
	if p.hasID {
		fields[memberID] = p.id
	}
	if p.hasTime {
		fields[memberMillis] = p.at.UnixMilli()
		fields[memberNanos] = int64(p.at.Nanosecond())
	}
	if p.pending != "" {
		fields[memberPending] = p.pending
	}
	return connect.NewPosition(fields)
}

// partitionOf is the source partition of a table, or of a query, and the one that older connectors used.
func partitionOf(n tableName, query bool) (now, before connect.Partition, err error) {
	fields := map[string]any{"protocol": "1", "table": n.String()}
	old := map[string]any{"table": n.table}
	if query {
		fields, old = map[string]any{"query": "query"}, map[string]any{"query": "query"}
	}
	if now, err = connect.NewPartition(fields); err != nil {
		return now, before, err
	}
	before, err = connect.NewPartition(old)
	return now, before, err
}
