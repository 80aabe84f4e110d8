package connector

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-connect/sluice/runtime/config"
)

// versionSuffix follows the setting of a class in the name of the setting of its version.
const versionSuffix = ".plugin.version"

// VersionError is a version that was asked for and is not there, or is not to be understood.
type VersionError struct {
	message string
	// Unreadable says that it is no version at all.
	Unreadable bool
}

// Error is Connect's text.
func (e *VersionError) Error() string { return e.message }

// CheckVersion tells whether a class has a version as it is asked for: a single one, or a range as Maven writes them.
// "latest" is any. have are the versions that there are, as Connect lists them: once for each kind of plugin a class is.
func CheckVersion(asked, class string, have ...string) error {
	if asked == "latest" {
		return nil
	}
	intervals, err := parseRange(asked)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(intervals, func(i interval) bool { return slices.ContainsFunc(have, i.holds) }) {
		return nil
	}
	texts := make([]string, len(intervals))
	for i, in := range intervals {
		texts[i] = in.String()
	}
	return &VersionError{message: fmt.Sprintf("Plugin %s not found that matches the version range %s, available versions: [%s]",
		class, strings.Join(texts, ","), strings.Join(have, ", "))}
}

// interval is a range of versions. An empty bound is none; without a bound that counts itself nothing is within.
type interval struct {
	low, high         string
	withLow, withHigh bool
	exact             bool
}

// String implements fmt.Stringer.
func (i interval) String() string {
	open, shut := "(", ")"
	if i.withLow {
		open = "["
	}
	if i.withHigh {
		shut = "]"
	}
	return open + i.low + "," + i.high + shut
}

func (i interval) holds(version string) bool {
	if i.exact {
		return compareVersions(version, i.low) == 0
	}
	if c := compareVersions(version, i.low); i.low != "" && (c < 0 || c == 0 && !i.withLow) {
		return false
	}
	c := compareVersions(version, i.high)
	return i.high == "" || c < 0 || c == 0 && i.withHigh
}

// parseRange reads a version, or intervals such as [1,2),[3,).
func parseRange(text string) ([]interval, error) {
	if text = strings.TrimSpace(text); !strings.HasPrefix(text, "[") && !strings.HasPrefix(text, "(") {
		text = "[" + text + "]"
	}
	var all []interval
	for rest := text; rest != ""; rest = strings.TrimSpace(strings.TrimPrefix(rest, ",")) {
		if rest[0] != '[' && rest[0] != '(' {
			return nil, unreadable("Only fully-qualified sets allowed in multiple set scenario", text)
		}
		end := strings.IndexAny(rest, "])") + 1
		if end == 0 {
			return nil, unreadable("Unbounded range", text)
		}
		in, err := parseInterval(rest[:end])
		if err != nil {
			return nil, err
		}
		if len(all) > 0 {
			if last := all[len(all)-1].high; last != "" && (in.low == "" || compareVersions(in.low, last) < 0) {
				return nil, unreadable("Ranges overlap", text)
			}
		}
		all, rest = append(all, in), strings.TrimSpace(rest[end:])
	}
	return all, nil
}

// parseInterval reads an interval with its brackets.
func parseInterval(text string) (interval, error) {
	in := interval{withLow: text[0] == '[', withHigh: text[len(text)-1] == ']'}
	low, high, two := strings.Cut(text[1:len(text)-1], ",")
	in.low, in.high = strings.TrimSpace(low), strings.TrimSpace(high)
	closed := in.withLow && in.withHigh
	if !two {
		if !closed {
			return in, unreadable("Single version must be surrounded by []", text)
		}
		in.high, in.exact = in.low, true
		return in, nil
	}
	if c := compareVersions(in.low, in.high); in.low != "" && in.high != "" && (c > 0 || c == 0 && !closed) {
		return in, unreadable("Range defies version ordering", text)
	}
	return in, nil
}

func unreadable(why, text string) error {
	return &VersionError{message: why + ": " + text, Unreadable: true}
}

// readableVersion allows what can be understood as a version or a range of them.
func readableVersion() config.Validator {
	return config.Func("a version or a range of versions", func(name string, value any) error {
		asked, ok := value.(string)
		if !ok || asked == "latest" {
			return nil
		}
		if _, err := parseRange(asked); err != nil {
			return config.Errorf(name, "%s", err)
		}
		return nil
	})
}

// compareVersions compares part by part: numbers as numbers, and above words, which stand for what comes before a release.
func compareVersions(a, b string) int {
	x, y := versionParts(a), versionParts(b)
	at := func(list []string, i int) (number int, word string) {
		if i >= len(list) {
			return 0, ""
		}
		n, err := strconv.Atoi(list[i])
		switch {
		case err == nil:
			return n, ""
		case list[i] == "sp": // a service pack comes behind the release
			return 0, list[i]
		}
		return -1, list[i]
	}
	for i := range max(len(x), len(y)) {
		n, word := at(x, i)
		m, other := at(y, i)
		if c := cmp.Or(cmp.Compare(n, m), cmp.Compare(word, other)); c != 0 {
			return c
		}
	}
	return 0
}

// versionParts are what points and the like part, and numbers and words for themselves.
func versionParts(version string) (all []string) {
	isDigit := func(c byte) bool { return c >= '0' && c <= '9' }
	for _, part := range strings.FieldsFunc(strings.ToLower(version), func(r rune) bool { return strings.ContainsRune(".-+", r) }) {
		start := 0
		for i := 1; i < len(part); i++ {
			if isDigit(part[i]) != isDigit(part[i-1]) {
				all, start = append(all, part[start:i]), i
			}
		}
		all = append(all, part[start:])
	}
	return all
}

// versionsOf are the versions of a class, once for each kind of plugin it is.
func (p Plugins) versionsOf(class string) []string {
	var have []string
	for _, iface := range interfaces() {
		if slices.Contains(p.of(iface), class) {
			have = append(have, p.Version)
		}
	}
	return have
}

// versionProblem is what is wrong with the version that is asked of the class that a setting names, if anything.
func (p Plugins) versionProblem(values map[string]*string, setting, version string) error {
	asked := values[version]
	if asked == nil {
		return nil
	}
	class, _ := p.resolve(value(values, setting))
	if have := p.versionsOf(class); have != nil {
		return CheckVersion(*asked, class, have...)
	}
	_, err := parseRange(*asked)
	return err
}

// judgeVersions adds what is wrong with the versions asked of converters: to the version and to the class.
func (p Plugins) judgeVersions(found []config.Value, values map[string]*string) []config.Value {
	for _, e := range p.converterVersions(values) {
		found = report(found, e)
	}
	return found
}

func (p Plugins) converterVersions(values map[string]*string) (problems []*config.Error) {
	for _, kind := range []string{"key", "value", "header"} {
		setting := kind + ".converter"
		err := p.versionProblem(values, setting, setting+versionSuffix)
		if version, ok := errors.AsType[*VersionError](err); err == nil || ok && version.Unreadable { // which its own check says
			continue
		}
		if values[setting] != nil {
			problems = append(problems, config.Errorf(setting, "%s", err))
		}
		problems = append(problems, config.Errorf(setting+versionSuffix, "%s", err))
	}
	return problems
}
