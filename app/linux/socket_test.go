//go:build linux

package linux

import (
	"errors"
	"net"
	"os"
	"testing"

	"github.com/adrg/xdg"
)

func TestSocket(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	xdg.Reload()
	r := newRecorder()
	first, err := Listen("/home/a", "", r)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if info, err := os.Stat(socketPath("/home/a")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can reach the socket: %v, %v", info.Mode(), err)
	}
	for _, action := range []string{"", "quick-prompt"} {
		if _, err := Listen("/home/a", action, newRecorder()); !errors.Is(err, ErrRunning) {
			t.Errorf("second start: %v, want ErrRunning", err)
		}
		if got := receive(t, r.did); got != action {
			t.Errorf("the second start did %q, want %q", got, action)
		}
	}
	if _, err := Listen("/home/a", Background, newRecorder()); !errors.Is(err, ErrRunning) || len(r.did) != 0 {
		t.Errorf("a second start in the background: %v, did %d things", err, len(r.did))
	}
	other, err := Listen("/home/b", "", newRecorder())
	if err != nil {
		t.Fatalf("another folder is another Qwill: %v", err)
	}
	other.Close()

	// A killed Qwill leaves its socket behind.
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: socketPath("/home/c"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	next, err := Listen("/home/c", "", newRecorder())
	if err != nil {
		t.Fatalf("after a killed Qwill: %v", err)
	}
	next.Close()
}
