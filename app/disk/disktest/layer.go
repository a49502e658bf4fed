// Package disktest is a file system over the system's own that can be told to
// fail, to kill the process or to lose its power at any of its operations. It is
// for tests.
package disktest

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"qwill/app/disk"
)

// ErrPower is what every operation gives after the power was cut.
var ErrPower = errors.New("the power is gone")

// Layer counts operations, those of the database too where a test reports them
// by Step.
type Layer struct {
	// Before is asked before each operation; an error is the operation's. Its
	// name says what it is and the how-manieth of its kind: reads follow the
	// bytes that arrive, so that a plain number would not name the same one twice.
	Before func(op string) error

	mu      sync.Mutex
	kinds   map[string]int
	seen    []string
	cut     bool
	pending map[string][]func() // by path: what takes back changes that were not synced
	lost    []func()            // what takes back changes whose sync failed
	moved   [][2]string         // from, to
}

// Step counts an operation and says whether it fails.
func (l *Layer) Step(op string) error {
	l.mu.Lock()
	if l.cut {
		l.mu.Unlock()
		return ErrPower
	}
	if l.kinds == nil {
		l.kinds = map[string]int{}
	}
	l.kinds[op]++
	op = fmt.Sprintf("%s, %d", op, l.kinds[op])
	l.seen = append(l.seen, op)
	l.mu.Unlock()
	if l.Before == nil {
		return nil
	}
	return l.Before(op)
}

// Seen lists the operations that there were.
func (l *Layer) Seen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.seen)
}

// Cut ends the power: from now on every operation fails.
func (l *Layer) Cut() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	return ErrPower
}

// Crash leaves the disk as it may be when the power comes back: of what was not
// synced any part is gone. Whoever used the layer must have ended.
func (l *Layer) Crash(r *rand.Rand) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, undo := range l.pending {
		for i := len(undo) - 1; i >= 0; i-- {
			if r.IntN(4) != 0 {
				undo[i]()
			}
		}
	}
	for i := len(l.lost) - 1; i >= 0; i-- {
		l.lost[i]()
	}
	l.pending, l.lost = nil, nil
}

func (l *Layer) change(path string, undo func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending == nil {
		l.pending = map[string][]func(){}
	}
	l.pending[path] = append(l.pending[path], undo)
}

// doom loses what a sync failed to write: as on Linux, the next one succeeds
// without it.
func (l *Layer) doom(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = append(l.lost, l.pending[path]...)
	delete(l.pending, path)
}

func (l *Layer) synced(path string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pending, path)
}

// folder names a folder the same in every run.
func folder(path string) string {
	if name := filepath.Base(path); !strings.HasPrefix(name, ".") {
		return name
	}
	return "of the download"
}

func (l *Layer) MkdirAll(path string) error {
	if err := l.Step("mkdir " + folder(path)); err != nil {
		return err
	}
	return disk.OS.MkdirAll(path)
}

func (l *Layer) Open(path string) (disk.File, error) {
	if err := l.Step("open " + filepath.Base(path)); err != nil {
		return nil, err
	}
	_, before := os.Lstat(path)
	f, err := disk.OS.Open(path)
	if err != nil {
		return nil, err
	}
	if before != nil {
		l.change(filepath.Dir(path), func() { os.Remove(path) })
	}
	return &file{f, l, path}, nil
}

func (l *Layer) Lstat(path string) (fs.FileInfo, error) { return disk.OS.Lstat(path) }

func (l *Layer) ReadDir(path string) ([]fs.DirEntry, error) { return disk.OS.ReadDir(path) }

func (l *Layer) Remove(path string) error {
	if err := l.Step("remove " + filepath.Base(path)); err != nil {
		return err
	}
	return disk.OS.Remove(path)
}

func (l *Layer) RemoveAll(path string) error {
	if err := l.Step("remove all of " + folder(path)); err != nil {
		return err
	}
	return disk.OS.RemoveAll(path)
}

func (l *Layer) Rename(from, to string) error {
	if err := l.Step("rename"); err != nil {
		return err
	}
	if err := disk.OS.Rename(from, to); err != nil {
		return err
	}
	l.change(filepath.Dir(to), func() { os.Rename(to, from) })
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moved = append(l.moved, [2]string{from, to})
	return nil
}

func (l *Layer) SyncDir(path string) error {
	if err := l.Step("sync folder " + folder(path)); err != nil {
		return err
	}
	if err := disk.OS.SyncDir(path); err != nil {
		return err
	}
	l.synced(path)
	return nil
}

func (l *Layer) Free(path string) (int64, error) {
	if err := l.Step("free space"); err != nil {
		return 0, err
	}
	return disk.OS.Free(path)
}

type file struct {
	disk.File
	l    *Layer
	path string
}

func (f *file) base() string { return filepath.Base(f.path) }

func (f *file) ReadAt(p []byte, at int64) (int, error) {
	if err := f.l.Step("read " + f.base()); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, at)
}

func (f *file) WriteAt(p []byte, at int64) (int, error) {
	if err := f.l.Step("write " + f.base()); err != nil {
		// As a full disk does it: a part is written.
		n, _ := f.File.WriteAt(p[:len(p)/2], at)
		return n, err
	}
	f.keep(at, int64(len(p)))
	return f.File.WriteAt(p, at)
}

func (f *file) Truncate(size int64) error {
	if err := f.l.Step("truncate " + f.base()); err != nil {
		return err
	}
	if info, err := os.Stat(f.path); err == nil && info.Size() > size {
		f.keep(size, info.Size()-size)
	}
	return f.File.Truncate(size)
}

// keep remembers what n bytes at an offset were, to take them back.
func (f *file) keep(at, n int64) {
	info, err := os.Stat(f.path)
	if err != nil {
		return
	}
	size, path := info.Size(), f.path
	old := make([]byte, max(0, min(n, size-at)))
	if _, err := f.File.ReadAt(old, at); err != nil {
		return
	}
	f.l.change(path, func() {
		if _, err := os.Lstat(path); err != nil {
			for _, m := range f.l.moved { // Crash holds the lock
				if rest, below := strings.CutPrefix(path, m[0]+string(filepath.Separator)); below {
					path = filepath.Join(m[1], rest)
				}
			}
		}
		h, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return
		}
		defer h.Close()
		// Where there was nothing the blocks are empty; the length may have gone
		// to the disk before the data.
		_, _ = h.WriteAt(append(old, make([]byte, n-int64(len(old)))...), at)
		if at == size && n > 1 {
			_ = h.Truncate(size + n/2)
		}
	})
}

func (f *file) Sync() error {
	if err := f.l.Step("sync " + f.base()); err != nil {
		f.l.doom(f.path)
		return err
	}
	if err := f.File.Sync(); err != nil {
		return err
	}
	f.l.synced(f.path)
	return nil
}

func (f *file) Reserve(size int64) error {
	if err := f.l.Step("reserve " + f.base()); err != nil {
		return err
	}
	return f.File.Reserve(size)
}
