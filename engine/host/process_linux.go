package host

import "syscall"

// childAttributes puts the child in its own process group and has the kernel
// kill it when the thread that started it ends, which is when qwill does.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
