package javaregex_test

import (
	"strings"
	"testing"

	"github.com/sluice-connect/sluice/runtime/config"
	"github.com/sluice-connect/sluice/runtime/javaregex"
)

func TestRegex_MatchesTheWholeTextAsJavaDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ pattern, yes, no string }{
		"alternatives":          {"a|b", "b", "ab"},
		"look-ahead":            {"(?!dead).*", "live", "dead-1"},
		"look-behind":           {"a(?<=a)b", "ab", "b"},
		"possessive":            {"a*+b", "aab", "aac"},
		"possessive and greedy": {"(?:a|b)++b?", "ab", "abc"},
		"atomic":                {"(?>a|ab)c", "ac", "abc"},
		"back reference":        {`(.)\1.*`, "aabb", "abab"},
		"named back reference":  {`(?<x>.)\k<x>`, "aa", "ab"},
		"intersection":          {"[a-z&&[^o]]+", "paid", "orders"},
		"union":                 {"[a[0-9]]+", "a1", "b1"},
		"negated union":         {"[^a[0-9]]+", "bc", "b1"},
		"ASCII digits":          {`\d+`, "12", "٣"},
		"ASCII words":           {`\w+`, "a_1", "ü"},
		"not a word":            {`\W`, "ü", "u"},
		"Unicode letters":       {`\p{L}+`, "üml", "u1"},
		"POSIX":                 {`\p{Alpha}+`, "abc", "ü"},
		"script":                {`\p{IsGreek}+`, "αβ", "ab"},
		"not of a category":     {`\P{Lu}+`, "ab", "aB"},
		"horizontal blank":      {`\h`, "\u00a0", "\n"},
		"line break":            {`a\Rb`, "a\r\nb", "a b"},
		"quoted":                {`\Qa.b\E+`, "a.bb", "axb"},
		"comments":              {"(?x) a b # c", "ab", "a b"},
		"any case":              {"(?i)OrDers", "oRDERS", "order"},
		"flags for a group":     {"(?i:a)b", "Ab", "AB"},
		"dot":                   {"a.b", "a-b", "a\nb"},
		"dot for all":           {"(?s)a.b", "a\nb", "a\n\nb"},
		"code points":           {`\x{1F600}\u0041\t`, "😀A\t", "😀B\t"},
		"counted":               {"a{2,3}", "aa", "a"},
		"brackets in brackets":  {`[\[\]]+`, "[]", "()"},
		"class escape":          {`[\d\-.]+`, "1-2.3", "1_2"},
		"lines":                 {"(?m)a$\n^b", "a\nb", "ab"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			re, err := javaregex.Compile(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			for text, want := range map[string]bool{c.yes: true, c.no: false} {
				if got, err := re.Matches(text); err != nil || got != want {
					t.Errorf("%q matches %q: %v, %v, want %v", c.pattern, text, got, err, want)
				}
			}
		})
	}
}

func TestRegex_ReplacesTheFirstMatch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ pattern, text, with, want, fails string }{
		"group":            {pattern: "(.*)-(.*)", text: "a-b", with: "$2-$1", want: "b-a"},
		"named group":      {pattern: "(?<n>a)(b)", text: "ab", with: "$2${n}$1", want: "baa"},
		"all of it":        {pattern: "b+", text: "abbc", with: "<$0>", want: "a<bb>c"},
		"two digits":       {pattern: "(a)", text: "a", with: "$10", want: "a0"},
		"no part":          {pattern: "(x)?a", text: "a", with: "[$1]", want: "[]"},
		"escaped":          {pattern: "a", text: "a", with: `\$1\\`, want: `$1\`},
		"backtracking":     {pattern: "(ü)(?=b)", text: "aübü", with: "<$1>", want: "a<ü>bü"},
		"no match":         {pattern: "x", text: "a", with: "$7", want: "a"},
		"no such group":    {pattern: "(a)", text: "a", with: "$2", fails: "No group 2"},
		"no such name":     {pattern: "(a)", text: "a", with: "${x}", fails: "No group with name {x}"},
		"nothing escaped":  {pattern: "a", text: "a", with: `\`, fails: "escaped"},
		"nothing referred": {pattern: "a", text: "a", with: "$", fails: "group"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			re, err := javaregex.Compile(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			got, err := re.ReplaceFirst(c.text, c.with)
			switch {
			case c.fails != "":
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("got %q, %v, want an error about %s", got, err, c.fails)
				}
			case err != nil || got != c.want:
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestCompile_SaysWhatJavaSays(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"(":                  "Unclosed group near index 1\n(",
		"*":                  "Dangling meta character '*' near index 0\n*\n^",
		"[":                  "Unclosed character class near index 0\n[\n^",
		"a{2,1}":             "Illegal repetition range near index 5\na{2,1}\n     ^",
		"(?<a>o)(?<a>r)ders": "Named capturing group <a> is already defined near index 11\n(?<a>o)(?<a>r)ders\n           ^",
	} {
		_, err := javaregex.Compile(pattern)
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got: %v\nwant: %s", pattern, err, want)
		}
	}
}

func TestValid_RefusesNullAndBadPatterns(t *testing.T) {
	t.Parallel()
	for _, value := range []any{nil, "("} {
		if err := javaregex.Valid().EnsureValid("regex", value); len(config.Errors(err)) != 1 {
			t.Errorf("%v: %v, want one error about the setting", value, err)
		}
	}
	if err := javaregex.Valid().EnsureValid("regex", "a.*"); err != nil {
		t.Error(err)
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"(?<n>a)|[^b&&[c-d]]++", `\p{L}\Q.\E{2,3}?`, "(?x)a #\n", "[]a]", `\0101\x{41}\cA`, "{", "(?", `[a-\d]`, `\k<`, "[^^&&]", "(?i-s:", "\x00",
	} {
		f.Add(seed, "text", "$1")
	}
	f.Fuzz(func(t *testing.T, pattern, text, with string) {
		if len(pattern) > 40 || len(text) > 20 {
			return // longer ones may backtrack for seconds
		}
		re, err := javaregex.Compile(pattern)
		if err != nil {
			return
		}
		if _, err := re.Matches(text); err != nil {
			return // it backtracks without end
		}
		if _, err := re.ReplaceFirst(text, with); err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}
