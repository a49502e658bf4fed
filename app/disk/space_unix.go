//go:build unix

package disk

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// free gives the bytes that are free for the user where path lies.
func free(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, fmt.Errorf("ask for the free space: %w", err)
	}
	n := uint64(s.Bavail) * uint64(s.Bsize)
	if n > math.MaxInt64 {
		return math.MaxInt64, nil
	}
	return int64(n), nil
}
