package javaregex_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-connect/sluice/runtime/javaregex"
)

// What Java's own Pattern said about rare expressions.
func TestCompile_FailsInJavasWords(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		`{b`:                     "Illegal repetition near index 1\n{b\n ^",
		`\`:                      "Unexpected internal error near index 1\n\\",
		`\\p{S`:                  "Illegal repetition near index 4\n\\\\p{S\n    ^",
		`\b{,2}`:                 "Illegal repetition near index 3\n\\b{,2}\n   ^",
		`\Qa.b\E(?i)?`:           "Dangling meta character '?' near index 8\n\\Qa.b\\E(?i)?\n        ^",
		`(?<!\W((a){2,}b?)*)`:    "Look-behind group does not have an obvious maximum length near index 17\n(?<!\\W((a){2,}b?)*)\n                 ^",
		`\p{Alnum|(?<=\p{Punct}`: "Unknown Unicode property {name=<alnum|(?<>, value=<\\p{Punct>} near index 21\n\\p{Alnum|(?<=\\p{Punct}\n                     ^",
	} {
		_, err := javaregex.Compile(pattern)
		if err == nil {
			t.Errorf("%q is accepted", pattern)
		} else if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", pattern, diff)
		}
	}
}

func TestRegex_AgreesWithJavaOnRareExpressions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{`\1`, "", false}, // a group that is not there
		{`a|\2(b)`, "a", true},
		{`a\b{2}`, "a", true},
		{`[\p{L}&&[^a]#]`, "r", true},
		{`[a-c&&b[c]]+`, "bc", true},
		{`\R{2}`, "\r\n", false}, // one line break
		{`\R{2}`, "\r\n\n", true},
		{`(?<=a{2,})b|aab`, "aab", true},
		{`\p{IsLatn}`, "é", true},
	} {
		re, err := javaregex.Compile(c.pattern)
		if err != nil {
			t.Errorf("%q: %v", c.pattern, err)
			continue
		}
		if got, err := re.Matches(c.text); err != nil || got != c.want {
			t.Errorf("%q matches %q: %v, %v, want %v", c.pattern, c.text, got, err, c.want)
		}
	}
}
