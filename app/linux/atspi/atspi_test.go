//go:build linux

package atspi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"
)

// TestMain gives every test a session bus of their own.
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

// widget is an accessible object that a test exports.
type widget struct {
	role     uint32
	states   States
	children []Ref
	self     Ref

	mu   sync.Mutex
	text []rune
	sel  []int32
	hang time.Duration // how long it takes to tell its states
}

func (w *widget) GetRole() (uint32, *dbus.Error) { return w.role, nil }
func (w *widget) GetState() ([]uint32, *dbus.Error) {
	time.Sleep(w.hang)
	w.mu.Lock()
	defer w.mu.Unlock()
	return []uint32{uint32(w.states), uint32(w.states >> 32)}, nil
}
func (w *widget) GetChildren() ([]Ref, *dbus.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.children, nil
}
func (w *widget) GetAttributes() (map[string]string, *dbus.Error) { return map[string]string{}, nil }
func (w *widget) GetApplication() (Ref, *dbus.Error)              { return w.self, nil }
func (w *widget) GetInterfaces() ([]string, *dbus.Error)          { return []string{prefix + "Text"}, nil }
func (w *widget) GetNSelections() (int32, *dbus.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return int32(len(w.sel) / 2), nil
}
func (w *widget) GetSelection(i int32) (int32, int32, *dbus.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sel[2*i], w.sel[2*i+1], nil
}
func (w *widget) SetSelection(_, from, to int32) (bool, *dbus.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sel = []int32{from, to}
	return true, nil
}
func (w *widget) GetText(from, to int32) (string, *dbus.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.text[from:to]), nil
}
func (w *widget) InsertText(at int32, text string, bytes int32) (bool, *dbus.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = slices.Insert(w.text, int(at), []rune(text[:bytes])...)
	return true, nil
}
func (w *widget) DeleteText(from, to int32) (bool, *dbus.Error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.states.Has(ReadOnly) {
		return false, nil
	}
	w.text = slices.Delete(w.text, int(from), int(to))
	return true, nil
}

type registry struct{ *widget }

func (registry) RegisterEvent(string, []string, string) *dbus.Error { return nil }
func (registry) DeregisterEvent(string) *dbus.Error                 { return nil }

// desk is a desktop with accessible programs.
type desk struct {
	t    *testing.T
	conn *dbus.Conn
	root *widget
	on   *prop.Properties
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	d := &desk{t: t, conn: conn, root: &widget{role: 14}}
	bus := map[string]any{"GetAddress": func() (string, *dbus.Error) { return os.Getenv("DBUS_SESSION_BUS_ADDRESS"), nil }}
	if err := conn.ExportMethodTable(bus, busPath, busName); err != nil {
		t.Fatal(err)
	}
	if d.on, err = prop.Export(conn, busPath, prop.Map{"org.a11y.Status": {"IsEnabled": {Value: false, Writable: true}}}); err != nil {
		t.Fatal(err)
	}
	r := registry{d.root}
	conn.Export(r, registryPath, registryName)
	d.export(d.root, rootPath, "desktop")
	for _, name := range []string{busName, registryName} {
		if _, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

func (d *desk) export(w *widget, path dbus.ObjectPath, name string) Ref {
	d.t.Helper()
	w.self = Ref{d.conn.Names()[0], path}
	for _, iface := range []string{"Accessible", "Text", "EditableText"} {
		if err := d.conn.Export(w, path, prefix+iface); err != nil {
			d.t.Fatal(err)
		}
	}
	count := int32(len(w.text))
	if _, err := prop.Export(d.conn, path, prop.Map{
		prefix + "Accessible": {"Name": {Value: name}}, prefix + "Application": {"ToolkitName": {Value: "test"}},
		prefix + "Text": {"CharacterCount": {Value: count}, "CaretOffset": {Value: count}},
	}); err != nil {
		d.t.Fatal(err)
	}
	return w.self
}

const shown = 1<<Showing | 1<<Visible

func TestText(t *testing.T) {
	d := newDesk(t)
	field := &widget{role: uint32(RoleText), states: shown | 1<<Focused | 1<<Editable, text: []rune("海 größer 🪶 end"), sel: []int32{8, 2}}
	password := &widget{role: uint32(RolePasswordText), states: shown, text: []rune("secret")}
	window := &widget{states: shown | 1<<Active}
	hung := &widget{states: shown | 1<<Active, hang: 3 * time.Second}
	window.children = []Ref{d.export(password, "/password", ""), d.export(field, "/field", "")}
	app := &widget{children: []Ref{d.export(window, "/window", "note"), d.export(hung, "/hung", "")}}
	editor := d.export(app, "/app", "Editor")
	d.root.mu.Lock()
	d.root.children = []Ref{editor}
	d.root.mu.Unlock()

	c, err := Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if on, _ := d.on.Get("org.a11y.Status", "IsEnabled"); on.Value() != true {
		t.Error("programs were not told to show themselves")
	}
	begin := time.Now()
	o, err := c.Focused(t.Context(), 0)
	if err != nil || o.Path != "/field" {
		t.Fatalf("the focus is in %v, %v", o.Ref, err)
	}
	if took := time.Since(begin); took > SearchTime {
		t.Errorf("a window that hangs cost %v", took)
	}
	sel, err := o.Selections(t.Context())
	if err != nil || !slices.Equal(sel, []Range{{2, 8}}) {
		t.Fatalf("selected is %v, %v", sel, err)
	}
	if s, err := o.Text(t.Context(), sel[0]); s != "größer" || err != nil {
		t.Errorf("the selected text is %q, %v", s, err)
	}
	if err := errors.Join(o.Delete(t.Context(), sel[0]), o.Insert(t.Context(), 2, "kleiner 🪶"), o.Select(t.Context(), Range{0, 1})); err != nil {
		t.Fatal(err)
	}
	field.mu.Lock()
	if got := string(field.text); got != "海 kleiner 🪶 🪶 end" || !slices.Equal(field.sel, []int32{0, 1}) {
		t.Errorf("the text is %q, selected %v", got, field.sel)
	}
	field.states |= 1 << ReadOnly
	field.mu.Unlock()
	if err := o.Delete(t.Context(), Range{0, 1}); !errors.Is(err, ErrRefused) {
		t.Errorf("a refusal is %v", err)
	}
	if o.Secure(t.Context()) || !c.Object(password.self).Secure(t.Context()) || !c.Object(Ref{o.Bus, "/nobody"}).Secure(t.Context()) {
		t.Error("what is secure is not known")
	}
	if _, err := c.Object(Ref{":1.9999", "/x"}).All(t.Context()); !errors.Is(err, ErrGone) {
		t.Errorf("an object that is gone: %v", err)
	}
	if _, err := o.Text(t.Context(), Range{0, TextLimit + 1}); !errors.Is(err, ErrTooLong) {
		t.Errorf("too much text: %v", err)
	}
	if a, err := o.App(t.Context()); err != nil || a.PID != os.Getpid() {
		t.Errorf("the program is %+v, %v", a, err)
	}
	begin = time.Now()
	if _, err := c.Object(hung.self).States(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 2*CallTime {
		t.Errorf("an object that hangs: %v after %v", err, time.Since(begin))
	}

	// Events come in order, only those that are watched, and end with ctx.
	ctx, stop := context.WithCancel(t.Context())
	events, err := c.Watch(ctx, TextChanged, FocusChanged)
	if err != nil {
		t.Fatal(err)
	}
	none := map[string]dbus.Variant{}
	emit := func(name, detail string, a, b int32, text string) {
		if err := d.conn.Emit("/field", prefix+"Event."+name, detail, a, b, dbus.MakeVariant(text), none); err != nil {
			t.Fatal(err)
		}
	}
	emit("Object.StateChanged", "sensitive", 1, 0, "")
	emit("Object.TextCaretMoved", "", 3, 0, "")
	emit("Object.StateChanged", "focused", 1, 0, "")
	for i := range int32(20) {
		emit("Object.TextChanged", "insert", i, 1, "ä")
	}
	for i := -1; i < 20; i++ {
		select {
		case e := <-events:
			focus := e.Kind == FocusChanged && e.A == 1 && i == -1
			if e.Source.Path != "/field" || !focus && (e.Kind != TextChanged || e.A != i || e.B != 1 || e.Text != "ä" || e.Detail != "insert") {
				t.Fatalf("event %d is %+v", i, e)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("event %d did not come", i)
		}
	}
	stop()
	select {
	case _, open := <-events:
		if open {
			t.Error("another event after the last")
		}
	case <-time.After(5 * time.Second):
		t.Error("the watch did not end")
	}
	c.Close()
	if on, _ := d.on.Get("org.a11y.Status", "IsEnabled"); on.Value() != false {
		t.Error("what was switched on stays on")
	}
}
