package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"qwill/app/errs"
)

// Ways by which an imported model's files are here.
const (
	// Pointed: the entry leads to the folder where the files lie, and is
	// missing when that goes.
	Pointed = "link"
	// Cloned: our own files that share their blocks with the originals until
	// either is written. They outlive the originals.
	Cloned = "clone"
	// Shared: a second name of the same file. It outlives the original's
	// deletion or replacement; only writing into the original changes it, which
	// verifying shows.
	Shared = "hardlink"
	// Copied: bytes of our own.
	Copied = "copy"
)

// How to bring files in; "" is the best that needs no space: clone, then hard
// link, then (of a folder) the link.
const (
	HowAuto  = ""
	HowLink  = "link"
	HowClone = "clone" // or hard link; never a link to the folder
	HowCopy  = "copy"
)

// errOther says that two places cannot share bytes.
var errOther = errors.New("the places share no file system")

// share makes target a clone or a hard link of source, both plain files.
func share(source, target string) (string, error) {
	if cloneFile(source, target) == nil {
		return Cloned, nil
	}
	os.Remove(target) // what a failed clone left
	if err := os.Link(source, target); err != nil {
		return "", fmt.Errorf("%w: %w", errOther, err)
	}
	return Shared, nil
}

// copyStep is how much is copied between two looks at ctx, in bytes.
const copyStep = 1 << 20

// copyFile writes source's bytes to target, which does not exist yet, hashing
// them on the way, and syncs it. It fails when source ends early or late.
func copyFile(ctx context.Context, source, target string, tell func(n int64)) (Sums, error) {
	in, err := os.Open(source)
	if err != nil {
		return Sums{}, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return Sums{}, err
	}
	out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Sums{}, err
	}
	defer out.Close()
	h := NewHasher(info.Size())
	buf := make([]byte, copyStep)
	for {
		if ctx.Err() != nil {
			return Sums{}, context.Cause(ctx)
		}
		n, err := in.Read(buf)
		if n > 0 {
			h.Write(buf[:n])
			if _, err := out.Write(buf[:n]); err != nil {
				return Sums{}, err
			}
			if tell != nil {
				tell(int64(n))
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Sums{}, err
		}
	}
	if err := out.Sync(); err != nil {
		return Sums{}, err
	}
	if h.n != info.Size() {
		return Sums{}, fmt.Errorf("%s changed while it was read", filepath.Base(source))
	}
	return h.Sums(), out.Close()
}

// diskFault says what a failed disk operation means for the user. path is the
// file or folder concerned; doing completes "Qwill could not".
func diskFault(err error, path, doing string) error {
	if _, typed := errors.AsType[*errs.Error](err); typed || errors.Is(err, context.Canceled) {
		return err
	}
	is := func(all ...error) bool {
		for _, e := range all {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
	var e *errs.Error
	switch {
	case is(syscall.ENOSPC, syscall.EDQUOT):
		e = errs.New(errs.DiskFull, 507, "There is not enough space to %s.", doing).Try("free some space there and begin again; nothing half done was kept")
	case is(syscall.EFBIG):
		e = errs.New(errs.Invalid, 422, "The disk cannot hold so large a file.").Try("format it as exFAT or with another file system that takes files over 4 GiB")
	case is(syscall.EROFS):
		e = errs.New(errs.ReadOnly, 409, "The disk is read-only, so Qwill could not %s.", doing).Try("allow writing on it, or choose another place")
	case is(syscall.EIO, syscall.ENODEV, syscall.ENXIO, syscall.ESTALE, syscall.ENOTCONN):
		e = errs.New(errs.ModelMissing, 409, "The disk went away or failed, so Qwill could not %s.", doing).Try("connect it again and begin again; nothing half done is used")
	case is(fs.ErrNotExist):
		e = errs.New(errs.ModelMissing, 409, "A file or folder is gone, so Qwill could not %s.", doing).Try("connect its disk again, or check the path")
	case is(fs.ErrPermission):
		e = errs.New(errs.Invalid, 403, "Qwill may not %s there.", doing).Try("check the permissions, or choose another place")
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return e.At(path).Because(err)
}
