package confine

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Fields of struct seccomp_data, see linux/seccomp.h.
const (
	dataNumber  = 0
	dataArch    = 4
	dataArg0Low = 16
)

// x32Bit marks calls of the x32 ABI, which has numbers of its own for the same
// calls.
const x32Bit = 0x40000000

// Apply refuses every socket but local ones (AF_UNIX) to all threads of the
// process, for good, and to what it might start. Call it before anything reads
// foreign data.
func Apply() Confined {
	c := Confined{Network: "refused (seccomp)", Files: "not confined"}
	if err := refuseNetwork(); err != nil {
		c.Network = "not confined: " + err.Error()
	}
	return c
}

func refuseNetwork() error {
	var arch uint32
	switch runtime.GOARCH {
	case "amd64":
		arch = unix.AUDIT_ARCH_X86_64
	case "arm64":
		arch = unix.AUDIT_ARCH_AARCH64
	default:
		return fmt.Errorf("no filter for %s", runtime.GOARCH)
	}
	const (
		load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		least = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		ret   = unix.BPF_RET | unix.BPF_K
		deny  = unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)
	)
	// Jump counts are relative to the next instruction.
	program := []unix.SockFilter{
		{Code: load, K: dataArch},
		{Code: equal, K: arch, Jt: 1},
		{Code: ret, K: deny}, // a call of another ABI
		{Code: load, K: dataNumber},
		{Code: least, K: x32Bit, Jt: 4},
		{Code: equal, K: unix.SYS_IO_URING_SETUP, Jt: 3}, // makes sockets without socket()
		{Code: equal, K: unix.SYS_SOCKET, Jf: 3},
		{Code: load, K: dataArg0Low},
		{Code: equal, K: unix.AF_UNIX, Jt: 1},
		{Code: ret, K: deny},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	}
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no_new_privs: %w", err)
	}
	// TSYNC gives the filter and no_new_privs to the threads that exist already.
	thread, _, errno := syscall.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return fmt.Errorf("install the seccomp filter: %w", errno)
	}
	if thread != 0 {
		return fmt.Errorf("install the seccomp filter: thread %d cannot take it", thread)
	}
	return check()
}

// check sees that the filter does what it should.
func check() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.Close(fd)
		return errors.New("the seccomp filter has no effect here")
	}
	if !errors.Is(err, unix.EACCES) {
		return fmt.Errorf("the seccomp filter answers otherwise: %w", err)
	}
	return nil
}
