//go:build linux

package windowtest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/godbus/dbus/v5"
)

// reader listens and looks as a screen reader does: by AT-SPI, on the
// accessibility bus (at-spi2-core, xml/*.xml).
type reader struct {
	t    *testing.T
	conn *dbus.Conn

	mu    sync.Mutex
	heard []string // texts of live regions, as they changed
}

const (
	atspi           = "org.a11y.atspi."
	stateFocusable  = 11
	stateFocused    = 12
	stateShowing    = 25
	accessibleIface = atspi + "Accessible"
)

// roles are AtspiRole's (atspi-constants.h) that Qwill's window has; WebKit
// itself does not tell their names.
var roles = map[uint32]string{
	7: "check box", 11: "combo box", 14: "desktop", 16: "dialog", 20: "filler", 23: "frame", 27: "image", 29: "label", 31: "list",
	32: "list item", 33: "menu", 35: "menu item", 37: "page tab", 38: "page tab list", 39: "panel", 43: "push button",
	44: "radio button", 49: "scroll pane", 50: "separator", 52: "spin button", 54: "status bar", 55: "table", 61: "text",
	62: "toggle button", 73: "paragraph", 75: "application", 79: "entry", 83: "heading", 85: "section", 87: "form",
	88: "link", 95: "document", 99: "grouping", 101: "notification", 109: "article", 110: "landmark", 111: "log", 116: "static",
}

// node is one object of the accessibility tree.
type node struct {
	ref        reference
	role, name string
	states     uint64
	attributes map[string]string
	path       []string // roles from the window down
}

// reference is AT-SPI's (so): the process's bus name and the object.
type reference struct {
	Bus  string
	Path dbus.ObjectPath
}

func (n node) is(state int) bool { return n.states>>state&1 == 1 }

func (n node) String() string {
	return fmt.Sprintf("%s%s %q", strings.Repeat("  ", len(n.path)), n.role, n.name)
}

// newReader turns accessibility on, before Qwill starts.
func newReader(t *testing.T, s *session) *reader {
	t.Helper()
	var bus string
	for _, v := range s.env {
		if address, ok := strings.CutPrefix(v, "DBUS_SESSION_BUS_ADDRESS="); ok {
			bus = address
		}
	}
	session, err := dbus.Connect(bus)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close() })
	object := session.Object("org.a11y.Bus", "/org/a11y/bus")
	var address string
	if err := object.Call("org.a11y.Bus.GetAddress", 0).Store(&address); err != nil {
		t.Fatalf("%v (build/setup.sh test installs at-spi2-core)", err)
	}
	for _, name := range []string{"IsEnabled", "ScreenReaderEnabled"} {
		if err := object.SetProperty("org.a11y.Status."+name, dbus.MakeVariant(true)); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	r := &reader{t: t, conn: conn}
	registry := conn.Object("org.a11y.atspi.Registry", "/org/a11y/atspi/registry")
	for _, event := range []string{"object:text-changed", "object:announcement", "object:children-changed"} {
		if err := registry.Call(atspi+"Registry.RegisterEvent", 0, event, []string{}, "").Err; err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.AddMatchSignal(dbus.WithMatchInterface(atspi + "Event.Object")); err != nil {
		t.Fatal(err)
	}
	signals := make(chan *dbus.Signal, 1000)
	conn.Signal(signals)
	go r.listen(signals)
	return r
}

// listen keeps what live regions say: texts and parts that are put in, and
// announcements.
func (r *reader) listen(signals <-chan *dbus.Signal) {
	for s := range signals {
		if len(s.Body) < 4 {
			continue
		}
		detail, _ := s.Body[0].(string)
		value, _ := s.Body[3].(dbus.Variant)
		var text string
		switch s.Name[strings.LastIndex(s.Name, ".")+1:] {
		case "Announcement":
			text, _ = value.Value().(string)
		case "TextChanged":
			if strings.HasPrefix(detail, "insert") && r.live(s.Sender, s.Path) {
				text, _ = value.Value().(string)
			}
		case "ChildrenChanged":
			var child reference
			if strings.HasPrefix(detail, "add") && r.live(s.Sender, s.Path) && dbus.Store([]any{value.Value()}, &child) == nil {
				r.conn.Object(child.Bus, child.Path).Call(atspi+"Text.GetText", 0, int32(0), int32(-1)).Store(&text)
			}
		}
		if text = strings.TrimSpace(text); text != "" {
			r.mu.Lock()
			r.heard = append(r.heard, text)
			r.mu.Unlock()
		}
	}
}

// live says whether an object is in a live region.
func (r *reader) live(bus string, path dbus.ObjectPath) bool {
	var attributes map[string]string
	err := r.conn.Object(bus, path).Call(accessibleIface+".GetAttributes", 0).Store(&attributes)
	return err == nil && (attributes["container-live"] != "" || attributes["live"] != "")
}

// said gives what was announced until now.
func (r *reader) said() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.heard...)
}

// tree reads everything that is shown of Qwill.
func (r *reader) tree() []node {
	var all []node
	r.walk(reference{"org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root"}, nil, &all)
	return all
}

func (r *reader) walk(ref reference, path []string, all *[]node) {
	object := r.conn.Object(ref.Bus, ref.Path)
	n := node{ref: ref, path: path}
	var role uint32
	if err := object.Call(accessibleIface+".GetRole", 0).Store(&role); err != nil {
		return // gone meanwhile
	}
	n.role = roles[role]
	if n.role == "" {
		n.role = fmt.Sprintf("role %d", role)
	}
	if v, err := object.GetProperty(accessibleIface + ".Name"); err == nil {
		n.name, _ = v.Value().(string)
	}
	var states []uint32
	if object.Call(accessibleIface+".GetState", 0).Store(&states) == nil && len(states) == 2 {
		n.states = uint64(states[0]) | uint64(states[1])<<32
	}
	object.Call(accessibleIface+".GetAttributes", 0).Store(&n.attributes)
	*all = append(*all, n)
	count, err := object.GetProperty(accessibleIface + ".ChildCount")
	if err != nil || len(path) > 60 {
		return
	}
	total, _ := count.Value().(int32)
	for i := range total {
		var child reference
		if object.Call(accessibleIface+".GetChildAtIndex", 0, i).Store(&child) == nil {
			r.walk(child, append(path[:len(path):len(path)], n.role), all)
		}
	}
}

// find gives the first shown object of a role whose name starts with name.
func find(all []node, role, name string) (node, bool) {
	for _, n := range all {
		if n.role == role && strings.HasPrefix(n.name, name) && n.is(stateShowing) {
			return n, true
		}
	}
	return node{}, false
}

// wait looks until it finds an object.
func (r *reader) wait(limit time.Duration, role, name string) (node, []node) {
	r.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(200 * time.Millisecond) {
		all := r.tree()
		if n, ok := find(all, role, name); ok {
			return n, all
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("a screen reader finds no %s %q in:\n%s", role, name, text(all))
		}
	}
}

func text(all []node) string {
	var b strings.Builder
	for _, n := range all {
		fmt.Fprintln(&b, n)
	}
	return b.String()
}

// unnamed gives what can take the focus and says nothing of itself. The main
// part, where the link that skips the sidebar leads, needs no name: there is one.
func unnamed(all []node) []node {
	var bad []node
	for _, n := range all {
		inPage := slices.Contains(n.path, "document")
		if inPage && n.is(stateFocusable) && n.is(stateShowing) && n.name == "" && n.attributes["tag"] != "main" {
			bad = append(bad, n)
		}
	}
	return bad
}

// screenReader: what someone hears who does not see the window.
func screenReader(t *testing.T, s *session) {
	s.env = slices.DeleteFunc(s.env, func(v string) bool { return v == "GTK_A11Y=none" || v == "NO_AT_BRIDGE=1" })
	r := newReader(t, s)
	open(s)
	composer, all := r.wait(20*time.Second, "entry", "Message")
	if !composer.is(stateFocused) {
		t.Error("the focus is not in the field for the message")
	}
	for _, want := range []struct{ role, name string }{
		{"push button", "Send"}, {"push button", "New chat"}, {"push button", "Settings"}, {"combo box", "Model: "}, {"landmark", "Chats"},
	} {
		if _, ok := find(all, want.role, want.name); !ok {
			t.Errorf("there is no %s %q in:\n%s", want.role, want.name, text(all))
		}
	}
	for _, n := range unnamed(all) {
		t.Errorf("in the main window a %s that takes the focus has no name", n.role)
	}

	before := len(s.messages())
	s.typeText("What is a quill? Answer in two short sentences.")
	s.key("Return")
	reply := answered(s, before)
	time.Sleep(time.Second) // the last sentence
	heard := r.said()
	t.Logf("heard: %q", heard)
	spoken := 0
	for _, line := range heard {
		if len(line) > 10 && strings.Contains(plain(reply.content), plain(line)) {
			spoken++
		}
	}
	if spoken == 0 {
		t.Error("no sentence of the answer was announced")
	}
	if _, ok := find(r.tree(), "entry", "Message"); !ok {
		t.Error("the field for the message is lost after an answer")
	}

	s.key("ctrl+comma")
	_, all = r.wait(5*time.Second, "dialog", "Settings")
	for _, n := range unnamed(all) {
		t.Errorf("in the settings a %s that takes the focus has no name", n.role)
	}
	s.key("Escape")
	r.wait(5*time.Second, "entry", "Message")
}

// plain leaves letters and digits: marks of Markdown are not spoken.
func plain(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return unicode.ToLower(c)
		}
		return -1
	}, text)
}
