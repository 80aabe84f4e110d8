package file

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

const (
	// chunk is how much is read at once at least.
	chunk = 256 << 10
	// longestLine bounds the memory that one line can take.
	longestLine = 256 << 20
)

// lines cuts what is read into lines. Bytes are collected in buf; the whole lines among them are turned into one string
// at a time, of which the lines that are handed out are parts: one allocation for many lines, and buf can be used again.
type lines struct {
	buf []byte // read, and not yet in text
	// known is how many bytes at the start of buf hold no end of a line: they are not looked at again when a long line
	// comes in pieces.
	known int

	text  string // whole lines
	at    int    // where the next line of text begins
	feed  int    // the first \n of text at or after at; len(text) if there is none
	cr    bool   // text has a \r
	ascii bool   // text is plain ASCII
	valid bool   // text is UTF-8
}

// room returns memory to read into. What was read is announced by add.
func (l *lines) room() []byte {
	if free := cap(l.buf) - len(l.buf); free < chunk/4 {
		grown := make([]byte, len(l.buf), max(chunk, 2*cap(l.buf)))
		copy(grown, l.buf)
		l.buf = grown
	}
	return l.buf[len(l.buf):cap(l.buf)]
}

// add takes n bytes that were read into the room, and tells whether there is a whole line now. All lines of the text
// before must have been taken.
func (l *lines) add(n int) bool {
	l.buf = l.buf[:len(l.buf)+n]
	end, cr := l.wholeLines()
	if end == 0 {
		return false
	}
	whole := l.buf[:end]
	l.text, l.at, l.cr = string(whole), 0, cr
	l.ascii = isASCII(whole)
	l.valid = l.ascii || utf8.Valid(whole)
	l.seekFeed()

	rest := l.buf[end:]
	if cap(l.buf) > 16*chunk && len(rest) < chunk {
		l.buf = make([]byte, 0, chunk) // do not keep what one long line needed
	}
	l.buf = append(l.buf[:0], rest...)
	l.known = l.undecided()
	return true
}

// wholeLines returns where the last line of buf ends that has an end, and whether there is a \r before that.
func (l *lines) wholeLines() (end int, cr bool) {
	fresh := l.buf[l.known:]
	end = bytes.LastIndexByte(fresh, '\n') + 1
	// A \r ends a line too, once the byte behind it is known not to be its \n.
	if i := bytes.IndexByte(fresh, '\r'); i >= 0 {
		cr = i < end
		if last := bytes.LastIndexByte(fresh[:len(fresh)-1], '\r'); last >= end {
			end, cr = last+1, true
		}
	}
	if end == 0 {
		l.known = l.undecided()
		return 0, false
	}
	return l.known + end, cr
}

// undecided is known of a buf without any whole line: a \r at its end is looked at again.
func (l *lines) undecided() int {
	if n := len(l.buf); n > 0 && l.buf[n-1] == '\r' {
		return n - 1
	}
	return len(l.buf)
}

// next returns the next line without its end, the bytes it takes in the file and the UTF-16 units it takes in the text.
func (l *lines) next() (line string, size, units int, ok bool) {
	if l.at == len(l.text) {
		return "", 0, 0, false
	}
	end := l.feed
	after := end + 1
	if l.cr {
		if i := strings.IndexByte(l.text[l.at:end], '\r'); i >= 0 {
			end = l.at + i
			after = end + 1
			if after == l.feed && after < len(l.text) {
				after++ // \r\n
			}
		}
	}
	line = l.text[l.at:end]
	size = after - l.at
	l.at = after
	if l.feed < after {
		l.seekFeed()
	}
	if l.ascii {
		return line, size, size, true
	}
	ending := size - len(line)
	if !l.valid {
		line = decode(line)
	}
	return line, size, unitsOf(line) + ending, true
}

func (l *lines) seekFeed() {
	if i := strings.IndexByte(l.text[l.at:], '\n'); i >= 0 {
		l.feed = l.at + i
	} else {
		l.feed = len(l.text)
	}
}

// unfinished is the number of bytes behind the last whole line.
func (l *lines) unfinished() int { return len(l.buf) }

// drop forgets everything that was read.
func (l *lines) drop() { *l = lines{buf: l.buf[:0]} }
