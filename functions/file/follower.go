package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sluice-connect/sluice/runtime/connect"
)

// follower reads the lines of a file that grows, and notices when another file takes its place. Without a path it reads
// a stream: standard input.
type follower struct {
	path string
	log  connect.Logger
	from place // where to begin in the file that is opened next

	file     *os.File // nil until it is there
	opened   fs.FileInfo
	lines    lines
	read     int64 // bytes read
	position int64 // UTF-16 units before the line that comes next
	bytes    int64 // bytes before it
	last     place // what was stored last, as far as known here
	missing  bool  // said already that the file is not there
	err      error // why there was no next line, unless there is none
}

// next returns the next line. false means that there is none now, or that err is set.
func (f *follower) next(ctx context.Context) (line string, ok bool) {
	line, size, units, ok := f.lines.next()
	if !ok {
		if ok, f.err = f.fill(ctx); !ok || f.err != nil {
			return "", false
		}
		line, size, units, _ = f.lines.next()
	}
	f.position += int64(units)
	f.bytes += int64(size)
	return line, true
}

// fill reads until there is a whole line. false means that there is none now.
func (f *follower) fill(ctx context.Context) (bool, error) {
	for ctx.Err() == nil {
		n, err := f.readMore(ctx)
		if err != nil {
			return false, fmt.Errorf("reading %s: %w", f.name(), err)
		}
		if n == 0 {
			return false, nil
		}
		if f.lines.add(n) {
			return true, nil
		}
		if n := f.lines.unfinished(); n > longestLine {
			return false, fmt.Errorf("reading %s: the line at position %d has more than %d bytes; is this a text file?",
				f.name(), f.position, longestLine)
		}
	}
	return false, nil
}

// readMore reads what is there, also from the file that has taken the place of one that was read to its end. 0 bytes mean
// that there is nothing more now.
func (f *follower) readMore(ctx context.Context) (int, error) {
	if f.path == "" {
		return readStream(f.file, f.lines.room())
	}
	for {
		if f.file == nil {
			if err := f.open(ctx); f.file == nil || err != nil {
				return 0, err
			}
		}
		n, err := f.file.ReadAt(f.lines.room(), f.read)
		f.read += int64(n)
		if n > 0 {
			return n, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if more, err := f.atEnd(); !more || err != nil {
			return 0, err
		}
	}
}

// open opens the file, if it is there, and goes to where the last invocation stopped.
func (f *follower) open(ctx context.Context) error {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		if !f.missing {
			f.missing = true
			f.log.Warn("waiting for a file that does not exist", "file", f.path)
		}
		return nil
	}
	if err != nil {
		return err
	}
	f.missing = false
	if err := f.begin(ctx, file); err != nil {
		return errors.Join(err, file.Close())
	}
	f.file = file
	return nil
}

func (f *follower) begin(ctx context.Context, file *os.File) (err error) {
	if f.opened, err = file.Stat(); err != nil {
		return err
	}
	if f.opened.IsDir() {
		return errors.New("it is a directory")
	}
	at, found, err := f.from.find(ctx, file)
	if err != nil {
		return fmt.Errorf("looking for position %d: %w", f.from.units, err)
	}
	if !found {
		// Connect would skip what this file holds before the position, or wait for ever for the file to get there.
		f.log.Warn("reading a file from its start: it is not the one that was read before, or was truncated",
			"file", f.path, "position", f.from.units, "size", f.opened.Size())
	}
	f.lines.drop()
	f.position, f.bytes, f.read = at.units, at.bytes, at.bytes
	f.last = f.from
	return nil
}

// atEnd tells, at the end of the file, whether there is more to read after all. If that is in another file, or in what a
// truncated one holds now, it closes this one.
func (f *follower) atEnd() (more bool, err error) {
	// The name is looked up first: what was written to the file before another got its name is then seen below.
	named, err := os.Stat(f.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	now, err := f.file.Stat()
	if err != nil {
		return false, err
	}
	switch {
	case now.Size() > f.read:
		return true, nil
	case now.Size() < f.read && now.Mode().IsRegular():
		// Perhaps only an unfinished line was taken back: open looks whether what was read before is still there.
		f.from = f.last
	case named != nil && !os.SameFile(named, f.opened):
		f.log.Warn("going on with the file that replaced the one read to its end", "file", f.path,
			"position", f.position, "unfinished", f.lines.unfinished())
		f.from = place{bytes: -1}
	default:
		return false, nil
	}
	return true, f.close()
}

// place returns where to go on, if that has changed since it was asked last.
func (f *follower) place() (p place, changed bool) {
	if f.path == "" || f.file == nil || f.bytes == f.last.bytes {
		return place{}, false
	}
	check, err := checksum(f.file, f.bytes)
	if err != nil {
		return place{}, false // the records have positions too
	}
	f.last = place{units: f.position, bytes: f.bytes, check: check}
	return f.last, true
}

func (f *follower) close() error {
	if f.file == nil {
		return nil
	}
	file := f.file
	f.file = nil
	if err := file.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", f.name(), err)
	}
	return nil
}

func (f *follower) name() string {
	if f.path == "" {
		return "standard input"
	}
	return f.path
}
