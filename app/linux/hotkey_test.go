//go:build linux

package linux

import (
	"bufio"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"qwill/app/linux/keys"
	"qwill/app/shell"
	"qwill/app/shortcut"
)

func TestTrigger(t *testing.T) {
	for name, want := range map[string]string{
		"Ctrl+Alt+Space": "CTRL+ALT+space", "Super+J": "LOGO+j", "Shift+F5": "SHIFT+F5", "Ctrl+Alt+Shift+Super+Enter": "CTRL+ALT+SHIFT+LOGO+Return",
		"Ctrl+7": "CTRL+7", "Ctrl+Comma": "CTRL+comma",
	} {
		s, err := shortcut.Parse(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := trigger(s); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	seen := map[uint32]string{}
	for _, key := range shortcut.Keys {
		k := symOf(key)
		if k.name == "" || k.sym == 0 || seen[k.sym] != "" {
			t.Errorf("%s is %+v, as %s", key, k, seen[k.sym])
		}
		seen[k.sym] = key
	}
}

func TestLayout(t *testing.T) {
	// Keys 8 to 12, two symbols each: a and A, a Cyrillic letter over a, Alt,
	// Num Lock, Super.
	l := keys.Layout{First: 8, Columns: 2, Syms: []xproto.Keysym{0x61, 0x41, 0x6c6, 0x61, 0xffe9, 0, 0xff7f, 0, 0xffeb, 0}, // Alt, Num Lock, Super
		PerModifier: 1, Modifiers: []xproto.Keycode{0, 0, 0, 10, 0, 11, 12, 0}}
	if got := l.Codes(0x61); !slices.Equal(got, []xproto.Keycode{8}) {
		t.Errorf("a is on %v", got)
	}
	l2 := l
	l2.Syms = []xproto.Keysym{0x6c6, 0x61}
	if got := l2.Codes(0x61); !slices.Equal(got, []xproto.Keycode{8}) {
		t.Errorf("in the second group a is on %v", got)
	}
	s := shortcut.Shortcut{Alt: true, Super: true}
	want := []uint16{1<<3 | 1<<6, 1<<3 | 1<<6 | xproto.ModMaskLock, 1<<3 | 1<<6 | 1<<5, 1<<3 | 1<<6 | xproto.ModMaskLock | 1<<5}
	if got := masks(l, s); !slices.Equal(got, want) {
		t.Errorf("masks %b, want %b", got, want)
	}
}

// desktop plays the portal: it speaks the protocol and answers as told.
type desktop struct {
	conn     *dbus.Conn
	answer   uint32 // to BindShortcuts
	keys     string
	bound    chan map[string]dbus.Variant
	sessions chan dbus.ObjectPath
	ended    chan bool
}

func (d *desktop) handle(sender dbus.Sender, token string) dbus.ObjectPath {
	return portalPath + "/request/" + dbus.ObjectPath(strings.ReplaceAll(strings.TrimPrefix(string(sender), ":"), ".", "_")+"/"+token)
}

func (d *desktop) respond(handle dbus.ObjectPath, code uint32, results map[string]dbus.Variant) {
	go func() { // after the call's own answer, as a real portal does
		time.Sleep(20 * time.Millisecond)
		d.conn.Emit(handle, portalRequest+".Response", code, results)
	}()
}

func (d *desktop) CreateSession(options map[string]dbus.Variant, sender dbus.Sender) (dbus.ObjectPath, *dbus.Error) {
	handle := d.handle(sender, options["handle_token"].Value().(string))
	session := dbus.ObjectPath("/org/freedesktop/portal/desktop/session/" + options["session_handle_token"].Value().(string))
	d.conn.Export(closer{d.ended}, session, portalSession)
	d.respond(handle, 0, map[string]dbus.Variant{"session_handle": dbus.MakeVariant(string(session))})
	return handle, nil
}

func (d *desktop) BindShortcuts(session dbus.ObjectPath, all []portalBinding, _ string, options map[string]dbus.Variant, sender dbus.Sender) (dbus.ObjectPath, *dbus.Error) {
	handle := d.handle(sender, options["handle_token"].Value().(string))
	data := all[0].Data
	data["id"] = dbus.MakeVariant(all[0].ID)
	d.bound <- data
	d.sessions <- session
	d.respond(handle, d.answer, map[string]dbus.Variant{"shortcuts": dbus.MakeVariant([]portalBinding{
		{all[0].ID, map[string]dbus.Variant{"trigger_description": dbus.MakeVariant(d.keys)}}})})
	return handle, nil
}

type closer struct{ ended chan bool }

func (c closer) Close() *dbus.Error { c.ended <- true; return nil }

// properties has the one that tells of the portal.
type properties struct{}

func (properties) Get(string, string) (dbus.Variant, *dbus.Error) {
	return dbus.MakeVariant(uint32(1)), nil
}

func newPortal(t *testing.T, answer uint32, keys string) *desktop {
	t.Helper()
	d := &desktop{conn: connect(t), answer: answer, keys: keys, bound: make(chan map[string]dbus.Variant, 4),
		sessions: make(chan dbus.ObjectPath, 4), ended: make(chan bool, 4)}
	for name, object := range map[string]any{portalShortcuts: d, "org.freedesktop.DBus.Properties": properties{}} {
		if err := d.conn.Export(object, portalPath, name); err != nil {
			t.Fatal(err)
		}
	}
	// The bus may still be busy with the end of the portal of the test before.
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		reply, err := d.conn.RequestName(portalName, dbus.NameFlagDoNotQueue)
		if err == nil && reply == dbus.RequestNameReplyPrimaryOwner {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(reply, err)
		}
	}
	return d
}

func newHotkey(t *testing.T) (h *Hotkey, states chan shell.Hotkey, presses chan bool) {
	t.Helper()
	states, presses = make(chan shell.Hotkey, 10), make(chan bool, 10)
	h = &Hotkey{Press: func() { presses <- true }, Tell: func(s shell.Hotkey) { states <- s }}
	t.Cleanup(h.Stop)
	return h, states, presses
}

func TestHotkeyByPortal(t *testing.T) {
	d := newPortal(t, 0, "Ctrl+Alt+Space")
	h, states, presses := newHotkey(t)
	h.Set(true, "Ctrl+Alt+Space", "Quick prompt")
	bound := receive(t, d.bound)
	if bound["id"].Value() != portalShortcut || bound["preferred_trigger"].Value() != "CTRL+ALT+space" || bound["description"].Value() != "Quick prompt" {
		t.Errorf("asked for %v", bound)
	}
	if got := receive(t, states); got != (shell.Hotkey{State: shell.HotkeyActive, Via: "portal", Hotkey: "Ctrl+Alt+Space"}) {
		t.Errorf("state %+v", got)
	}
	session := receive(t, d.sessions)
	activate := func(session dbus.ObjectPath, id string) {
		d.conn.Emit(portalPath, portalShortcuts+".Activated", session, id, uint64(1), map[string]dbus.Variant{})
	}
	activate("/other/session", portalShortcut)
	activate(session, "another")
	activate(session, portalShortcut)
	activate(session, portalShortcut) // the key repeats
	receive(t, presses)
	d.conn.Emit(portalPath, portalShortcuts+".ShortcutsChanged", session, []portalBinding{
		{portalShortcut, map[string]dbus.Variant{"trigger_description": dbus.MakeVariant("Super+J")}}})
	if got := receive(t, states); got.Hotkey != "Super+J" || got.State != shell.HotkeyActive {
		t.Errorf("after other keys were chosen: %+v", got)
	}
	if len(presses) != 0 {
		t.Error("a foreign or repeated press counted")
	}

	h.Set(true, "Ctrl+Alt+Space", "Quick prompt") // the same: nothing happens
	h.Set(true, "Super+K", "Quick prompt")
	receive(t, d.ended)
	if bound := receive(t, d.bound); bound["preferred_trigger"].Value() != "LOGO+k" {
		t.Errorf("then asked for %v", bound)
	}
	receive(t, states)
	h.Set(false, "Super+K", "Quick prompt")
	receive(t, d.ended)
	if got := receive(t, states); got.State != shell.HotkeyOff {
		t.Errorf("when disabled: %+v", got)
	}
	activate(receive(t, d.sessions), portalShortcut)
	time.Sleep(50 * time.Millisecond)
	if len(presses) != 0 {
		t.Error("a press counted after the shortcut was disabled")
	}
}

func TestHotkeyEndedByPortal(t *testing.T) {
	d := newPortal(t, 0, "Super+J")
	h, states, _ := newHotkey(t)
	h.Set(true, "Super+J", "Quick prompt")
	receive(t, states)
	d.conn.Emit(receive(t, d.sessions), portalSession+".Closed")
	if got := receive(t, states); got.State != shell.HotkeyDenied || got.Message == "" {
		t.Errorf("after the desktop ended it: %+v", got)
	}
}

func TestHotkeyRefusedByPortal(t *testing.T) {
	newPortal(t, 1, "")
	h, states, _ := newHotkey(t)
	h.Set(true, "Super+J", "Quick prompt")
	if got := receive(t, states); got.State != shell.HotkeyDenied || got.Via != "portal" {
		t.Errorf("refused: %+v", got)
	}
}

func TestHotkeyWithoutKeysByPortal(t *testing.T) {
	newPortal(t, 0, "")
	h, states, _ := newHotkey(t)
	h.Set(true, "Super+J", "Quick prompt")
	if got := receive(t, states); got.State != shell.HotkeyTaken || got.Via != "portal" {
		t.Errorf("without keys: %+v", got)
	}
}

func TestHotkeyUnavailable(t *testing.T) {
	t.Setenv("WAYLAND_DISPLAY", "wayland-9")
	h, states, _ := newHotkey(t)
	h.Set(true, "Super+J", "Quick prompt")
	if got := receive(t, states); got.State != shell.HotkeyUnavailable || !strings.Contains(got.Message, "qwill --prompt") {
		t.Errorf("on Wayland without a portal: %+v", got)
	}
	h.Set(true, "Super+Banana", "Quick prompt")
	if got := receive(t, states); got.State != shell.HotkeyUnavailable || !strings.Contains(got.Message, "banana") {
		t.Errorf("an unknown key: %+v", got)
	}
	h.Set(true, "", "Quick prompt")
	if got := receive(t, states); got.State != shell.HotkeyOff {
		t.Errorf("no key: %+v", got)
	}
}

// xvfb starts an X server of the test's own and makes it the display.
func xvfb(t *testing.T) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset")
	x.ExtraFiles = []*os.File{w}
	if err := x.Start(); err != nil {
		t.Fatalf("%v (build/setup.sh test installs it)", err)
	}
	w.Close()
	t.Cleanup(func() { x.Process.Kill(); x.Wait() })
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DISPLAY", ":"+strings.TrimSpace(number))
	t.Setenv("WAYLAND_DISPLAY", "")
	t.Setenv("XDG_SESSION_TYPE", "x11")
}

func TestHotkeyByX(t *testing.T) {
	xvfb(t)
	h, states, presses := newHotkey(t)
	h.Set(true, "Ctrl+Alt+Space", "Quick prompt")
	if got := receive(t, states); got != (shell.Hotkey{State: shell.HotkeyActive, Via: "x11", Hotkey: "Ctrl+Alt+Space"}) {
		t.Fatalf("state %+v", got)
	}
	key := func(keys ...string) {
		t.Helper()
		if out, err := exec.Command("xdotool", append([]string{"key"}, keys...)...).CombinedOutput(); err != nil {
			t.Fatalf("xdotool: %v\n%s", err, out)
		}
	}
	key("ctrl+space")
	key("ctrl+alt+space")
	receive(t, presses)
	time.Sleep(repeatTime)
	key("Num_Lock")
	key("Caps_Lock")
	key("ctrl+alt+space")
	receive(t, presses)
	key("Caps_Lock")
	key("Num_Lock")

	// Who comes second gets none, and is told.
	other, otherStates, _ := newHotkey(t)
	other.Set(true, "Alt+Ctrl+Space", "Quick prompt")
	if got := receive(t, otherStates); got.State != shell.HotkeyTaken {
		t.Errorf("the second: %+v", got)
	}
	// Once disabled, the keys are free.
	h.Set(false, "Ctrl+Alt+Space", "Quick prompt")
	receive(t, states)
	time.Sleep(repeatTime)
	key("ctrl+alt+space")
	time.Sleep(100 * time.Millisecond)
	if len(presses) != 0 {
		t.Error("a press counted after the shortcut was disabled")
	}
	other.Set(true, "Ctrl+Alt+Space", "Quick prompt, again")
	if got := receive(t, otherStates); got.State != shell.HotkeyActive {
		t.Errorf("the second, then: %+v", got)
	}
}

// program is an X client with a window that has the focus; it owns the primary
// selection when it has a text.
func program(t *testing.T, text string) {
	t.Helper()
	conn, err := xgb.NewConn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	screen := xproto.Setup(conn).DefaultScreen(conn)
	window, err := xproto.NewWindowId(conn)
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(xproto.CreateWindowChecked(conn, screen.RootDepth, window, screen.Root, 0, 0, 50, 50, 0, xproto.WindowClassInputOutput,
		screen.RootVisual, xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{1, xproto.EventMaskStructureNotify}).Check())
	check(xproto.MapWindowChecked(conn, window).Check())
	for {
		event, err := conn.WaitForEvent()
		if err != nil {
			t.Fatal(err)
		}
		if _, mapped := event.(xproto.MapNotifyEvent); mapped {
			break
		}
	}
	check(xproto.SetInputFocusChecked(conn, xproto.InputFocusParent, window, xproto.TimeCurrentTime).Check())
	if text == "" {
		return
	}
	check(xproto.SetSelectionOwnerChecked(conn, window, xproto.AtomPrimary, xproto.TimeCurrentTime).Check())
	go func() {
		for {
			event, err := conn.WaitForEvent()
			if event == nil && err == nil {
				return
			}
			r, ok := event.(xproto.SelectionRequestEvent)
			if !ok {
				continue
			}
			xproto.ChangeProperty(conn, xproto.PropModeReplace, r.Requestor, r.Property, r.Target, 8, uint32(len(text)), []byte(text))
			answer := xproto.SelectionNotifyEvent{Time: r.Time, Requestor: r.Requestor, Selection: r.Selection, Target: r.Target, Property: r.Property}
			xproto.SendEvent(conn, false, r.Requestor, 0, string(answer.Bytes()))
		}
	}()
}

// A text counts as selected only in the program that has the focus.
func TestSelection(t *testing.T) {
	xvfb(t)
	if got := Selection(); got != "" {
		t.Errorf("nothing is selected, got %q", got)
	}
	program(t, "a quill, 羽毛笔")
	if got := Selection(); got != "a quill, 羽毛笔" {
		t.Errorf("selected %q", got)
	}
	program(t, strings.Repeat("long ", shell.TextLimit/5+1))
	if got := Selection(); got != "" {
		t.Errorf("took %d bytes, more than the limit", len(got))
	}
	program(t, "of another program")
	program(t, "")
	if got := Selection(); got != "" {
		t.Errorf("took %q of a program without the focus", got)
	}
}
