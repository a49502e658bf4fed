//go:build !linux

package host

import "syscall"

// childAttributes puts the child in its own process group. Here the child
// learns of qwill's end from its stdin alone.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
