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
	if !strings.ContainsAny(text, "[(") {
		return []interval{{low: text, high: text, withLow: true, withHigh: true, exact: true}}, nil
	}
	unreadable := func(why string) error {
		return &VersionError{message: why + ": " + text, Unreadable: true}
	}
	var all []interval
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(strings.TrimPrefix(rest, ",")) {
		end := strings.IndexAny(rest, "])")
		if rest[0] != '[' && rest[0] != '(' {
			return nil, unreadable("Only fully-qualified sets allowed in multiple set scenario")
		}
		if end < 0 {
			return nil, unreadable("Unbounded range")
		}
		in := interval{withLow: rest[0] == '[', withHigh: rest[end] == ']'}
		low, high, two := strings.Cut(rest[1:end], ",")
		in.low, in.high = strings.TrimSpace(low), strings.TrimSpace(high)
		if !two {
			if !in.withLow || !in.withHigh {
				return nil, unreadable("Single version must be surrounded by []")
			}
			in.high, in.exact = in.low, true
		} else if in.low != "" && in.high != "" && compareVersions(in.low, in.high) > 0 {
			return nil, unreadable("Range defies version ordering")
		}
		all, rest = append(all, in), strings.TrimSpace(rest[end+1:])
	}
	return all, nil
}

// compareVersions compares part by part: numbers as numbers, and above words, which stand for what comes before a release.
func compareVersions(a, b string) int {
	parts := func(version string) []string {
		return strings.FieldsFunc(strings.ToLower(version), func(r rune) bool { return r == '.' || r == '-' || r == '+' })
	}
	x, y := parts(a), parts(b)
	at := func(list []string, i int) (number int, word string) {
		if i >= len(list) {
			return 0, ""
		}
		n, err := strconv.Atoi(list[i])
		if err != nil {
			return -1, list[i]
		}
		return n, ""
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
		if err == nil {
			continue
		}
		if unreadable, ok := errors.AsType[*VersionError](err); values[setting] != nil && (!ok || !unreadable.Unreadable) {
			problems = append(problems, config.Errorf(setting, "%s", err))
		}
		problems = append(problems, config.Errorf(setting+versionSuffix, "%s", err))
	}
	return problems
}
