package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve sets disk space aside for a file's bytes without changing its length.
// File systems that cannot do so are left as they are.
func reserve(f *os.File, size int64) error {
	if size <= 0 {
		return nil
	}
	err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return err
	}
	return nil
}
