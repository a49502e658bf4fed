package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"qwill/app/errs"
	"qwill/app/filelock"
)

// lockShared takes the lock that every user of the database shares.
func lockShared(ctx context.Context, path string) (*filelock.Lock, error) {
	// Whoever sets files aside holds the lock alone for a moment.
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	lock, err := filelock.Shared(ctx, path)
	switch {
	case errors.Is(err, filelock.ErrHeld):
		return nil, errs.New(errs.DatabaseLock, 503, "Another program holds the database.").At(path).
			Try("close the program that uses it and try again").Because(err)
	case err != nil:
		return nil, errs.New(errs.Database, 500, "The database's folder cannot be written: %v.", err).At(path).
			Try("make the folder writable for you, or set QWILL_HOME to another one").Because(err)
	}
	return lock, nil
}

// setAside moves the damaged files, whole, into a dated backup. It gives no
// notice when another process is just creating the file.
func setAside(path, backups string, lock *filelock.Lock, damage *damagedError) (*errs.Error, error) {
	err := lock.Upgrade()
	defer lock.Downgrade()
	if err != nil {
		if damage.mayBeYoung {
			return nil, nil
		}
		return nil, errs.New(errs.Database, 500, "The database is damaged (%s), and another Qwill uses it.", damage.what).At(path).
			Try("quit every Qwill and start it again: it sets the damaged file aside").Because(err)
	}
	if err := os.MkdirAll(backups, 0o700); err != nil {
		return nil, fmt.Errorf("set the damaged database aside: %w", err)
	}
	base := filepath.Join(backups, time.Now().UTC().Format("2006-01-02T150405.000Z")+"-"+filepath.Base(path))
	// The database goes last: until then a next start finds it damaged again.
	for _, suffix := range []string{"-wal", "-shm", ""} {
		if err := os.Rename(path+suffix, base+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("set the damaged database aside: %w", err)
		}
	}
	return errs.New(errs.DatabaseLost, 500, "The database was damaged (%s). It was set aside whole and a new one was started.", damage.what).
		At(base).Try("keep this file: its chats may be recovered from it"), nil
}
