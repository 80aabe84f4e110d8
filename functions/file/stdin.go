package file

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// patience is how long a poll waits for standard input.
const patience = 100 * time.Millisecond

// standardInput opens the process's standard input, if anything is connected to it that could have lines: a pipe, a
// file or a terminal. On a function there is none.
func standardInput() (*os.File, error) {
	info, err := os.Stdin.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening standard input, because the setting file is not given: %w", err)
	}
	if null, err := os.Stat(os.DevNull); err == nil && os.SameFile(info, null) {
		return nil, errors.New("opening standard input, because the setting file is not given: it is not connected to anything")
	}
	fd, err := syscall.Dup(int(os.Stdin.Fd()))
	if err != nil {
		return nil, fmt.Errorf("opening standard input: %w", err)
	}
	// Only a descriptor that does not block can be waited for with a deadline.
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, errors.Join(fmt.Errorf("opening standard input: %w", err), syscall.Close(fd))
	}
	return os.NewFile(uintptr(fd), "standard input"), nil
}

// readStream reads what a stream has, or gets soon. 0 bytes mean that there is nothing now, or nothing more ever.
func readStream(f *os.File, p []byte) (int, error) {
	// A file knows no deadline, and needs none.
	if err := f.SetReadDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, os.ErrNoDeadline) {
		return 0, err
	}
	n, err := f.Read(p)
	if errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	return n, err
}
