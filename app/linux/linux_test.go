//go:build linux

package linux

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"qwill/app/shell"
)

// TestMain runs the tests on a session bus of their own.
func TestMain(m *testing.M) {
	daemon := exec.Command("dbus-daemon", "--session", "--nofork", "--print-address")
	out, err := daemon.StdoutPipe()
	if err == nil {
		err = daemon.Start()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "these tests need dbus-daemon (build/setup.sh test installs it):", err)
		os.Exit(1)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		fmt.Fprintln(os.Stderr, "dbus-daemon gave no address:", err)
		os.Exit(1)
	}
	os.Setenv("DBUS_SESSION_BUS_ADDRESS", strings.TrimSpace(address))
	code := m.Run()
	daemon.Process.Kill()
	daemon.Wait()
	os.Exit(code)
}

type recorder struct {
	shown chan shell.Surface
	quit  chan bool
}

func newRecorder() *recorder { return &recorder{make(chan shell.Surface, 10), make(chan bool, 1)} }

func (r *recorder) Show(s shell.Surface) { r.shown <- s }
func (r *recorder) Clipboard() string    { return "copied" }
func (r *recorder) Quit()                { r.quit <- true }

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(5 * time.Second):
		t.Fatal("nothing came within 5 s")
		panic("unreachable")
	}
}

// watcher plays the panel: it takes the icons that register.
type watcher struct{ registered chan registration }

type registration struct{ sender, path string }

func (w watcher) RegisterStatusNotifierItem(path string, sender dbus.Sender) *dbus.Error {
	w.registered <- registration{string(sender), path}
	return nil
}

func connect(t *testing.T) *dbus.Conn {
	t.Helper()
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestTray(t *testing.T) {
	if HasTray() {
		t.Fatal("a tray without a panel")
	}
	panel := connect(t)
	w := watcher{make(chan registration, 1)}
	if err := panel.Export(w, "/StatusNotifierWatcher", watcherName); err != nil {
		t.Fatal(err)
	}
	if _, err := panel.RequestName(watcherName, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	if !HasTray() {
		t.Fatal("the panel is not seen")
	}

	r := newRecorder()
	var icon bytes.Buffer
	if err := png.Encode(&icon, image.NewRGBA(image.Rect(0, 0, 22, 22))); err != nil {
		t.Fatal(err)
	}
	tray := &Tray{Icon: icon.Bytes()}
	if err := tray.Start(shell.Menu([]shell.Command{{ID: "rewrite", Title: "Rewrite"}}, r)); err != nil {
		t.Fatal(err)
	}
	defer tray.Stop()
	item := receive(t, w.registered)

	ids := readMenu(t, panel, item)
	want := []string{"Open Qwill", "Quick Prompt", "Rewrite Copied Text", "Quit Qwill"}
	for _, label := range want {
		if _, ok := ids[label]; !ok {
			t.Errorf("the menu lacks %q: %v", label, ids)
		}
	}
	click(t, panel, item, ids["Quick Prompt"])
	if got := receive(t, r.shown); got != (shell.Surface{Surface: shell.Prompt}) {
		t.Errorf("Quick Prompt showed %v", got)
	}
	click(t, panel, item, ids["Rewrite Copied Text"])
	if got := receive(t, r.shown); got != (shell.Surface{Surface: shell.Prompt, Text: "copied", Command: "rewrite"}) {
		t.Errorf("Rewrite showed %v", got)
	}
	call := panel.Object(item.sender, dbus.ObjectPath(item.path)).Call("org.kde.StatusNotifierItem.Activate", 0, int32(0), int32(0))
	if call.Err != nil {
		t.Fatal(call.Err)
	}
	if got := receive(t, r.shown); got != (shell.Surface{Surface: shell.Main}) {
		t.Errorf("a click on the icon showed %v", got)
	}
	click(t, panel, item, ids["Quit Qwill"])
	receive(t, r.quit)
}

// readMenu gives the menu's labels and their ids, as a panel reads them.
func readMenu(t *testing.T, conn *dbus.Conn, item registration) map[string]int32 {
	t.Helper()
	var menu dbus.ObjectPath
	v, err := conn.Object(item.sender, dbus.ObjectPath(item.path)).GetProperty("org.kde.StatusNotifierItem.Menu")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Store(&menu); err != nil {
		t.Fatal(err)
	}
	var revision uint32
	var layout struct {
		ID         int32
		Properties map[string]dbus.Variant
		Children   []dbus.Variant
	}
	err = conn.Object(item.sender, menu).Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &layout)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]int32{}
	for _, child := range layout.Children {
		var line struct {
			ID         int32
			Properties map[string]dbus.Variant
			Children   []dbus.Variant
		}
		if err := dbus.Store([]any{child.Value()}, &line); err != nil {
			t.Fatal(err)
		}
		if label, ok := line.Properties["label"].Value().(string); ok && label != "" {
			ids[label] = line.ID
		}
	}
	return ids
}

func click(t *testing.T, conn *dbus.Conn, item registration, id int32) {
	t.Helper()
	v, err := conn.Object(item.sender, dbus.ObjectPath(item.path)).GetProperty("org.kde.StatusNotifierItem.Menu")
	if err != nil {
		t.Fatal(err)
	}
	call := conn.Object(item.sender, v.Value().(dbus.ObjectPath)).
		Call("com.canonical.dbusmenu.Event", 0, id, "clicked", dbus.MakeVariant(int32(0)), uint32(0))
	if call.Err != nil {
		t.Fatal(call.Err)
	}
}

type answerer struct{ opened chan string }

func (a answerer) Replace(command, text string) (string, error) {
	if text == "" {
		return "", shell.ErrEmpty
	}
	return command + ":" + text, nil
}
func (a answerer) Open(command, text string) { a.opened <- command + ":" + text }

func TestBus(t *testing.T) {
	home, r := t.TempDir(), newRecorder()
	bus, err := Connect(home, shell.Surface{Surface: shell.Main}, r)
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Stop()
	other := connect(t).Object(Name(home), busPath)

	// Before the commands are ready only Show works.
	if err := other.Call(busInterface+".Replace", 0, "rewrite", "hi").Err; err == nil {
		t.Error("Replace answered before Start")
	}
	a := answerer{make(chan string, 1)}
	if err := bus.Start(a); err != nil {
		t.Fatal(err)
	}
	var out string
	if err := other.Call(busInterface+".Replace", 0, "rewrite", "hi").Store(&out); err != nil || out != "rewrite:hi" {
		t.Errorf("Replace gave %q, %v", out, err)
	}
	if err := other.Call(busInterface+".Replace", 0, "rewrite", "").Err; err == nil || err.Error() != shell.ErrEmpty.Error() {
		t.Errorf("Replace of nothing: %v", err)
	}
	if err := other.Call(busInterface+".Open", 0, "reply", "hi").Err; err != nil {
		t.Error(err)
	}
	if got := receive(t, a.opened); got != "reply:hi" {
		t.Errorf("Open gave %q", got)
	}
	if err := other.Call(busInterface+".Show", 0, "cellar", "").Err; err == nil {
		t.Error("an unknown surface was accepted")
	}

	// A second start reaches the first one; another folder is another Qwill.
	second := shell.Surface{Surface: shell.Prompt, Text: "from the second"}
	if _, err := Connect(home, second, newRecorder()); !errors.Is(err, ErrRunning) {
		t.Errorf("second start: %v, want ErrRunning", err)
	}
	if got := receive(t, r.shown); got != second {
		t.Errorf("the second start showed %v", got)
	}
	elsewhere, err := Connect(t.TempDir(), second, newRecorder())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.Stop()
}

func TestName(t *testing.T) {
	names := []string{Name(""), Name("/a"), Name("/b")}
	slices.Sort(names)
	if len(slices.Compact(names)) != 3 {
		t.Errorf("names are not distinct: %v", names)
	}
}
