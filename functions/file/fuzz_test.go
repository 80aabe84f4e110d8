package file_test

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// byTheBook cuts and decodes a text one byte at a time, straight from the rules: a line ends in \n, \r\n, or a \r that
// something else follows. What is not UTF-8 is U+FFFD for every longest run of bytes that could have begun a character,
// where Java lets an encoded surrogate pass as one.
func byTheBook(content string) []line {
	var lines []line
	var text []rune
	position := 0
	end := func(ending int) {
		position += len(utf16.Encode(text)) + ending
		lines = append(lines, line{string(text), int64(position)})
		text = nil
	}
	for i := 0; i < len(content); {
		switch rest := content[i:]; {
		case rest[0] == '\n':
			end(1)
			i++
		case rest == "\r":
			return lines
		case strings.HasPrefix(rest, "\r\n"):
			end(2)
			i += 2
		case rest[0] == '\r':
			end(1)
			i++
		default:
			r, size := utf8.DecodeRuneInString(rest)
			if r == utf8.RuneError && size == 1 {
				size = mistake(rest)
			}
			text = append(text, r)
			i += size
		}
	}
	return lines
}

// mistake is the length of the longest run at the start of s that could begin a character.
func mistake(s string) int {
	could := func(run string) bool {
		for _, tail := range []string{"", "\x80", "\xbf", "\x80\x80", "\xbf\xbf"} {
			whole := run + tail
			if utf8.ValidString(whole) || len(whole) == 3 && whole[0] == 0xED && whole[1] >= 0xA0 && whole[1] <= 0xBF && whole[2]&0xC0 == 0x80 {
				return true
			}
		}
		return false
	}
	n := 1
	for n < len(s) && n < 4 && could(s[:n+1]) {
		n++
	}
	return n
}

// FuzzSource compares the source with the rules, for a file that is written in pieces, and resumes it in its middle.
func FuzzSource(f *testing.F) {
	f.Add("a\rb\nc\r\r\n\r\nd\r", 3)
	f.Add("\xed\xa0\x80\n\xe2\x82\n\xf0\x9f\x98\n😀\r", 1)
	f.Add("\xe0\x80\x80\xf4\x90\x80\x80\xc0\x80\r\n\xf0\x80\n", 2)
	f.Add(strings.Repeat("ab\n", 50)+"é\r"+strings.Repeat("x", 70)+"\n", 7)
	f.Fuzz(func(t *testing.T, content string, piece int) {
		if len(content) > 1<<16 {
			return
		}
		piece = max(1, piece%97, len(content)/50)
		want := byTheBook(content)
		path := temp(t, "")
		r := open(t, path, nil)
		var got []line
		for from := 0; from < len(content); from += piece {
			grow(t, path, content[from:min(from+piece, len(content))])
			got = append(got, r.poll()...)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q in pieces of %d (-want +got):\n%s", content, piece, diff)
		}
		if len(want) == 0 {
			return
		}
		open(t, path, r.kept).want()
		i := len(want) / 2
		got = open(t, path, at(t, path, want[i].Position.(int64))).poll()
		if diff := cmp.Diff(want[i+1:], got); diff != "" && i+1 < len(want) {
			t.Fatalf("%q from %d (-want +got):\n%s", content, want[i].Position, diff)
		}
	})
}
