package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-connect/sluice/local/function"
	"github.com/sluice-connect/sluice/runtime"
	"github.com/sluice-connect/sluice/runtime/convert/registry/outline"
)

// plugin is a function binary and the connector it says it is.
type plugin struct {
	runtime.Description
	bootstrap string
	registry  string // the same with the converters of schema registries; "" if it was not built
}

// registrySuffix is what the folder of such a binary ends with.
const registrySuffix = "-registry"

// binary is the one that a connector needs: only configurations that keep schemas in a registry pay for that.
func (p plugin) binary(config, worker map[string]string) string {
	if p.registry != "" && outline.NeededBy(config, worker) {
		return p.registry
	}
	return p.bootstrap
}

// widest is the one that knows all converters.
func (p plugin) widest() string { return cmp.Or(p.registry, p.bootstrap) }

// catalog is what the folder of function binaries holds.
type catalog []plugin

// readCatalog asks every binary in the folder what it is.
func readCatalog(ctx context.Context, functions *function.Service, dir string) (catalog, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "bootstrap"))
	if err != nil {
		return nil, fmt.Errorf("looking for function binaries in %s: %w", dir, err)
	}
	// The control function is no connector: the desk answers REST itself. Second builds stand beside the first.
	paths = slices.DeleteFunc(paths, func(path string) bool {
		name := filepath.Base(filepath.Dir(path))
		return name == "control" || strings.HasSuffix(name, registrySuffix)
	})
	if len(paths) == 0 {
		return nil, fmt.Errorf("looking for function binaries in %s: there are none; 'make build' makes them, --functions says where they are", dir)
	}
	found := make(catalog, len(paths))
	var asking errgroup.Group
	asking.SetLimit(4)
	for i, path := range paths {
		asking.Go(func() error {
			d, err := describe(ctx, functions, path)
			if err != nil {
				return fmt.Errorf("asking %s what it is: %w", path, err)
			}
			found[i] = plugin{Description: d, bootstrap: path}
			second := filepath.Join(filepath.Dir(path)+registrySuffix, "bootstrap")
			if _, err := os.Stat(second); err == nil {
				found[i].registry = second
			}
			return nil
		})
	}
	if err := asking.Wait(); err != nil {
		return nil, err
	}
	return found, nil
}

// describeTime is how long a function may take to answer what needs no network.
const describeTime = 10 * time.Second

func describe(ctx context.Context, functions *function.Service, path string) (runtime.Description, error) {
	name := "describe:" + path
	err := functions.Deploy(function.Function{
		Name: name, Bootstrap: path, Timeout: describeTime, Concurrency: 1, Log: io.Discard,
	})
	if err != nil {
		return runtime.Description{}, err
	}
	defer functions.Remove(name)
	result, err := functions.Invoke(ctx, name, []byte(`{"control":"describe"}`))
	if err != nil {
		return runtime.Description{}, err
	}
	var d runtime.Description
	if err := json.Unmarshal(result.Payload, &d); err != nil {
		return d, fmt.Errorf("reading its answer: %w", err)
	}
	return d, nil
}

// find returns the binary of a connector class: named in full, by its simple name, or by that without "Connector".
func (c catalog) find(class string) (plugin, error) {
	var matches []plugin
	for _, p := range c {
		if p.answersTo(class) {
			matches = append(matches, p)
		}
	}
	switch len(matches) {
	case 1:
		return matches[0], nil
	case 0:
		return plugin{}, fmt.Errorf("there is no connector class %q; available are: %s", class, strings.Join(c.classes(), ", "))
	}
	return plugin{}, fmt.Errorf("More than one connector matches alias %s", class) //nolint:staticcheck // Connect's own words
}

func (p plugin) answersTo(class string) bool {
	for _, name := range append([]string{p.Class}, p.Aliases...) {
		simple := name[strings.LastIndexByte(name, '.')+1:]
		if class == name || class == simple || class == strings.TrimSuffix(simple, "Connector") {
			return true
		}
	}
	return false
}

func (c catalog) classes() []string {
	names := make([]string, len(c))
	for i, p := range c {
		names[i] = p.Class
	}
	slices.Sort(names)
	return names
}
