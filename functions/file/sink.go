package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/connect"
	"github.com/sluice-connect/sluice/runtime/schema"
)

// Sink appends each value to a file, as a line.
//
// A process that is killed while it writes leaves the file without a \n at its end, and the batch comes again. The sink
// then looks at what stands behind the last \n: if a line of the batch begins with it, or the file is marked as being
// written by somebody who never ended, it is our own torn line, and is cut off, because the whole line follows. If not, it
// is somebody else's text; it is given its \n and kept. All this happens under the lock under which every invocation
// writes, so that nobody's write is taken for a torn one.
var Sink = connect.SinkConnector{
	Class:     "org.apache.kafka.connect.file.FileStreamSinkConnector",
	TaskClass: "org.apache.kafka.connect.file.FileStreamSinkTask",
	Doc:       "Appends values to a file, one a line.",
	New:       func() connect.SinkTask { return &sinkTask{} },
}

var (
	_ connect.SinkTask          = (*sinkTask)(nil)
	_ connect.Flusher           = (*sinkTask)(nil)
	_ connect.SinkOffsetAlterer = (*sinkTask)(nil)
)

type sinkTask struct {
	path string

	log     connect.Logger
	file    *os.File
	opened  fs.FileInfo
	regular bool   // can be locked and synced; a pipe or a terminal cannot
	blind   bool   // may be written but not read
	batch   []byte // the lines of one Put
	dirty   bool   // written and not yet synced
}

// Define declares the setting of Kafka's connector.
func (s *sinkTask) Define(d *config.Def) {
	d.String(&s.path, "file", "", "The file to append to. Without it, standard output is written.",
		config.NullDefault(), config.High)
}

// Open opens the file, and creates it if there is none.
func (s *sinkTask) Open(_ context.Context, a connect.SinkAssignment) error {
	s.log = a.Log
	if s.path == "" {
		s.file = os.Stdout
		return nil
	}
	return s.open()
}

func (s *sinkTask) open() (err error) {
	// It is read, too, to repair its end.
	s.file, err = os.OpenFile(s.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o666)
	if s.blind = errors.Is(err, fs.ErrPermission); s.blind {
		s.file, err = os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0)
	}
	if err != nil {
		s.file = nil
		message := fmt.Sprintf("Couldn't find or create file '%s' for FileStreamSinkTask", s.path)
		return schema.NewError(schema.ConnectException, message, err)
	}
	if s.opened, err = s.file.Stat(); err != nil {
		return fmt.Errorf("opening %s: %w", s.path, err)
	}
	s.regular = s.opened.Mode().IsRegular()
	return nil
}

// Put appends the values in one write.
func (s *sinkTask) Put(ctx context.Context, records []connect.Record) error {
	s.batch = s.batch[:0]
	for i := range records {
		s.batch = append(schema.AppendText(s.batch, records[i].Value.Value), '\n')
	}
	if len(s.batch) == 0 {
		return nil
	}
	err := s.write(ctx)
	if cap(s.batch) > mostKept {
		s.batch = nil
	}
	return err
}

// mostKept is the largest memory kept from one batch to the next.
const mostKept = 16 << 20

func (s *sinkTask) write(ctx context.Context) (err error) {
	if err := s.reopen(ctx); err != nil {
		return err
	}
	if !s.regular {
		if _, err := s.file.Write(s.batch); err != nil {
			return fmt.Errorf("writing %s: %w", s.file.Name(), err)
		}
		return nil
	}
	if err := lock(ctx, s.file); err != nil {
		return fmt.Errorf("locking %s: %w", s.path, err)
	}
	defer func() { err = errors.Join(err, unlock(s.file)) }()
	size, err := s.repair()
	if err != nil {
		return fmt.Errorf("repairing the end of %s: %w", s.path, err)
	}
	s.dirty = true
	mark(s.file, size)
	defer unmark(s.file)
	if n, err := s.file.Write(s.batch); err != nil {
		return errors.Join(fmt.Errorf("writing %s: %w", s.path, err), s.takeBack(size, n))
	}
	return nil
}

// reopen opens the file again if another has its name now, or none: it was rotated away while this process was idle.
func (s *sinkTask) reopen(ctx context.Context) error {
	if s.path == "" {
		return nil
	}
	if s.file != nil {
		if now, err := os.Stat(s.path); err == nil && os.SameFile(now, s.opened) {
			return nil
		}
		s.log.Warn("the file was moved away or replaced; opening it again", "file", s.path)
		if err := errors.Join(s.Flush(ctx), s.Close(ctx)); err != nil {
			return err
		}
	}
	return s.open()
}

// takeBack removes the n bytes of a write that failed half-way, so that no torn line is left. Others who hold no lock may
// have appended since; then it leaves everything alone, and the next repair looks at it.
func (s *sinkTask) takeBack(size int64, n int) error {
	info, err := s.file.Stat()
	if err != nil || n == 0 || info.Size() != size+int64(n) {
		return err
	}
	return s.file.Truncate(size)
}

// repair sees to it that the file ends with a whole line, and returns its size.
func (s *sinkTask) repair() (size int64, err error) {
	info, err := s.file.Stat()
	if err != nil {
		return 0, err
	}
	size = info.Size()
	if s.blind {
		return size, nil
	}
	tail, err := s.tail(size)
	if err != nil || len(tail) == 0 {
		return size, err
	}
	if int64(len(tail)) < mostTail && (s.begins(tail) || s.left(size-int64(len(tail)))) {
		size -= int64(len(tail))
		s.log.Warn("cutting off a line that a killed invocation left unfinished", "file", s.path, "bytes", len(tail))
		return size, s.file.Truncate(size)
	}
	s.log.Warn("ending the last line of a file, which somebody left without an end", "file", s.path)
	_, err = s.file.Write([]byte{'\n'})
	return size + 1, err
}

// mostTail is how far back the beginning of an unfinished line is looked for. No record that came through a function's
// trigger is longer.
const mostTail = 8 << 20

// tail returns what stands behind the last \n, at most mostTail bytes of it.
func (s *sinkTask) tail(size int64) ([]byte, error) {
	var tail []byte
	for want := int64(1); ; want = min(max(4096, 2*want), mostTail) {
		from := max(0, size-want)
		tail = make([]byte, size-from)
		if _, err := s.file.ReadAt(tail, from); err != nil {
			return nil, err
		}
		if i := bytes.LastIndexByte(tail, '\n'); i >= 0 {
			return tail[i+1:], nil
		}
		if from == 0 || want == mostTail {
			return tail, nil
		}
	}
}

// left tells whether what stands there was left by an invocation that was killed.
func (s *sinkTask) left(at int64) bool {
	from, ok := marked(s.file)
	return ok && at >= from
}

// begins tells whether a line of the batch begins with tail.
func (s *sinkTask) begins(tail []byte) bool {
	for line := range bytes.Lines(s.batch) {
		if bytes.HasPrefix(line, tail) {
			return true
		}
	}
	return false
}

// Flush returns when everything is on the disk. Invariant 2.
func (s *sinkTask) Flush(context.Context) error {
	if !s.dirty {
		return nil
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("syncing %s: %w", s.path, err)
	}
	s.dirty = false
	return nil
}

// AlterSinkOffsets agrees to any offsets: the file keeps none.
func (s *sinkTask) AlterSinkOffsets(context.Context, map[connect.TopicPartition]*int64) (bool, error) {
	return true, nil
}

// Close closes the file.
func (s *sinkTask) Close(context.Context) error {
	file := s.file
	s.file = nil
	if file == nil || s.path == "" {
		return nil
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", s.path, err)
	}
	return nil
}
