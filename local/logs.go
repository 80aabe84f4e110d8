package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// logFiles are the files into which functions print, one for each connector. They are open until the last function ended.
type logFiles struct {
	dir string

	mu   sync.Mutex
	open map[string]*os.File
}

// of returns the file of a connector, which goes on where it ended.
func (l *logFiles) of(connector string) (*os.File, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f := l.open[connector]; f != nil {
		return f, nil
	}
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of logs: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(l.dir, fileName(connector)+".log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening the log of %s: %w", connector, err)
	}
	if l.open == nil {
		l.open = map[string]*os.File{}
	}
	l.open[connector] = f
	return f, nil
}

func (l *logFiles) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, f := range l.open {
		errs = append(errs, f.Close())
	}
	l.open = nil
	return errors.Join(errs...)
}

// fileName makes a connector's name, which may be any text, into the name of a file.
func fileName(connector string) string {
	return strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == 0 || r == ':' {
			return '_'
		}
		return r
	}, connector)
}
