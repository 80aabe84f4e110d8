package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// attempt is one try to take an event's records of a topic partition. It changes nothing that counts until its swap.
type attempt struct {
	lane  *lane
	shape *Shape
	name  string
	now   time.Time
	next  int64

	open    *generation
	schemas []*schema.Schema // of open.Schemas
	places  map[placeKey]*openFile
	recent  recent
	opens   Open
	topic   string // of the record that is being placed

	event     []connect.Record
	left      int                     // records of the event that are not dealt out
	projected map[*connect.Record]int // copies of records in another schema, with their places in the event

	drafts *drafts
	drop   []string // pieces that are not needed after the swap
	piece  string   // the piece that this attempt stages, if any

	staging errgroup.Group // writes it

	refused map[int]error // by place in the event
	held    []int64       // offsets of refused records, old and new ones
	skipped int
	changed bool
}

// newAttempt begins to work on an event.
func newAttempt(ctx context.Context, l *lane) (*attempt, error) {
	a := &attempt{
		lane: l, name: nonce(), now: l.sink.now(), next: l.ledger.Next, open: l.ledger.Open.clone(),
		refused: map[int]error{}, projected: map[*connect.Record]int{},
	}
	if a.open == nil {
		a.open = &generation{}
	}
	var err error
	if a.shape, err = l.sink.shape(a.open); err != nil {
		return nil, err
	}
	a.drafts = newDrafts(l.sink)
	a.places = make(map[placeKey]*openFile, len(a.open.Files))
	for _, f := range a.open.Files {
		a.places[a.key(f.Topic, f.Place, f.View)] = f
	}
	a.opens = Open{Count: func(place string) int { return a.count(a.topic, place) }}
	a.schemas, err = l.schemas(ctx, a.open.Schemas)
	return a, err
}

// placeKey tells open files apart. The topic of a record may be another than the one it was read from.
type placeKey struct {
	topic, place string
	view         View
}

// recent is where the last record went, because the next one mostly goes there, too.
type recent struct {
	topic, place string
	file         *openFile
	// A record with the schema fits a file with the schema as it is.
	schema, fits *schema.Schema
}

func (a *attempt) key(topic, place string, view View) placeKey {
	if topic == "" {
		topic = a.lane.at.Topic
	}
	return placeKey{topic, place, view}
}

// find is the open file of a place, nil if there is none.
func (a *attempt) find(topic, place string, view View) *openFile {
	if a.recent.file != nil && view == "" && topic == a.recent.topic && place == a.recent.place {
		return a.recent.file
	}
	f := a.places[a.key(topic, place, view)]
	if f != nil && view == "" {
		a.recent.topic, a.recent.place, a.recent.file = topic, place, f
	}
	return f
}

// origin is the place of a record in the event, -1 if it is of none.
func (a *attempt) origin(r *connect.Record) int {
	if i, ok := a.projected[r]; ok {
		return i
	}
	for i := range a.event {
		if &a.event[i] == r {
			return i
		}
	}
	return -1
}

// take deals the records out to files. Steps 3 and 4.
func (a *attempt) take(ctx context.Context, records []connect.Record, indices []int) error {
	if a.shape != a.lane.sink.Shape { // begun under other settings
		if err := a.complete(ctx); err != nil {
			return err
		}
	}
	a.event = records
	a.hold(records[indices[0]].Kafka.Offset)
	for n, i := range indices {
		a.left = len(indices) - n
		r := &records[i]
		offset := r.Kafka.Offset
		again := slices.Index(a.held, offset)
		if offset < a.next && again < 0 {
			a.skipped++
			continue
		}
		if again >= 0 {
			a.held = slices.Delete(a.held, again, again+1)
		}
		a.changed = true
		if err := a.add(ctx, r, i); err != nil {
			var bad *RecordError
			if !errors.As(err, &bad) {
				return err
			}
			a.refuse(r, i, bad.Err)
		}
		a.next = max(a.next, offset+1)
	}
	if a.shape.EveryEvent {
		return a.complete(ctx)
	}
	return a.stage(ctx)
}

// hold keeps of the offsets refused earlier those that this event may bring again. An event that begins behind one
// shows that the event with it was settled.
func (a *attempt) hold(first int64) {
	for _, offset := range a.lane.ledger.Refused {
		if offset >= first {
			a.held = append(a.held, offset)
		}
	}
}

func (a *attempt) refuse(r *connect.Record, i int, why error) {
	a.refused[i] = why
	a.held = append(a.held, r.Kafka.Offset)
}

// add adds a record to the open files, after it completed them if they are due. A *RecordError says that no file can take it.
func (a *attempt) add(ctx context.Context, r *connect.Record, i int) error {
	if r.Value.Value == nil {
		switch a.shape.Nulls {
		case "ignore":
			return nil
		case "fail":
			return &RecordError{i, schema.NewError(schema.ConnectException, fmt.Sprintf(
				"Null valued records are not writeable with current behavior.on.null.values 'fail' (offset %d of %s-%d)",
				r.Kafka.Offset, r.Kafka.Topic, r.Kafka.Partition), nil)}
		}
	}
	at, err := a.time(r)
	if err != nil {
		return &RecordError{i, err}
	}
	place, err := a.place(r)
	if err != nil {
		return &RecordError{i, err}
	}
	if len(a.shape.Views) > 0 && a.shape.Views[Keys] != nil && r.Key.Value == nil {
		return &RecordError{i, errNoKey(r)}
	}
	if a.shape.Rotation.ripe(a.open, place, at, a.now) || a.crowded(r.Topic, place) {
		if place, err = a.again(ctx, r); err != nil {
			return err
		}
	}
	current, known := a.current(r.Topic, place)
	if known && current != nil && a.recent.schema == r.Value.Schema && a.recent.fits == current {
		return a.enter(ctx, place, at, r)
	}
	change, err := a.shape.Schemas.Changes(r.Value.Schema, current, known)
	if err != nil {
		return &RecordError{i, err}
	}
	if change && a.open.Count > 0 {
		if place, err = a.again(ctx, r); err != nil {
			return err
		}
		current = r.Value.Schema
	}
	written, err := a.shape.Schemas.Project(r, current, known && !change)
	if err != nil {
		return &RecordError{i, err}
	}
	if written != r {
		a.projected[written] = i
	} else if known && !change {
		a.recent.schema, a.recent.fits = r.Value.Schema, current
	}
	return a.enter(ctx, place, at, written)
}

// enter adds a record to the files of its place.
func (a *attempt) enter(ctx context.Context, place string, at *int64, r *connect.Record) error {
	views := a.shape.Views
	if r.Value.Value != nil || views[Keys] == nil { // of a record without a value, the key is all there is to write
		if err := a.file(ctx, place, "", r); err != nil {
			return err
		}
	}
	if len(views) > 0 {
		for _, view := range []View{Keys, Headers} {
			if views[view] == nil {
				continue
			}
			if err := a.file(ctx, place, view, r); err != nil {
				return err
			}
		}
	}
	rotation := &a.shape.Rotation
	a.open.Count++
	a.open.Current = place
	if a.open.Count == 1 {
		a.open.Base, a.open.Due, a.open.Shape = at, rotation.next(a.now), a.shape.Settings
	}
	if rotation.Records > 0 && a.open.Count >= rotation.Records {
		return a.complete(ctx)
	}
	return nil
}

// again completes the open files and places the record anew.
func (a *attempt) again(ctx context.Context, r *connect.Record) (place string, err error) {
	if err := a.complete(ctx); err != nil {
		return "", err
	}
	if place, err = a.place(r); err != nil {
		return "", &RecordError{Err: err}
	}
	return place, nil
}

func (a *attempt) place(r *connect.Record) (string, error) {
	if a.open.Heads == nil {
		a.open.Heads = map[string]int64{}
	}
	a.topic, a.opens.Heads = r.Topic, a.open.Heads
	return a.shape.Layout.Place(r, a.now, a.opens)
}

func (a *attempt) time(r *connect.Record) (*int64, error) {
	if a.shape.Extract == nil || a.shape.Rotation.Interval <= 0 {
		return nil, nil //nolint:nilnil // no time is wanted
	}
	at, err := a.shape.Extract.Extract(r, a.now)
	return &at, err
}

func (a *attempt) count(topic, place string) int {
	if f := a.find(topic, place, ""); f != nil {
		return f.Count
	}
	return 0
}

// crowded tells whether one more place would be too many.
func (a *attempt) crowded(topic, place string) bool {
	most := a.shape.Rotation.Places
	return most > 0 && a.count(topic, place) == 0 && len(a.open.Files) >= most*(1+len(a.shape.Views))
}

// current is the schema of the open file of a place.
func (a *attempt) current(topic, place string) (s *schema.Schema, known bool) {
	f := a.find(topic, place, "")
	if f == nil {
		return nil, false
	}
	return a.schemaOf(f), true
}

func (a *attempt) schemaOf(f *openFile) *schema.Schema {
	if f.Schema == 0 {
		return nil
	}
	return a.schemas[f.Schema-1]
}

// file adds a record to one open file.
func (a *attempt) file(ctx context.Context, place string, view View, r *connect.Record) error {
	offset := r.Kafka.Offset
	f := a.find(r.Topic, place, view)
	if f == nil {
		f = &openFile{Place: place, View: view, Start: offset}
		if r.Topic != a.lane.at.Topic {
			f.Topic = r.Topic
		}
		id, err := a.schemaID(ctx, part(r, view).Schema)
		if err != nil {
			return err
		}
		f.Schema = id
		a.places[a.key(r.Topic, place, view)] = f
		a.open.Files = append(a.open.Files, f)
	}
	f.End = offset
	f.Count++
	if a.shape.Latest {
		clear(f.hand)
		f.hand = f.hand[:0]
	}
	if f.hand == nil { // other files will have as many, probably
		f.hand = make([]*connect.Record, 0, 1+a.left/len(a.open.Files))
	}
	f.hand = append(f.hand, r)
	return nil
}

// part is what a file of the view holds of a record.
func part(r *connect.Record, view View) connect.Datum {
	switch view {
	case Keys:
		return r.Key
	case Headers:
		return connect.Datum{} // a format makes its own of them
	default:
		return r.Value
	}
}

func (a *attempt) schemaID(ctx context.Context, s *schema.Schema) (int, error) {
	if s == nil {
		return 0, nil
	}
	for i, known := range slices.Backward(a.schemas) {
		if known == s || known.Equal(s) {
			return i + 1, nil
		}
	}
	text, err := a.lane.text(ctx, s)
	if err != nil {
		return 0, err
	}
	a.schemas = append(a.schemas, s)
	a.open.Schemas = append(a.open.Schemas, text)
	return len(a.schemas), nil
}

// describe is the file as formats and layouts see it.
func (a *attempt) describe(f *openFile) *File {
	return &File{
		Origin: a.lane.at, Topic: orElse(f.Topic, a.lane.at.Topic), Partition: a.lane.at.Partition, Place: f.Place, View: f.View, Start: f.Start, End: f.End, Count: f.Count,
		Schema: a.schemaOf(f), Extension: a.format(f.View).Extension(),
	}
}

func (a *attempt) format(view View) Format {
	if view == "" {
		return a.shape.Format
	}
	return a.shape.Views[view]
}

// tell adds the records that were refused to those that failed, by their places in the event.
func (a *attempt) tell(failed map[int]error) {
	maps.Copy(failed, a.refused)
	if a.skipped > 0 {
		a.lane.sink.Log.Info("records that are in files already were delivered again", "partition", a.lane.String(), "records", a.skipped)
	}
}

// settle makes the attempt count: it swaps the ledger and finishes what is closing then. Steps 5 to 8.
func (a *attempt) settle(ctx context.Context) error {
	if !a.changed && a.drafts.empty() {
		return nil
	}
	closing, err := a.drafts.wait()
	if err := errors.Join(a.staging.Wait(), err); err != nil {
		a.undo(ctx)
		return err
	}
	next := &ledger{
		Version: ledgerVersion, Attempt: a.name, Next: a.next, Refused: a.held, Closing: closing,
		Drop: slices.Concat(a.lane.ledger.Drop, a.drop),
	}
	if a.open.Count > 0 {
		next.Open = a.open
	}
	if err := a.lane.swap(ctx, next); err != nil {
		if !errors.Is(err, errUnknown) {
			a.undo(ctx)
		}
		return err
	}
	return a.lane.finish(ctx)
}

// undo throws away what an attempt made that never counts.
func (a *attempt) undo(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	_ = a.staging.Wait() // settle says it
	err := a.drafts.discard(ctx)
	if a.piece != "" {
		err = errors.Join(err, a.lane.sink.Store.Remove(ctx, a.piece))
	}
	a.lane.sink.warm.remove(a.piece)
	if err != nil {
		a.lane.sink.Log.Warn("removing what a failed attempt left behind failed", "partition", a.lane.String(), "error", err)
	}
}
