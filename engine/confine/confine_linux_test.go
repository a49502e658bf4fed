package confine

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The filter cannot be taken off again, so it is tried in a process of its own.
func TestApply(t *testing.T) {
	if os.Getenv("QWILL_TEST_CONFINE") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestApply$", "-test.v")
		cmd.Env = append(os.Environ(), "QWILL_TEST_CONFINE=1")
		out, err := cmd.CombinedOutput()
		if bytes.Contains(out, []byte("install the seccomp filter")) {
			t.Skipf("no seccomp on this kernel: %s", out)
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	// Threads that exist before the filter must be bound by it as well.
	ask, answers := make(chan struct{}), make(chan error, 8)
	var ready sync.WaitGroup
	for range 8 {
		ready.Add(1)
		go func() {
			ready.Done()
			<-ask
			_, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_DGRAM, 0)
			answers <- err
		}()
	}
	ready.Wait()
	c := Apply()
	if !strings.HasPrefix(c.Network, "refused") {
		t.Fatal(c)
	}
	close(ask)
	for range 8 {
		if err := <-answers; !errors.Is(err, syscall.EACCES) {
			t.Errorf("an IPv6 socket: %v", err)
		}
	}
	if conn, err := net.Dial("tcp", "127.0.0.1:9"); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("dial: %v %v", conn, err)
	}
	if fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0); err != nil {
		t.Errorf("a local socket: %v", err)
	} else {
		syscall.Close(fd)
	}
	if out, err := exec.Command("/bin/sh", "-c", "exec 3<>/dev/tcp/127.0.0.1/9").CombinedOutput(); err == nil {
		t.Errorf("a process started from here reaches the network: %s", out)
	}
	if _, err := os.ReadFile("/proc/self/status"); err != nil {
		t.Error(err)
	}
}
