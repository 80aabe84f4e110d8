package transform

import (
	"strconv"
	"strings"
	"time"
)

// dateFormat is a pattern of Java's SimpleDateFormat, for US English and UTC.
type dateFormat struct {
	items []dateItem
	// century is the instant from which on, for a hundred years, years of two digits are: 80 years before the format was made.
	century time.Time
	// zone is the time zone that the text read last named, in which Java goes on; nil is UTC.
	zone *zoneName
}

// dateItem is a letter of a pattern, as often as it stands there, or text that stands for itself when there is no letter.
type dateItem struct {
	letter byte
	count  int
	text   string
}

// numeric tells whether the item is read as a number.
func (item *dateItem) numeric() bool {
	switch item.letter {
	case 0, 'G', 'E', 'a', 'z', 'Z', 'X':
		return false
	case 'M', 'L':
		return item.count <= 2
	}
	return true
}

// dateLetters are those that mean something.
const dateLetters = "GyMdkHmsSEDFwWahKzZYuXL"

// parseDateFormat reads a pattern. The error is Java's IllegalArgumentException.
func parseDateFormat(pattern string) (*dateFormat, error) {
	f := &dateFormat{century: time.Now().AddDate(-80, 0, 0)}
	quoted := false
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			f.items = append(f.items, dateItem{text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\'' && i+1 < len(pattern) && pattern[i+1] == '\'':
			text.WriteByte(c)
			i++
		case c == '\'':
			quoted = !quoted
		case quoted || !isLetter(c):
			text.WriteByte(c)
		default:
			if strings.IndexByte(dateLetters, c) < 0 {
				return nil, javaError("IllegalArgumentException", "Illegal pattern character '"+string(rune(c))+"'")
			}
			flush()
			start := i
			for i+1 < len(pattern) && pattern[i+1] == c {
				i++
			}
			count := i + 1 - start
			if c == 'X' && count > 3 {
				return nil, javaError("IllegalArgumentException", "invalid ISO 8601 format: length="+strconv.Itoa(count))
			}
			f.items = append(f.items, dateItem{letter: c, count: count})
		}
	}
	if quoted {
		return nil, javaError("IllegalArgumentException", "Unterminated quote")
	}
	flush()
	return f, nil
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// isoTimestamp is yyyy-MM-dd'T'HH:mm:ss.SSS'Z'. Up to isoDateTo it is a date, and from isoTimeFrom on a time.
func isoTimestamp() []dateItem {
	return []dateItem{
		{letter: 'y', count: 4},
		{text: "-"},
		{letter: 'M', count: 2},
		{text: "-"},
		{letter: 'd', count: 2},
		{text: "T"},
		{letter: 'H', count: 2},
		{text: ":"},
		{letter: 'm', count: 2},
		{text: ":"},
		{letter: 's', count: 2},
		{text: "."},
		{letter: 'S', count: 3},
		{text: "Z"},
	}
}

const (
	isoDateTo   = 5
	isoTimeFrom = 6
)
