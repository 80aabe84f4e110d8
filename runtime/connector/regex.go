package connector

import (
	"regexp"
	"time"

	"github.com/dlclark/regexp2"
)

// regex is a Java regular expression to be matched by a whole text.
type regex struct {
	plain *regexp.Regexp
	rich  *regexp2.Regexp
}

// matchTimeout ends a match that backtracks without end.
const matchTimeout = 5 * time.Second

// compile understands what Go's regular expressions do, and look-around, back references, possessive and atomic groups.
func compile(pattern string) (regex, error) {
	plain, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	if err == nil {
		if _, err := regexp.Compile(pattern); err == nil {
			return regex{plain: plain}, nil
		}
	}
	if _, err := regexp2.Compile(pattern, regexp2.None); err != nil {
		return regex{}, err
	}
	rich, err := regexp2.Compile(`\A(?:`+pattern+`)\z`, regexp2.None)
	if err != nil {
		return regex{}, err
	}
	rich.MatchTimeout = matchTimeout
	return regex{rich: rich}, nil
}

// matches tells whether the whole text matches. One that takes too long does not.
func (r regex) matches(s string) bool {
	if r.plain != nil {
		return r.plain.MatchString(s)
	}
	ok, err := r.rich.MatchString(s)
	return err == nil && ok
}
