package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sluice-connect/sluice/runtime"
)

// readWorkerFile reads the properties of a Connect worker; there are none without a path. What concerns no connector is
// ignored, and so is, for the embedded broker, how to reach and sign in to another one.
func readWorkerFile(path string, embedded bool) (map[string]string, error) {
	worker := map[string]string{}
	if path == "" {
		return worker, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading worker file %s: %w", path, errors.Unwrap(err))
	}
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		return nil, fmt.Errorf("reading worker file %s: it is JSON, but must be a properties file such as connect-standalone.properties", path)
	}
	if worker, err = readProperties(text); err != nil {
		return nil, fmt.Errorf("reading worker file %s: %w", path, err)
	}
	if embedded {
		worker = withoutSecurity(worker)
	}
	if err := runtime.CheckWorker(worker); err != nil {
		return nil, fmt.Errorf("reading worker file %s: %w", path, err)
	}
	return worker, nil
}

// withoutSecurity leaves out how to reach and sign in to a cluster.
func withoutSecurity(worker map[string]string) map[string]string {
	kept := map[string]string{}
	for key, value := range worker {
		bare := key
		for _, prefix := range []string{"producer.", "consumer.", "admin."} {
			bare = strings.TrimPrefix(bare, prefix)
		}
		isSecurity := bare == "bootstrap.servers"
		for _, prefix := range []string{"security.", "sasl.", "ssl."} {
			isSecurity = isSecurity || strings.HasPrefix(bare, prefix)
		}
		if !isSecurity {
			kept[key] = value
		}
	}
	return kept
}
