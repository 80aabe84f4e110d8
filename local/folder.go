package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// openFolder makes the data folder and keeps other desks out of it until release. The lock ends with the process, however
// that ends.
func openFolder(path string) (dir string, release func() error, err error) {
	if dir, err = filepath.Abs(path); err != nil {
		return "", nil, fmt.Errorf("finding the data folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, fmt.Errorf("making the data folder: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", nil, fmt.Errorf("opening the data folder: %w", err)
	}
	if err := lock(f); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 32)) // a courtesy; nothing is lost without it
		who := "another sluice"
		if pid := strings.TrimSpace(string(holder)); pid != "" {
			who += ", process " + pid + ","
		}
		return "", nil, errors.Join(fmt.Errorf("opening the data folder %s: %s uses it; --data chooses another folder", dir, who), f.Close())
	}
	if err := errors.Join(f.Truncate(0), writeHolder(f)); err != nil {
		return "", nil, errors.Join(fmt.Errorf("opening the data folder: %w", err), f.Close())
	}
	return dir, f.Close, nil
}

func writeHolder(f *os.File) error {
	_, err := f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}
