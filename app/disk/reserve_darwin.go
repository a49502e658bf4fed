package disk

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// reserve sets disk space aside for a file's bytes without changing its length.
// File systems that cannot do so are left as they are.
func reserve(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil || size <= info.Size() {
		return err
	}
	err = unix.FcntlFstore(f.Fd(), unix.F_PREALLOCATE, &unix.Fstore_t{
		Flags: unix.F_ALLOCATEALL, Posmode: unix.F_PEOFPOSMODE, Length: size - info.Size()})
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return err
	}
	return nil
}
