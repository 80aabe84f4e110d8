package hdfs

import (
	"strconv"
	"strings"
)

// lastOffset reads start+end.ext.
func lastOffset(text, delim string) (int64, bool) {
	_, rest, ok := strings.Cut(text, delim)
	if !ok {
		return 0, false
	}
	digits := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = rest[:i]
	}
	end, err := strconv.ParseInt(digits, 10, 64)
	return end, err == nil
}
