package filelock

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"
)

func TestLocks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	a, err := Shared(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Shared(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Try(path); !errors.Is(err, ErrHeld) {
		t.Errorf("a shared lock did not hold: %v", err)
	}
	if err := a.Upgrade(); !errors.Is(err, ErrHeld) {
		t.Errorf("the upgrade passed beside another: %v", err)
	}
	if err := a.Downgrade(); err != nil {
		t.Fatal(err)
	}
	b.Release()
	if err := a.Upgrade(); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	if _, err := Shared(ctx, path); !errors.Is(err, ErrHeld) {
		t.Errorf("an exclusive lock did not hold: %v", err)
	}
	time.AfterFunc(50*time.Millisecond, func() { a.Release() })
	c, err := Exclusive(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	c.Release()
	if _, err := Try(filepath.Join(path, "below")); err == nil {
		t.Error("a bad path was accepted")
	}
}
