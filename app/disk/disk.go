// Package disk is the few operations on files that a download is made of, so
// that tests can let each of them fail, or kill the process at it.
package disk

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// File is an open file of a download.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	// Sync returns when the data is on the disk.
	Sync() error
	// Reserve sets space aside for size bytes without changing the file's
	// length. File systems that cannot do so leave the file as it is.
	Reserve(size int64) error
}

// FS is a file system. Errors wrap those of package os.
type FS interface {
	// MkdirAll makes a folder for this user alone, and those above it.
	MkdirAll(path string) error
	// Open opens a file for reading and writing, making it for this user alone;
	// it does not follow a link.
	Open(path string) (File, error)
	Lstat(path string) (fs.FileInfo, error)
	ReadDir(path string) ([]fs.DirEntry, error)
	Remove(path string) error
	RemoveAll(path string) error
	Rename(from, to string) error
	// SyncDir makes renames and new names in a folder durable.
	SyncDir(path string) error
	// Free gives the bytes that are free for the user where path lies.
	Free(path string) (int64, error)
}

// OS is the system's own.
var OS FS = system{}

type system struct{}

type file struct{ *os.File }

func (f file) Reserve(size int64) error { return reserve(f.File, size) }

func (system) MkdirAll(path string) error { return os.MkdirAll(path, 0o700) }

func (system) Open(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	return file{f}, nil
}

func (system) Lstat(path string) (fs.FileInfo, error)     { return os.Lstat(path) }
func (system) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }
func (system) Remove(path string) error                   { return os.Remove(path) }
func (system) RemoveAll(path string) error                { return os.RemoveAll(path) }
func (system) Rename(from, to string) error               { return os.Rename(from, to) }

func (system) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync a folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync a folder: %w", err)
	}
	return nil
}

func (system) Free(path string) (int64, error) { return free(path) }
