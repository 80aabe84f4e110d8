package file

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// markName is an extended attribute of the file that is written. While somebody writes, it says from where on. A process
// that is killed leaves it, so that whoever writes next knows whose line it is that has no end: the batch that it belongs
// to may be another's.
const markName = "user.sluice.writing"

// mark says that all from size on is being written. Where a file system has no extended attributes, or may not have this
// one, nobody will find it, and the lines of the next batch have to tell.
func mark(f *os.File, size int64) {
	onDescriptor(f, func(fd int) { _ = unix.Fsetxattr(fd, markName, strconv.AppendInt(nil, size, 10), 0) })
}

// unmark says that nobody is writing.
func unmark(f *os.File) {
	onDescriptor(f, func(fd int) { _ = unix.Fremovexattr(fd, markName) })
}

// marked returns from where on somebody was writing who never ended.
func marked(f *os.File) (from int64, ok bool) {
	text := make([]byte, 32)
	n := 0
	onDescriptor(f, func(fd int) { n, _ = unix.Fgetxattr(fd, markName, text) })
	if n <= 0 {
		return 0, false
	}
	from, err := strconv.ParseInt(string(text[:n]), 10, 64)
	return from, err == nil
}

func onDescriptor(f *os.File, do func(fd int)) {
	if raw, err := f.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { do(int(fd)) })
	}
}
