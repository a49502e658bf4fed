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
	did   chan string
}

func newRecorder() *recorder {
	return &recorder{make(chan shell.Surface, 10), make(chan bool, 1), make(chan string, 10)}
}

func (r *recorder) Show(s shell.Surface)  { r.shown <- s }
func (r *recorder) Clipboard() string     { return "copied" }
func (r *recorder) StopWriting()          {}
func (r *recorder) Unload()               {}
func (r *recorder) Quit()                 { r.quit <- true }
func (r *recorder) Do(action string) bool { r.did <- action; return action != "explode" }

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
	commands := []shell.Command{{ID: "rewrite", Title: "Rewrite"}}
	status := shell.Status{State: shell.StateIdle}
	if err := tray.Start(shell.Menu(status, commands, r), status.State); err != nil {
		t.Fatal(err)
	}
	defer tray.Stop()
	item := receive(t, w.registered)

	ids := readMenu(t, panel, item)
	for _, label := range []string{"Open Qwill", "Asleep until needed", "Quick Prompt", "Rewrite", "Settings…", "Quit Qwill"} {
		if _, ok := ids[label]; !ok {
			t.Errorf("the menu lacks %q: %v", label, ids)
		}
	}
	for _, label := range []string{"Recent Chats", "Stop Writing", "Free the Model’s Memory"} {
		if _, ok := ids[label]; ok {
			t.Errorf("the menu has %q", label)
		}
	}
	click(t, panel, item, ids["Quick Prompt"])
	if got := receive(t, r.shown); got != (shell.Surface{Surface: shell.Prompt}) {
		t.Errorf("Quick Prompt showed %v", got)
	}
	click(t, panel, item, ids["Rewrite"])
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

	// The language and the state change; ids stay, so that an open menu is right.
	before := pixels(t, panel, item)
	status = shell.Status{Language: "zh-Hans", State: shell.StateWriting, Recent: []shell.Chat{{ID: "7", Title: "海"}}}
	tray.Update(shell.Menu(status, commands, r), status.State)
	now := readMenu(t, panel, item)
	for label, same := range map[string]string{"打开 Qwill": "Open Qwill", "正在书写…": "Asleep until needed", "改写": "Rewrite", "退出 Qwill": "Quit Qwill"} {
		if now[label] == 0 || now[label] != ids[same] {
			t.Errorf("%q is %d, %q was %d: %v", label, now[label], same, ids[same], now)
		}
	}
	if now["停止书写"] == 0 {
		t.Errorf("nothing stops the writing: %v", now)
	}
	click(t, panel, item, now["海"])
	if got := receive(t, r.shown); got != (shell.Surface{Surface: shell.Main, Open: shell.OpenChat, Chat: "7"}) {
		t.Errorf("a recent chat showed %v", got)
	}
	if bytes.Equal(before, pixels(t, panel, item)) {
		t.Error("the icon does not show that Qwill writes")
	}
	click(t, panel, item, now["退出 Qwill"])
	receive(t, r.quit)
}

// property reads one of the tray icon's properties.
func property(t *testing.T, conn *dbus.Conn, item registration, name string, into any) {
	t.Helper()
	v, err := conn.Object(item.sender, dbus.ObjectPath(item.path)).GetProperty("org.kde.StatusNotifierItem." + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := dbus.Store([]any{v.Value()}, into); err != nil {
		t.Fatal(err)
	}
}

func pixels(t *testing.T, conn *dbus.Conn, item registration) []byte {
	t.Helper()
	var icons []struct {
		W, H int32
		Pix  []byte
	}
	property(t, conn, item, "IconPixmap", &icons)
	return icons[0].Pix
}

// readMenu gives the visible lines and their ids, as a panel reads them: the
// whole layout twice, for the first answer leaves submenus out.
func readMenu(t *testing.T, conn *dbus.Conn, item registration) map[string]int32 {
	t.Helper()
	var menu dbus.ObjectPath
	property(t, conn, item, "Menu", &menu)
	ids := map[string]int32{}
	for range 2 {
		var revision uint32
		var layout menuLine
		err := conn.Object(item.sender, menu).Call("com.canonical.dbusmenu.GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &layout)
		if err != nil {
			t.Fatal(err)
		}
		collect(t, layout, ids)
	}
	return ids
}

type menuLine struct {
	ID         int32
	Properties map[string]dbus.Variant
	Children   []dbus.Variant
}

func collect(t *testing.T, line menuLine, ids map[string]int32) {
	t.Helper()
	if visible, ok := line.Properties["visible"].Value().(bool); ok && !visible {
		return
	}
	if label, ok := line.Properties["label"].Value().(string); ok && label != "" {
		ids[label] = line.ID
	}
	for _, child := range line.Children {
		var next menuLine
		if err := dbus.Store([]any{child.Value()}, &next); err != nil {
			t.Fatal(err)
		}
		collect(t, next, ids)
	}
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
	bus, err := Connect(home, "", r)
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

	var xml string
	if err := other.Call("org.freedesktop.DBus.Introspectable.Introspect", 0).Store(&xml); err != nil ||
		!strings.Contains(xml, `"ActivateAction"`) || !strings.Contains(xml, `"Replace"`) || !strings.Contains(xml, `"a{sv}"`) {
		t.Errorf("described as %s, %v", xml, err)
	}

	// Launchers ask by the Desktop Entry Specification.
	none := map[string]dbus.Variant{}
	for _, call := range []struct {
		method string
		args   []any
		want   string
	}{
		{"Activate", []any{none}, ""},
		{"Open", []any{[]string{"file:///tmp/a"}, none}, ""},
		{"ActivateAction", []any{"new-chat", []dbus.Variant{}, none}, "new-chat"},
		{"ActivateAction", []any{"command-rewrite", []dbus.Variant{}, none}, "command.rewrite"},
	} {
		if err := other.Call(appInterface+"."+call.method, 0, call.args...).Err; err != nil {
			t.Errorf("%s%v: %v", call.method, call.args, err)
		} else if got := receive(t, r.did); got != call.want {
			t.Errorf("%s%v did %q", call.method, call.args, got)
		}
	}
	if err := other.Call(appInterface+".ActivateAction", 0, "explode", []dbus.Variant{}, none).Err; err == nil {
		t.Error("an unknown action was accepted")
	}
	receive(t, r.did)

	// A second start reaches the first one; another folder is another Qwill.
	for _, action := range []string{"quick-prompt", ""} {
		if _, err := Connect(home, action, newRecorder()); !errors.Is(err, ErrRunning) {
			t.Errorf("second start: %v, want ErrRunning", err)
		}
		if got := receive(t, r.did); got != action && got != shell.Main {
			t.Errorf("the second start did %q", got)
		}
	}
	if _, err := Connect(home, Background, newRecorder()); !errors.Is(err, ErrRunning) || len(r.did) != 0 {
		t.Errorf("a second start in the background: %v, did %d things", err, len(r.did))
	}
	elsewhere, err := Connect(t.TempDir(), "", newRecorder())
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
