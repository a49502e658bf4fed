//go:build linux

package linux

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/adrg/xdg"
)

// socketTime bounds what another start says and hears.
const socketTime = 5 * time.Second

// Socket is how a second start reaches the first one where they share no
// session bus: a socket in the user's own run-time folder.
type Socket struct{ listener net.Listener }

// socketPath is for the Qwill whose data lies in the folder home, "" when the
// session has no run-time folder.
func socketPath(home string) string {
	if xdg.RuntimeDir == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(home))
	return filepath.Join(xdg.RuntimeDir, "qwill-"+hex.EncodeToString(sum[:6]))
}

// Listen takes the socket. When another process answers there, that one is
// asked to do the action, as Connect does, and the error is ErrRunning.
func Listen(home, action string, do Doer) (*Socket, error) {
	path := socketPath(home)
	if path == "" {
		return nil, errors.New("there is no run-time folder (XDG_RUNTIME_DIR)")
	}
	if ask(path, action) {
		return nil, ErrRunning
	}
	// What lies there belongs to a process that was killed.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	go answer(l, do)
	return &Socket{l}, nil
}

// ask hands an action to the Qwill that listens at path; false when there is
// none.
func ask(path, action string) bool {
	c, err := net.DialTimeout("unix", path, socketTime)
	if err != nil {
		return false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(socketTime))
	if _, err := c.Write([]byte(action + "\n")); err != nil {
		return false
	}
	said, err := bufio.NewReader(c).ReadString('\n')
	return err == nil && said == "ok\n"
}

func answer(l net.Listener, do Doer) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // closed
		}
		go func() {
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(socketTime))
			action, err := bufio.NewReaderSize(c, 256).ReadString('\n')
			if err != nil || len(action) > 256 {
				return
			}
			if action = strings.TrimSuffix(action, "\n"); action != Background {
				do.Do(action)
			}
			_, _ = c.Write([]byte("ok\n")) // who asked may have gone
		}()
	}
}

// Close gives the socket up.
func (s *Socket) Close() { s.listener.Close() }
