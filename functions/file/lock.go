package file

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// lock takes the advisory lock of a file, and waits for it until ctx ends. A file system without locks is taken to have
// no other writers.
func lock(ctx context.Context, f *os.File) error {
	retry := time.NewTicker(5 * time.Millisecond)
	defer retry.Stop()
	for {
		err := flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS):
			return nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-retry.C:
		}
	}
}

// unlock lets go of the lock. It fails only where there are no locks.
func unlock(f *os.File) error {
	err := flock(f, syscall.LOCK_UN)
	if errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS) {
		return nil
	}
	return err
}

func flock(f *os.File, how int) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	if err := raw.Control(func(fd uintptr) { result = syscall.Flock(int(fd), how) }); err != nil {
		return err
	}
	return result
}
