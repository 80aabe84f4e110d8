package storage

import (
	"io"
	"time"

	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Shape is all that says what files hold, what they are called and when they are complete.
type Shape struct {
	// Settings are the settings it was made of. They are kept with open files, so that files begun under other settings
	// are completed under those.
	Settings map[string]string
	Layout   Layout
	Format   Format
	// Views are the formats of further files beside those of the values. Records without a key have no place there.
	Views    map[View]Format
	Rotation Rotation
	// Extract is the time of a record by which files are rotated; nil if they are not.
	Extract Extractor
	Schemas Compatibility
	// Nulls says what happens to records without a value: "fail", "ignore" or "write".
	Nulls string
	// EveryEvent completes all files with the event that began them.
	EveryEvent bool
	// Latest keeps only the last record of every file, and replaces files of the same name.
	Latest bool
	// Overwrite replaces files that are in the way.
	Overwrite bool
}

// View is what part of records a file holds: "" is the value.
type View string

// The views besides the value.
const (
	Keys    View = "keys"
	Headers View = "headers"
)

// Layout says which file a record goes to.
type Layout interface {
	// Place returns what tells the open files apart.
	Place(r *connect.Record, now time.Time, open Open) (string, error)
	// Name is the whole name of a file.
	Name(f *File) string
}

// Open is what a layout knows of the files that are open.
type Open struct {
	// Count tells how many records a place has.
	Count func(place string) int
	// Heads is the layout's own memory. It begins empty with every set of open files.
	Heads map[string]int64
}

// File is what a layout and a format know of a file.
type File struct {
	// Origin is whose ledger knows the file. Its topic is not Topic where a transform changed that.
	Origin    connect.TopicPartition
	Topic     string
	Partition int32
	Place     string
	View      View
	// Start and End are the offsets of the first and the last record.
	Start, End int64
	// Count is how many records it has.
	Count int
	// Schema is that of the first record; nil if it has none.
	Schema *schema.Schema
	// Extension ends the name; a dot is its first byte if it is not empty.
	Extension string
}

// Stretch is a part of a file, to be written.
type Stretch struct {
	File    *File
	Records []*connect.Record
	// First and Last tell that it begins and that it ends the file.
	First, Last bool
}

// Format writes stretches of files as bytes, one behind the other.
type Format interface {
	// Extension is that of its files, with the compression.
	Extension() string
	// Append appends the bytes of a stretch to dst. A record that cannot be written is a *RecordError.
	Append(dst []byte, s *Stretch) ([]byte, error)
}

// Assembler is a format whose files cannot be continued. What Append writes is only staged.
type Assembler interface {
	Format
	// Assemble writes a whole file of staged bytes and records at hand.
	Assemble(w io.Writer, f *File, staged io.Reader, records []*connect.Record) error
}

// RecordError is why one record of a stretch cannot be written.
type RecordError struct {
	Index int
	Err   error
}

// Error implements error.
func (e *RecordError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *RecordError) Unwrap() error { return e.Err }

// Rotation says when the open files of a topic partition are complete.
type Rotation struct {
	// Records is how many records complete them.
	Records int
	// Interval is how far the times of their records may lie apart; 0 means that times do not matter.
	Interval time.Duration
	// OnChange completes them when a record goes to another place than the one before; only with an Interval.
	OnChange bool
	// Schedule completes them at fixed times of the day in Zone; 0 means never.
	Schedule time.Duration
	Zone     *time.Location
	// Places is how many places may be open; 0 means any number.
	Places int
	// Wallclock tells that times are those of the clock, so that files grow old without records.
	Wallclock bool
}

// next is when files begun now are due.
func (r *Rotation) next(now time.Time) int64 {
	if r.Schedule <= 0 {
		return 0
	}
	return nextInDay(now, r.Schedule, r.Zone).UnixMilli()
}

// nextInDay is the next multiple of an interval counted from midnight, or midnight itself.
func nextInDay(now time.Time, every time.Duration, zone *time.Location) time.Time {
	local := now.In(zone)
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone)
	tomorrow := time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, zone)
	if every >= tomorrow.Sub(midnight) {
		return midnight.Add(every)
	}
	next := midnight.Add((now.Sub(midnight)/every + 1) * every)
	if next.After(tomorrow) {
		return tomorrow
	}
	return next
}

// ripe tells whether open files are complete before a record of the given place and time is added.
func (r *Rotation) ripe(g *generation, place string, at *int64, now time.Time) bool {
	if g.Count == 0 {
		return false
	}
	if g.Due > 0 && now.UnixMilli() >= g.Due {
		return true
	}
	if r.Interval <= 0 || at == nil || g.Base == nil {
		return false
	}
	return *at-*g.Base >= r.Interval.Milliseconds() || r.OnChange && place != g.Current
}

// old tells whether open files are complete although no record comes.
func (r *Rotation) old(g *generation, now time.Time) bool {
	if g.Count == 0 {
		return false
	}
	if g.Due > 0 && now.UnixMilli() >= g.Due {
		return true
	}
	return r.Wallclock && r.Interval > 0 && g.Base != nil && now.UnixMilli()-*g.Base >= r.Interval.Milliseconds()
}

// Extractor tells the time of a record in milliseconds since 1970.
type Extractor interface {
	Extract(r *connect.Record, now time.Time) (int64, error)
}
