//go:build linux

// Package windowtest drives the real window: Xvfb, a window manager, a session
// bus, and a keyboard. `make test` runs it with QWILL_WINDOW=1.
package windowtest

import (
	"bufio"
	"bytes"
	"cmp"
	"database/sql"
	"fmt"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

const root = "../../.."

// session is one display with a session bus and a window manager.
type session struct {
	t       *testing.T
	env     []string
	display string
	home    string // Qwill's data, kept over restarts
}

func newSession(t *testing.T, home string) *session {
	t.Helper()
	s := &session{t: t, home: home}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "1280x900x24", "-nolisten", "tcp")
	x.ExtraFiles = []*os.File{w}
	s.daemon(x)
	w.Close()
	s.display = ":" + line(t, r)

	bus := exec.Command("dbus-daemon", "--session", "--nofork", "--print-address")
	out, err := bus.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.daemon(bus)
	s.env = append(os.Environ(), "DISPLAY="+s.display, "DBUS_SESSION_BUS_ADDRESS="+line(t, out),
		"QWILL_HOME="+home, "XDG_RUNTIME_DIR="+t.TempDir(), "GDK_BACKEND=x11", "LC_ALL=C.UTF-8", "GTK_A11Y=none", "NO_AT_BRIDGE=1")
	manager := exec.Command("openbox")
	manager.Env = s.env
	s.daemon(manager)
	return s
}

// daemon starts a helper and ends it with the test.
func (s *session) daemon(cmd *exec.Cmd) {
	s.t.Helper()
	if err := cmd.Start(); err != nil {
		s.t.Fatalf("%v (build/setup.sh test installs what the tests need)", err)
	}
	s.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

func line(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

// app is a running Qwill.
type app struct {
	*session
	cmd    *exec.Cmd
	output *bytes.Buffer
	ended  chan struct{}
}

func (s *session) start(args ...string) *app {
	s.t.Helper()
	a := &app{session: s, output: &bytes.Buffer{}, ended: make(chan struct{})}
	a.cmd = s.command(cmp.Or(os.Getenv("QWILL_BINARY"), filepath.Join(root, "build/bin/qwill")), args...)
	a.cmd.Stdout, a.cmd.Stderr = a.output, a.output
	a.cmd.WaitDelay = time.Second
	if err := a.cmd.Start(); err != nil {
		s.t.Fatalf("%v (make build first)", err)
	}
	go func() { a.cmd.Wait(); close(a.ended) }()
	s.t.Cleanup(func() {
		a.cmd.Process.Kill()
		<-a.ended
		if s.t.Failed() {
			s.t.Logf("qwill %v said:\n%s", args, a.output)
		}
	})
	return a
}

func (s *session) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = s.env
	return cmd
}

// run gives a command's output; a failing command gives what it printed.
func (s *session) run(name string, args ...string) string {
	out, err := s.command(name, args...).Output()
	if err != nil && len(out) == 0 {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// must is run for commands that have to succeed.
func (s *session) must(name string, args ...string) {
	s.t.Helper()
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// wait polls until ok, or fails the test after the limit.
func (s *session) wait(limit time.Duration, what string, ok func() bool) time.Duration {
	s.t.Helper()
	start := time.Now()
	for !ok() {
		if time.Since(start) > limit {
			s.photo("failed-" + strings.ReplaceAll(s.t.Name(), "/", "-"))
			s.t.Fatalf("waited %v for: %s", limit, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
	return time.Since(start)
}

// window gives the visible window's id, "" when there is none.
func (s *session) window() string {
	first, _, _ := strings.Cut(s.run("xdotool", "search", "--onlyvisible", "--name", "^Qwill$"), "\n")
	return first
}

// size gives the visible window's size.
func (s *session) size() (width, height int) {
	for _, l := range strings.Split(s.run("xdotool", "getwindowgeometry", "--shell", s.window()), "\n") {
		name, value, _ := strings.Cut(l, "=")
		n, _ := strconv.Atoi(value)
		switch name {
		case "WIDTH":
			width = n
		case "HEIGHT":
			height = n
		}
	}
	return width, height
}

func (s *session) active() bool {
	w := s.window()
	return w != "" && s.run("xdotool", "getactivewindow") == w
}

func (s *session) key(keys ...string) {
	s.t.Helper()
	s.must("xdotool", append([]string{"key"}, keys...)...)
}
func (s *session) typeText(text string) {
	s.t.Helper()
	s.must("xdotool", "type", "--delay", "15", text)
}

// photo writes a picture of the screen and gives its path.
func (s *session) photo(name string) string {
	s.t.Helper()
	dir := filepath.Join(root, "build/out/screens")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(dir, name+".png")
	target := "root"
	if w := s.window(); w != "" {
		target = w
	}
	s.must("import", "-display", s.display, "-window", target, file)
	return file
}

// picture is a photo that the README shows; QWILL_SCREENS=1 takes it anew.
func (s *session) picture(name string) {
	s.t.Helper()
	file := s.photo(name)
	if os.Getenv("QWILL_SCREENS") == "" {
		return
	}
	dir := filepath.Join(root, "docs/screens")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.must("convert", file, "-strip", "-define", "png:compression-level=9", filepath.Join(dir, "window-"+name+".png"))
}

// colours counts a picture's distinct colours: a blank window has one or two.
func colours(t *testing.T, file string) int {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y += 2 {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x += 2 {
			r, g, b, _ := img.At(x, y).RGBA()
			seen[fmt.Sprint(r, g, b)] = true
		}
	}
	return len(seen)
}

// message is a row of the chat, as another process sees it.
type message struct{ role, content, status string }

func (s *session) messages() []message {
	s.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(s.home, "data", "qwill.db")+"?mode=ro")
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT role, content, status FROM messages ORDER BY seq")
	if err != nil {
		return nil // not yet made
	}
	defer rows.Close()
	var all []message
	for rows.Next() {
		var m message
		if err := rows.Scan(&m.role, &m.content, &m.status); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// setting stores one of the settings, as JSON, while Qwill is not open.
func (s *session) setting(name, value string) {
	s.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(s.home, "data", "qwill.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value); err != nil {
		s.t.Fatal(err)
	}
}

// busName gives Qwill's name on the session bus, "" when it is not there.
func (s *session) busName() string {
	for _, name := range strings.FieldsFunc(s.run("gdbus", "call", "--session", "--dest", "org.freedesktop.DBus", "--object-path",
		"/org/freedesktop/DBus", "--method", "org.freedesktop.DBus.ListNames"), func(r rune) bool { return strings.ContainsRune("(['], )", r) }) {
		if strings.HasPrefix(name, "org.qwill.Qwill") {
			return name
		}
	}
	return ""
}

func (s *session) last() message {
	all := s.messages()
	if len(all) == 0 {
		return message{}
	}
	return all[len(all)-1]
}

// engine gives the process id of this app's engine, 0 when there is none.
func (a *app) engine() int {
	first, _, _ := strings.Cut(a.run("pgrep", "-P", strconv.Itoa(a.cmd.Process.Pid), "qwill-engine"), "\n")
	pid, _ := strconv.Atoi(first)
	return pid
}

// gone tells whether a process has ended.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

func (a *app) signal(sig syscall.Signal) {
	a.t.Helper()
	if err := a.cmd.Process.Signal(sig); err != nil {
		a.t.Fatal(err)
	}
}

func (a *app) ends(limit time.Duration) {
	a.t.Helper()
	select {
	case <-a.ended:
	case <-time.After(limit):
		a.t.Fatalf("Qwill did not end within %v", limit)
	}
}
