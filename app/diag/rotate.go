package diag

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Size of one log file in bytes, and how many older ones are kept beside it.
const (
	logBytes = 4 << 20
	logKept  = 3
)

// file is a log that moves aside when it is full: NAME.log, NAME.log.1 and so
// on, the newest first. It is written here since the known library for this
// (lumberjack) has had no release since 2023, keeps a goroutine for ever and
// cannot empty the file that is in use.
type file struct {
	mu   sync.Mutex
	path string
	f    *os.File
	size int64
}

func openFile(path string) (*file, error) {
	l := &file{path: path}
	if err := l.open(); err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	return l, nil
}

func (l *file) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return err
	}
	l.f, l.size = f, info.Size()
	return nil
}

// Write implements io.Writer for whole lines.
func (l *file) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return 0, fs.ErrClosed
	}
	if l.size > 0 && l.size+int64(len(p)) > logBytes {
		l.turn()
	}
	n, err := l.f.Write(p)
	l.size += int64(n)
	return n, err
}

// turn moves the files on by one. Where that fails the log goes on in the file
// it has.
func (l *file) turn() {
	_ = os.Remove(fmt.Sprintf("%s.%d", l.path, logKept))
	for i := logKept - 1; i > 0; i-- {
		_ = os.Rename(fmt.Sprintf("%s.%d", l.path, i), fmt.Sprintf("%s.%d", l.path, i+1))
	}
	if os.Rename(l.path, l.path+".1") != nil {
		return
	}
	old := l.f
	if l.open() == nil {
		old.Close()
	}
}

// empty drops all that was written, the older files too, and goes on.
func (l *file) empty() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	if err := l.f.Truncate(0); err != nil {
		return fmt.Errorf("empty the log: %w", err)
	}
	l.size = 0
	older, err := filepath.Glob(escape(l.path) + ".[0-9]*")
	if err != nil {
		return err
	}
	for _, path := range older {
		if e := os.Remove(path); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("remove a log: %w", e))
		}
	}
	return err
}

func (l *file) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}
