// Package filelock locks files between Qwill's processes. A lock ends with its
// process, however that ends.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// ErrHeld says that another process holds the lock.
var ErrHeld = errors.New("another process holds the lock")

// Lock is a held lock.
type Lock struct{ file *os.File }

// Shared waits for a lock that many may hold at once.
func Shared(ctx context.Context, path string) (*Lock, error) { return wait(ctx, path, syscall.LOCK_SH) }

// Exclusive waits for a lock that one process holds.
func Exclusive(ctx context.Context, path string) (*Lock, error) {
	return wait(ctx, path, syscall.LOCK_EX)
}

// Try takes the exclusive lock or fails with ErrHeld at once.
func Try(path string) (*Lock, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	if err := flock(f, syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return &Lock{f}, nil
}

// Upgrade makes a shared lock exclusive if nobody else shares it.
func (l *Lock) Upgrade() error { return flock(l.file, syscall.LOCK_EX) }

// Downgrade makes it shared again. It is also needed after a failed Upgrade,
// which drops the shared lock.
func (l *Lock) Downgrade() error { return flock(l.file, syscall.LOCK_SH) }

// Release ends the lock.
func (l *Lock) Release() error { return l.file.Close() }

func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	return f, nil
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrHeld
		case errors.Is(err, syscall.EINTR):
			continue
		}
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
}

func wait(ctx context.Context, path string, how int) (*Lock, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	for {
		err := flock(f, how)
		if err == nil {
			return &Lock{f}, nil
		}
		if errors.Is(err, ErrHeld) {
			select {
			case <-time.After(20 * time.Millisecond):
				continue
			case <-ctx.Done():
				err = errors.Join(ErrHeld, ctx.Err())
			}
		}
		f.Close()
		return nil, err
	}
}
