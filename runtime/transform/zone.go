package transform

import "strings"

// zoneName is a time zone, or its summer time, by its names in English. The offset is in minutes.
type zoneName struct {
	long, short string
	offset      int32
}

func appendZoneName(dst []byte, z *zoneName, long bool) []byte {
	switch {
	case z == nil && long:
		return append(dst, "Coordinated Universal Time"...)
	case z == nil:
		return append(dst, "UTC"...)
	case long:
		return append(dst, z.long...)
	}
	return append(dst, z.short...)
}

// zoneField reads what z and Z stand for: +hhmm, GMT, GMT+hh:mm, or the name of a zone.
func (r *dateReader) zoneField(begin int) bool {
	text := r.text[r.pos:]
	if offset, n, ok := readOffset(text, 0, false); ok {
		r.set(fieldZone, offset)
		r.pos += n
		return true
	}
	if text[0] == '+' || text[0] == '-' {
		return false
	}
	if hasFold(r.text[begin:], "GMT") {
		r.pos = begin + 3
		rest := r.text[r.pos:]
		if rest == "" || rest[0] != '+' && rest[0] != '-' {
			r.set(fieldZone, 0)
			return true
		}
		offset, n, ok := readOffset(rest, 0, true)
		if ok {
			r.set(fieldZone, offset)
			r.pos += n
		}
		return ok
	}
	for _, name := range []string{"Coordinated Universal Time", "UTC"} {
		if hasFold(text, name) {
			r.pos += len(name)
			return true
		}
	}
	for i := range zoneNames {
		z := &zoneNames[i]
		for _, name := range [...]string{z.long, z.short} {
			if hasFold(text, name) {
				r.zone, r.stamp[fieldZone] = z, 0
				r.pos += len(name)
				return true
			}
		}
	}
	return false
}

// isoZone reads what X stands for: Z, +hh, +hhmm or +hh:mm, by the number of letters.
func (r *dateReader) isoZone(count int) bool {
	text := r.text[r.pos:]
	if text[0] == 'Z' {
		r.set(fieldZone, 0)
		r.pos++
		return true
	}
	offset, n, ok := readOffset(text, count, count == 3)
	if ok {
		r.set(fieldZone, offset)
		r.pos += n
	}
	return ok
}

// readOffset reads a sign and hhmm, or hh:mm with a colon, or hh alone when count is 1. With count 0 and a colon the hour
// may have one digit.
func readOffset(text string, count int, colon bool) (minutes int32, length int, ok bool) {
	if text == "" || text[0] != '+' && text[0] != '-' {
		return 0, 0, false
	}
	rest := text[1:]
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	wide := 2
	if digits == 1 && count == 0 && colon {
		wide = 1
	}
	if digits < wide {
		return 0, 0, false
	}
	hours := small(rest[:wide])
	rest = rest[wide:]
	if hours > 23 {
		return 0, 0, false
	}
	minutes = hours * 60
	if count != 1 {
		if colon {
			if rest == "" || rest[0] != ':' {
				return 0, 0, false
			}
			rest = rest[1:]
		}
		if len(rest) < 2 || strings.Trim(rest[:2], "0123456789") != "" || small(rest[:2]) > 59 {
			return 0, 0, false
		}
		minutes += small(rest[:2])
		rest = rest[2:]
	}
	if text[0] == '-' {
		minutes = -minutes
	}
	return minutes, len(text) - len(rest), true
}

// small is a number of one or two digits.
func small(digits string) int32 {
	n := int32(0)
	for i := range len(digits) {
		n = n*10 + int32(digits[i]-'0')
	}
	return n
}
