package sql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A row that commits late may belong before rows that were read already: it got its number, or its timestamp, when it was
// written, and is seen only once its transaction has ended. So nothing is read past a horizon: first what is there is
// marked (the largest number, or the time), then everybody who is writing is noted, and once all of those have ended
// everything up to the mark is to be seen, and is read. Who begins to write later gets a later number or timestamp.

const (
	// horizonMargin is how far the horizon of timestamps stays behind the database's clock: a statement that was sent gets
	// its time a moment before others can see that it runs.
	horizonMargin = 500 * time.Millisecond
	// horizonPatience is how long a poll waits for transactions to end, and horizonLook how often it looks.
	horizonPatience = time.Second
	horizonLook     = 20 * time.Millisecond
	// horizonAlarm is after how long of waiting the log says for whom.
	horizonAlarm = time.Minute
	// horizonStored is how long a horizon may be to be kept for the next invocation.
	horizonStored = 8 << 10
)

// limit is how far to read.
type limit struct {
	id    int64
	hasID bool
	at    string // as the database reads timestamps; rows are before it
}

// horizon is a mark, and who may still write before it.
type horizon struct {
	// ID or At is the mark. At is as the database reads it.
	ID *int64 `json:"id,omitempty"`
	At string `json:"at,omitempty"`
	// Writers are those who had not ended when they were looked for last.
	Writers []string `json:"writers,omitempty"`
	// Until is when to stop waiting where writers cannot be seen; the zero Time where they can.
	Until time.Time `json:"until,omitzero"`
	// Since is when the mark was made.
	Since time.Time `json:"since"`

	alarmed bool
}

func (h *horizon) limit() limit {
	if h.ID != nil {
		return limit{id: *h.ID, hasID: true}
	}
	return limit{at: h.At}
}

// text is the horizon for the next invocation, "" if it is too long.
func (h *horizon) text() string {
	text, err := json.Marshal(h)
	if err != nil || len(text) > horizonStored {
		return ""
	}
	return string(text)
}

func parseHorizon(text string) *horizon {
	var h horizon
	if text == "" || json.Unmarshal([]byte(text), &h) != nil || h.ID == nil && h.At == "" {
		return nil // then it is made anew
	}
	return &h
}

// bound asks how far to read now. ok is false if there is nothing to read, or not yet.
func (r *reader) bound(ctx context.Context) (b limit, ok bool, err error) {
	if r.settings.mode == modeBulk {
		return b, true, nil
	}
	if strings.EqualFold(r.settings.horizon, "none") {
		if r.settings.byTime() {
			b.at, err = r.now(ctx, r.settings.delay, 0)
		}
		return b, err == nil, err
	}
	if r.horizon == nil {
		if r.horizon, err = r.mark(ctx); r.horizon == nil || err != nil {
			return b, false, err
		}
	}
	for began := time.Now(); ; {
		reached, err := r.reached(ctx)
		if err != nil {
			return b, false, err
		}
		if reached {
			b = r.horizon.limit()
			r.moved = r.moved || r.place.pending != ""
			r.horizon, r.place.pending = nil, ""
			return b, true, nil
		}
		if time.Since(began) > horizonPatience || !wait(ctx, horizonLook) {
			r.place.pending, r.moved = r.horizon.text(), true
			return b, false, nil
		}
	}
}

// now is the database's time less some, as the database reads it, cut off to the column's digits.
func (r *reader) now(ctx context.Context, less time.Duration, margin time.Duration) (string, error) {
	at, err := r.db.clock(ctx, r.db.pool)
	if err != nil {
		return "", fmt.Errorf("asking for the time: %w", err)
	}
	return r.stamp(at.Add(-less - margin)), nil
}

// stamp writes a time of the database's clock for it to read, cut off to what the timestamp columns can hold: a row of the
// same second may still be written to a column of whole seconds.
func (r *reader) stamp(at time.Time) string {
	digits := 0
	if r.about != nil {
		for _, name := range r.times {
			if c := r.about.column(name); c != nil {
				digits = max(digits, c.digits)
			}
		}
	} else if r.db.zoned {
		digits = 6
	}
	unit := time.Second
	for range digits {
		unit /= 10
	}
	at = at.Truncate(max(unit, time.Microsecond))
	if r.db.zoned {
		return r.moment(at)
	}
	return at.Format(r.db.layout())
}

// mark marks what is there. nil means that there is nothing new.
func (r *reader) mark(ctx context.Context) (*horizon, error) {
	h := &horizon{Since: time.Now()}
	if !r.settings.byTime() {
		last, found, err := r.largest(ctx)
		if err != nil || !found || last <= r.place.id {
			return nil, err
		}
		h.ID = &last
		return h, r.note(ctx, h)
	}
	at, err := r.db.clock(ctx, r.db.pool)
	if err != nil {
		return nil, fmt.Errorf("asking for the time: %w", err)
	}
	at = at.Add(-horizonMargin - r.settings.delay)
	if r.db.oldest != nil {
		// Where it can be seen when transactions began, nobody has to be waited for.
		oldest, seen, err := r.db.oldest(ctx, r.db.pool)
		if err != nil {
			return nil, fmt.Errorf("asking for the oldest transaction: %w", err)
		}
		if seen {
			if !oldest.IsZero() && oldest.Before(at) {
				at = oldest
			}
			h.At = r.stamp(at)
			return h, nil
		}
	}
	h.At = r.stamp(at)
	return h, r.note(ctx, h)
}

// note notes who is writing.
func (r *reader) note(ctx context.Context, h *horizon) error {
	writers, seen, err := r.writers(ctx)
	if err != nil {
		return fmt.Errorf("asking who is writing: %w", err)
	}
	h.Writers = writers
	if !seen {
		h.Until = time.Now().Add(r.settings.horizonDelay)
		if !r.db.blind {
			r.db.blind = true
			r.log.Warn("this user may not see which transactions are open: rows are read sluice.incrementing.delay.ms later"+
				" instead, and those of longer transactions may be missed", "table", r.what(), "delay", r.settings.horizonDelay)
		}
	}
	return nil
}

// writers asks who is writing to the table, or to any table for a query or a view.
func (r *reader) writers(ctx context.Context) ([]string, bool, error) {
	var name *tableName
	if r.about != nil && !slices.ContainsFunc(r.settings.tableTypes, func(t string) bool { return !strings.EqualFold(t, "TABLE") }) {
		name = &r.about.name // with its catalog or schema, though table.names.qualify leaves it out
	}
	return r.db.writers(ctx, r.db, name, r.settings.byTime())
}

// reached looks who has ended.
func (r *reader) reached(ctx context.Context) (bool, error) {
	h := r.horizon
	if !h.Until.IsZero() {
		return !time.Now().Before(h.Until), nil
	}
	if len(h.Writers) == 0 {
		return true, nil
	}
	writers, seen, err := r.writers(ctx)
	if err != nil || !seen {
		return false, err
	}
	h.Writers = slices.DeleteFunc(h.Writers, func(w string) bool { return !slices.Contains(writers, w) })
	if len(h.Writers) > 0 && time.Since(h.Since) > horizonAlarm && !h.alarmed {
		h.alarmed = true
		r.log.Warn("waiting for transactions that are open for long: rows written since are not read before they end",
			"table", r.what(), "since", h.Since, "transactions", h.Writers)
	}
	return len(h.Writers) == 0, nil
}

// largest asks for the largest number there is.
func (r *reader) largest(ctx context.Context) (last int64, found bool, err error) {
	statement, args := "", []string(nil)
	if r.about != nil {
		statement = "SELECT MAX(" + r.idColumn() + ") AS " + r.idColumn() + " FROM " + r.db.quotedTable(r.name)
	} else {
		w := where{dialect: r.db.dialect}
		w.add(r.idColumn(), " > ", strconv.FormatInt(r.place.id, 10))
		statement = r.settings.theQuery() + " WHERE " + w.text.String() + " ORDER BY " + r.idColumn() + " DESC LIMIT 1"
		args = w.args
	}
	res, err := r.db.query(ctx, r.typing, nil, statement, args)
	if err != nil {
		return 0, false, err
	}
	defer func() { err = errors.Join(err, res.close()) }()
	values := make([]any, len(res.fields()))
	for {
		switch err := res.next(values); {
		case errors.Is(err, io.EOF):
			return last, found, nil
		case err != nil:
			return 0, false, err
		}
		i := slices.IndexFunc(res.fields(), func(f resultColumn) bool { return strings.EqualFold(f.name, r.id) })
		if i < 0 || values[i] == nil {
			continue
		}
		if last, err = wholeNumber(values[i]); err != nil {
			return 0, false, fmt.Errorf("reading the incrementing column %s: %w", r.id, err)
		}
		found = true
	}
}
