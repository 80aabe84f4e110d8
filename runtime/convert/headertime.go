package convert

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/sluice-connect/sluice/runtime/schema"
)

const millisPerDay = 24 * 60 * 60 * 1000

// Schemas of the temporal values that text can mean.
var (
	dateSchema      = schema.DateOf()
	timeSchema      = schema.TimeOf()
	timestampSchema = schema.TimestampOf()
)

// appendTemporal chooses the form by the value alone: below one day a time, at midnight a date, else a timestamp.
func appendTemporal(dst []byte, t time.Time) []byte {
	t = t.UTC()
	ms := t.UnixMilli()
	if ms < millisPerDay {
		return t.AppendFormat(dst, "15:04:05.000Z")
	}
	year, month, day := schema.CivilDate(t)
	text := strconv.Itoa(year)
	dst = append(dst, "0000"[min(4, len(text)):]...)
	dst = append(dst, text...)
	dst = append(dst, '-', byte('0'+month/10), byte('0'+month%10), '-', byte('0'+day/10), byte('0'+day%10))
	if ms%millisPerDay == 0 {
		return dst
	}
	return t.AppendFormat(dst, "T15:04:05.000Z")
}

// parseTemporal reads a date, time or timestamp. The length of the text, in Java's characters, tells which one it can be;
// the rest is as generous as Java's SimpleDateFormat: fields may be shorter, longer or out of range, and there may be
// anything behind.
func parseTemporal(token string) (datum parsed, ok bool) {
	token = strings.ReplaceAll(token, `\:`, ":")
	n := len(token)
	if n > 24*3 {
		return parsed{}, false
	}
	if !isASCII(token) {
		n = len(utf16.Encode([]rune(token)))
	}
	var p parsed
	var layout string
	switch n {
	case len("HH:mm:ss.SSSZ"):
		p.schema, layout = timeSchema, "h:m:s.fZ"
	case len("yyyy-MM-ddTHH:mm:ss.SSSZ"):
		p.schema, layout = timestampSchema, "Y-M-DTh:m:s.fZ"
	case len("yyyy-MM-dd"):
		p.schema, layout = dateSchema, "Y-M-D"
	default:
		return parsed{}, false
	}
	ms, ok := parseLayout(token, layout)
	if !ok {
		return parsed{}, false
	}
	p.value = schema.Instant(ms)
	return p, true
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// parseLayout reads fields named by letters (Year, Month, Day, hour, minute, second, fraction in ms) between characters
// that stand for themselves.
func parseLayout(text, layout string) (ms int64, ok bool) {
	fields := map[byte]int64{'Y': 1970, 'M': 1, 'D': 1}
	for i := range len(layout) {
		c := layout[i]
		if !strings.ContainsRune("YMDhmsf", rune(c)) {
			if text == "" || text[0] != c {
				return 0, false
			}
			text = text[1:]
			continue
		}
		var n int64
		if n, text, ok = parseField(text); !ok {
			return 0, false
		}
		fields[c] = n
	}
	days := schema.CivilDays(int(fields['Y']), time.Month(fields['M']), int(fields['D']))
	return ((days*24+fields['h'])*60+fields['m'])*60_000 + fields['s']*1000 + fields['f'], true
}

// parseField reads a whole number behind blanks, with digits of any script, as Java's number format does.
func parseField(text string) (n int64, rest string, ok bool) {
	text = strings.TrimLeft(text, " \t")
	negative := strings.HasPrefix(text, "-")
	if negative {
		text = text[1:]
	}
	digits := 0
	for i, r := range text {
		d, isDigit := schema.Digit(r)
		if !isDigit {
			text = text[i:]
			break
		}
		n = n*10 + int64(d)
		if digits++; i+len(string(r)) == len(text) {
			text = ""
			break
		}
	}
	if negative {
		n = -n
	}
	return int64(int32(n)), text, digits > 0 // Java's int
}

// isDigit is Java's Character.isDigit.
func isDigit(r rune) bool { return unicode.Is(unicode.Nd, r) }
