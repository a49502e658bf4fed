package catalogue

import "golang.org/x/sys/unix"

// Memory gives the machine's memory in bytes, 0 if unknown.
func Memory() int64 {
	n, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(n)
}
