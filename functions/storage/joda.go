package storage

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Pattern is a pattern of Joda-Time's DateTimeFormat, which path.format is written in.
type Pattern struct {
	items  []patternItem
	names  *localeNames
	source string
}

// patternItem is a letter as often as it stands there, or text.
type patternItem struct {
	letter byte
	count  int
	text   string
}

const patternLetters = "GCxweEYDyMdaKhHkmsSzZ"

// ParsePattern reads a pattern. locale is a Java locale's name, such as en or de-DE.
func ParsePattern(pattern, locale string) (*Pattern, error) {
	p := &Pattern{source: pattern}
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			p.items = append(p.items, patternItem{text: text.String()})
			text.Reset()
		}
	}
	quoted := false
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
		case strings.IndexByte(patternLetters, c) < 0:
			return nil, fmt.Errorf("Illegal pattern component: %c", c) //nolint:staticcheck // Joda-Time's own words
		default:
			flush()
			start := i
			for i+1 < len(pattern) && pattern[i+1] == c {
				i++
			}
			p.items = append(p.items, patternItem{letter: c, count: i + 1 - start})
		}
	}
	flush()
	language, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	names, ok := namesOf(strings.ToLower(language))
	if !ok && p.named() {
		return nil, fmt.Errorf("names of months and days are not known in the language of locale %s; use numbers in %s", locale, pattern)
	}
	p.names = names
	return p, nil
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// named tells whether the pattern writes words.
func (p *Pattern) named() bool {
	for _, item := range p.items {
		if item.letter == 'E' || item.letter == 'a' || item.letter == 'G' || item.letter == 'M' && item.count > 2 {
			return true
		}
	}
	return false
}

// Append appends the text of an instant, whose location is its time zone.
func (p *Pattern) Append(dst []byte, t time.Time) []byte {
	for i := range p.items {
		if item := &p.items[i]; item.letter == 0 {
			dst = append(dst, item.text...)
		} else {
			dst = p.appendItem(dst, item, t)
		}
	}
	return dst
}

// Format is the text of an instant.
func (p *Pattern) Format(t time.Time) string { return string(p.Append(nil, t)) }

func (p *Pattern) appendItem(dst []byte, item *patternItem, t time.Time) []byte {
	n := item.count
	switch item.letter {
	case 'G':
		return append(dst, p.names.era...)
	case 'C':
		return appendPadded(dst, t.Year()/100, n)
	case 'Y', 'y':
		return appendYear(dst, t.Year(), n)
	case 'x':
		year, _ := t.ISOWeek()
		return appendYear(dst, year, n)
	case 'w':
		_, week := t.ISOWeek()
		return appendPadded(dst, week, n)
	case 'e':
		return appendPadded(dst, isoDay(t), n)
	case 'E':
		return append(dst, pick(p.names.days, p.names.shortDays, isoDay(t)-1, n >= 4)...)
	case 'D':
		return appendPadded(dst, t.YearDay(), n)
	case 'M':
		if n >= 3 {
			return append(dst, pick(p.names.months, p.names.shortMonths, int(t.Month())-1, n >= 4)...)
		}
		return appendPadded(dst, int(t.Month()), n)
	case 'd':
		return appendPadded(dst, t.Day(), n)
	}
	return p.appendTime(dst, item, t)
}

func (p *Pattern) appendTime(dst []byte, item *patternItem, t time.Time) []byte {
	n, hour := item.count, t.Hour()
	switch item.letter {
	case 'a':
		if hour < 12 {
			return append(dst, p.names.am...)
		}
		return append(dst, p.names.pm...)
	case 'K':
		return appendPadded(dst, hour%12, n)
	case 'h':
		return appendPadded(dst, (hour+11)%12+1, n)
	case 'H':
		return appendPadded(dst, hour, n)
	case 'k':
		return appendPadded(dst, (hour+23)%24+1, n)
	case 'm':
		return appendPadded(dst, t.Minute(), n)
	case 's':
		return appendPadded(dst, t.Second(), n)
	case 'S':
		digits := fmt.Sprintf("%03d", t.Nanosecond()/int(time.Millisecond))
		for len(digits) < n {
			digits += "0"
		}
		return append(dst, digits[:n]...)
	case 'z':
		name, _ := t.Zone()
		return append(dst, name...)
	case 'Z':
		return appendZone(dst, t, n)
	}
	return dst
}

func isoDay(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

func pick(long, short []string, i int, wantLong bool) string {
	if wantLong {
		return long[i]
	}
	return short[i]
}

// appendYear writes two digits for two letters, as Joda-Time does, and else the whole year.
func appendYear(dst []byte, year, n int) []byte {
	if n == 2 {
		return appendPadded(dst, ((year%100)+100)%100, 2)
	}
	return appendPadded(dst, year, n)
}

func appendPadded(dst []byte, v, width int) []byte {
	if v < 0 {
		dst = append(dst, '-')
		v = -v
	}
	text := strconv.Itoa(v)
	for range width - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}

// appendZone writes the offset without and with a colon, or the zone's id.
func appendZone(dst []byte, t time.Time, n int) []byte {
	switch n {
	case 1:
		return t.AppendFormat(dst, "-0700")
	case 2:
		return t.AppendFormat(dst, "-07:00")
	}
	return append(dst, t.Location().String()...)
}

// localeNames are the words of a language.
type localeNames struct {
	months, shortMonths, days, shortDays []string
	am, pm, era                          string
}

// namesOf are the words of a language, as Java's locale data has them.
func namesOf(language string) (*localeNames, bool) {
	words := func(s string) []string { return strings.Split(s, " ") }
	switch language {
	case "en", "":
		return &localeNames{
			months:      words("January February March April May June July August September October November December"),
			shortMonths: words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
			days:        words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
			shortDays:   words("Mon Tue Wed Thu Fri Sat Sun"), am: "AM", pm: "PM", era: "AD",
		}, true
	case "de":
		return &localeNames{
			months:      words("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
			shortMonths: words("Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez."),
			days:        words("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
			shortDays:   words("Mo. Di. Mi. Do. Fr. Sa. So."), am: "AM", pm: "PM", era: "n. Chr.",
		}, true
	case "fr":
		return &localeNames{
			months:      words("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
			shortMonths: words("janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc."),
			days:        words("lundi mardi mercredi jeudi vendredi samedi dimanche"),
			shortDays:   words("lun. mar. mer. jeu. ven. sam. dim."), am: "AM", pm: "PM", era: "ap. J.-C.",
		}, true
	}
	return &localeNames{am: "AM", pm: "PM", era: "AD"}, false
}
