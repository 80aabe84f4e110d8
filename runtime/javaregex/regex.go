package javaregex

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/dlclark/regexp2"

	"github.com/sluice-connect/sluice/runtime/config"
)

// matchTimeout ends a match that backtracks without end.
const matchTimeout = 5 * time.Second

// terminators are the characters that end a line in Java. Texts without them, as the names of topics are, look the same
// to both engines.
const terminators = "\n\r\u0085\u2028\u2029"

// Regex is a compiled expression. It may be used by several goroutines.
type Regex struct {
	pattern string
	groups  int
	names   map[string]int
	// plain is nil when Go's engine cannot do what the expression needs.
	plain           func() (*regexp.Regexp, error)
	plainWhole      *regexp.Regexp
	rich, richWhole func() (*regexp2.Regexp, error)
}

// SyntaxError is a mistake in an expression, or something in it that is not supported.
type SyntaxError struct {
	// Description is Java's, such as Unclosed group, and Index the place in the Pattern, in characters; -1 is none.
	Description, Pattern string
	Index                int
}

// Error implements error. It is the text of Java's PatternSyntaxException.
func (e *SyntaxError) Error() string {
	text := e.Description
	if e.Index >= 0 {
		text += fmt.Sprintf(" near index %d", e.Index)
	}
	text += "\n" + e.Pattern
	if e.Index >= 0 && e.Index < len([]rune(e.Pattern)) {
		text += "\n" + strings.Repeat(" ", e.Index) + "^"
	}
	return text
}

// JavaClass is the exception's class.
func (e *SyntaxError) JavaClass() string { return "java.util.regex.PatternSyntaxException" }

// Compile reads an expression. The error is a *SyntaxError.
func Compile(pattern string) (*Regex, error) {
	p := newParser(pattern)
	root, err := p.parse()
	if err != nil {
		return nil, err
	}
	re := &Regex{pattern: pattern, groups: p.groups, names: p.names}
	w := writer{rich: true, groups: p.groups}
	w.node(root)
	richText := w.String()
	re.rich = compileRich(richText)
	re.richWhole = compileRich(`\A(?:` + richText + `)\z`)
	w = writer{groups: p.groups}
	w.node(root)
	if !w.beyond {
		text := w.String()
		// Repeats that are too many for Go fail here.
		if whole, err := regexp.Compile(`\A(?:` + text + `)\z`); err == nil {
			re.plainWhole = whole
			re.plain = sync.OnceValues(func() (*regexp.Regexp, error) { return regexp.Compile(text) })
			return re, nil
		}
	}
	if _, err := re.richWhole(); err != nil {
		return nil, &SyntaxError{Description: fmt.Sprintf("Unsupported expression: %v", err), Pattern: pattern, Index: -1}
	}
	return re, nil
}

func compileRich(text string) func() (*regexp2.Regexp, error) {
	return sync.OnceValues(func() (*regexp2.Regexp, error) {
		re, err := regexp2.Compile(text, regexp2.None)
		if err != nil {
			return nil, err
		}
		re.MatchTimeout = matchTimeout
		return re, nil
	})
}

// Matches tells whether the whole text matches. It fails when that takes too long to find out.
func (r *Regex) Matches(text string) (bool, error) {
	if r.usePlain(text) {
		return r.plainWhole.MatchString(text), nil
	}
	re, err := r.richWhole()
	if err != nil {
		return false, r.failed(err)
	}
	matches, err := re.MatchString(text)
	if err != nil {
		return false, r.failed(err)
	}
	return matches, nil
}

func (r *Regex) usePlain(text string) bool {
	return r.plainWhole != nil && !strings.ContainsAny(text, terminators)
}

func (r *Regex) failed(err error) error {
	return fmt.Errorf("matching the regular expression %s: %w", r.pattern, err)
}

// Valid allows expressions that Compile understands. Null is refused.
func Valid() config.Validator {
	return config.Func("valid regex", func(name string, value any) error {
		text, ok := value.(string)
		if !ok {
			return config.Invalid(name, value,
				`Invalid regex: Cannot invoke "String.isEmpty()" because "this.pattern" is null`)
		}
		if _, err := Compile(text); err != nil {
			return config.Invalid(name, value, "Invalid regex: "+err.Error())
		}
		return nil
	})
}
