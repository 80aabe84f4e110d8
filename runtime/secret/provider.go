package secret

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/magiconair/properties"
)

// provider looks values up.
type provider interface {
	// locate parts what follows the provider's name into what is loaded at once and a key in it.
	locate(rest string) (place, key string)
	// load reads a place.
	load(ctx context.Context, place string) (lookup, error)
	// ttl is how long what was loaded may be used for later resolutions; 0 means not at all.
	ttl() time.Duration
}

// lookup finds a value. ok is false where Kafka leaves the placeholder as it is.
type lookup func(key string) (value string, ok bool, err error)

const providersKey = "config.providers"

// providers are those that the worker's properties declare, and those that are always there.
func providers(o Options) map[string]provider {
	all := map[string]provider{
		"secretsManager": newAWS(o, secretsManager(), nil),
		"ssm":            newAWS(o, parameterStore(), nil),
	}
	for name := range strings.SplitSeq(o.Properties[providersKey], ",") {
		name = strings.TrimSpace(name)
		prefix := providersKey + "." + name + "."
		class, declared := o.Properties[prefix+"class"]
		params := map[string]string{}
		for key, value := range o.Properties {
			if param, ok := strings.CutPrefix(key, prefix+"param."); ok {
				params[param] = value
			}
		}
		switch {
		case name == "":
		case declared:
			all[name] = newProvider(o, strings.TrimSpace(class), params)
		case name == "secretsManager":
			all[name] = newAWS(o, secretsManager(), params)
		case name == "ssm":
			all[name] = newAWS(o, parameterStore(), params)
		}
	}
	return all
}

// newProvider makes the provider of a Java class, by its full name, its simple name or that without ConfigProvider.
func newProvider(o Options, class string, params map[string]string) provider {
	simple := strings.TrimSuffix(class[strings.LastIndexByte(class, '.')+1:], "ConfigProvider")
	known := strings.HasPrefix(class, "org.apache.kafka.common.config.provider.") || !strings.Contains(class, ".")
	switch {
	case known && simple == "File":
		return withPaths(params, func(p paths) provider { return files{paths: p} })
	case known && simple == "Directory":
		return withPaths(params, func(p paths) provider { return directories{paths: p} })
	case known && simple == "EnvVar":
		return newEnvironment(o, params)
	case simple == "SecretsManager":
		return newAWS(o, secretsManager(), params)
	case simple == "SsmParamStore":
		return newAWS(o, parameterStore(), params)
	}
	return broken{fmt.Errorf("there is no provider of class %q; there are FileConfigProvider, DirectoryConfigProvider and EnvVarConfigProvider "+
		"of org.apache.kafka.common.config.provider, and secretsManager and ssm, which need no class", class)}
}

// broken is a provider that was declared wrongly.
type broken struct{ err error }

func (broken) locate(rest string) (place, key string)         { return "", rest }
func (b broken) load(context.Context, string) (lookup, error) { return nil, b.err }
func (broken) ttl() time.Duration                             { return 0 }
func kafkaPlace(rest string) (place, key string) {
	if path, key, ok := strings.Cut(rest, ":"); ok {
		return path, key
	}
	return "", rest
}

// paths are the folders that a provider may read; nil means all.
type paths []string

func withPaths(params map[string]string, make func(paths) provider) provider {
	text, limited := params["allowed.paths"]
	if !limited || strings.TrimSpace(text) == "" {
		return make(nil)
	}
	var p paths
	for path := range strings.SplitSeq(text, ",") {
		path = strings.TrimSpace(path)
		if !filepath.IsAbs(path) {
			return broken{fmt.Errorf("Path %s is not absolute", path)} //nolint:staticcheck // Kafka's own words
		}
		p = append(p, filepath.Clean(path))
	}
	return make(p)
}

// allows returns the path as it may be read.
func (p paths) allows(path string) (string, bool) {
	if p == nil {
		return path, true
	}
	path = filepath.Clean(path)
	for _, allowed := range p {
		if path == allowed || allowed == "/" || strings.HasPrefix(path, allowed+"/") {
			return path, true
		}
	}
	return "", false
}

func nothing(string) (string, bool, error) { return "", false, nil }

// files reads Java properties files.
type files struct{ paths paths }

func (files) locate(rest string) (place, key string) { return kafkaPlace(rest) }
func (files) ttl() time.Duration                     { return 0 }

func (f files) load(_ context.Context, place string) (lookup, error) {
	path, ok := f.paths.allows(place)
	if !ok || path == "" {
		return nothing, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading properties: %w", err)
	}
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("reading properties of %s: it is not UTF-8", path)
	}
	loader := properties.Loader{Encoding: properties.UTF8, DisableExpansion: true}
	p, err := loader.LoadBytes(text)
	if err != nil {
		// What the parser says may quote the file.
		return nil, fmt.Errorf("reading properties of %s: it is malformed; a backslash must stand before another, or before u and four hexadecimal digits", path)
	}
	return func(key string) (string, bool, error) {
		value, ok := p.Get(key)
		return value, ok, nil
	}, nil
}

// directories reads files as they are.
type directories struct{ paths paths }

func (directories) locate(rest string) (place, key string) { return kafkaPlace(rest) }
func (directories) ttl() time.Duration                     { return 0 }

func (d directories) load(_ context.Context, place string) (lookup, error) {
	dir, ok := d.paths.allows(place)
	if !ok || dir == "" {
		return nothing, nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nothing, nil //nolint:nilerr // Kafka, too, only finds nothing there
	}
	return func(key string) (string, bool, error) {
		path := filepath.Join(dir, key)
		if filepath.Base(key) != key {
			return "", false, nil // only what lies in the folder itself
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			return "", false, nil //nolint:nilerr // as above
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return "", false, fmt.Errorf("reading a property's file: %w", err)
		}
		return string(text), true, nil
	}, nil
}

// environment reads variables.
type environment struct {
	lookupEnv func(string) (string, bool)
	allowed   *regexp.Regexp // nil: all
}

func newEnvironment(o Options, params map[string]string) provider {
	e := environment{lookupEnv: o.LookupEnv}
	if pattern, ok := params["allowlist.pattern"]; ok {
		re, err := regexp.Compile("^(?:" + pattern + ")$")
		if err != nil {
			return broken{fmt.Errorf("reading allowlist.pattern: %w", err)}
		}
		e.allowed = re
	}
	return e
}

func (environment) locate(rest string) (place, key string) { return kafkaPlace(rest) }
func (environment) ttl() time.Duration                     { return 0 }

func (e environment) load(_ context.Context, place string) (lookup, error) {
	if place != "" {
		return nil, fmt.Errorf("Path is not supported for EnvVarConfigProvider, invalid value '%s'", place) //nolint:staticcheck // Kafka's own words
	}
	return func(key string) (string, bool, error) {
		if e.allowed != nil && !e.allowed.MatchString(key) {
			return "", false, nil
		}
		value, ok := e.lookupEnv(key)
		return value, ok, nil
	}, nil
}

// ttlOf reads ttl.ms. Defaults to five minutes.
func ttlOf(params map[string]string) (time.Duration, error) {
	text, ok := params["ttl.ms"]
	if !ok {
		return 5 * time.Minute, nil
	}
	ms, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32)
	if err != nil || ms < 0 {
		return 0, errors.New("reading ttl.ms: it is not a number of milliseconds")
	}
	return time.Duration(ms) * time.Millisecond, nil
}
