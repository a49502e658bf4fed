//go:build linux

package keys

import (
	"bufio"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// xvfb starts an X server of the test's own and makes it the display.
func xvfb(t *testing.T) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	x := exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", "320x240x24", "-nolisten", "tcp", "-noreset")
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
}

// program is another client with a window that has the focus.
type program struct {
	t      *testing.T
	window xproto.Window
	layout Layout
	got    chan xproto.Keycode
}

func newProgram(t *testing.T) *program {
	t.Helper()
	conn, err := xgb.NewConn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	p := &program{t: t, got: make(chan xproto.Keycode, 100)}
	if p.layout, err = Read(conn); err != nil {
		t.Fatal(err)
	}
	if p.window, err = xproto.NewWindowId(conn); err != nil {
		t.Fatal(err)
	}
	screen := xproto.Setup(conn).DefaultScreen(conn)
	xproto.CreateWindow(conn, screen.RootDepth, p.window, screen.Root, 0, 0, 50, 50, 0, xproto.WindowClassInputOutput,
		screen.RootVisual, xproto.CwOverrideRedirect|xproto.CwEventMask, []uint32{1, xproto.EventMaskStructureNotify | xproto.EventMaskKeyPress})
	xproto.MapWindow(conn, p.window)
	mapped := make(chan bool)
	go func() {
		for {
			event, err := conn.WaitForEvent()
			if event == nil && err == nil {
				return
			}
			switch e := event.(type) {
			case xproto.MapNotifyEvent:
				close(mapped)
			case xproto.KeyPressEvent:
				p.got <- e.Detail
			}
		}
	}()
	<-mapped
	if err := xproto.SetInputFocusChecked(conn, xproto.InputFocusParent, p.window, xproto.TimeCurrentTime).Check(); err != nil {
		t.Fatal(err)
	}
	return p
}

// press uses real keys.
func (p *program) press(names ...string) {
	p.t.Helper()
	if out, err := exec.Command("xdotool", append([]string{"key"}, names...)...).CombinedOutput(); err != nil {
		p.t.Fatalf("xdotool: %v\n%s", err, out)
	}
}

// gets waits for exactly these keys.
func (p *program) gets(what string, syms ...uint32) {
	p.t.Helper()
	for _, sym := range syms {
		select {
		case code := <-p.got:
			if !slices.Contains(p.layout.Codes(sym), code) {
				p.t.Errorf("%s: the program got key %d instead of %#x", what, code, sym)
			}
		case <-time.After(5 * time.Second):
			p.t.Fatalf("%s: the program did not get %#x", what, sym)
		}
	}
	select {
	case code := <-p.got:
		p.t.Errorf("%s: the program got key %d, too", what, code)
	case <-time.After(50 * time.Millisecond):
	}
}

// answer takes the next press.
func answer(t *testing.T, g *Grab, name string, shift, swallow bool) {
	t.Helper()
	select {
	case p := <-g.Presses:
		if p.Name != name || p.Shift != shift {
			t.Errorf("pressed %s, Shift %v, want %s, %v", p.Name, p.Shift, name, shift)
		}
		if !p.Answer(swallow) {
			t.Error("the answer came late")
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("%s was not borrowed", name)
	}
}

const (
	symA     = 0x61
	symShift = 0xffe1
	symLeft  = 0xff51
	symEnter = 0xff0d
	symCaps  = 0xffe5
)

func TestGrab(t *testing.T) {
	xvfb(t)
	p := newProgram(t)
	g, err := NewGrab()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })

	p.press("Tab", "a", "Escape")
	p.gets("nothing is borrowed yet", SymTab, symA, SymEscape)

	if err := g.Hold(p.window); err != nil {
		t.Fatal(err)
	}
	p.press("a", "Return", "Left", "ctrl+Tab", "alt+Escape")
	p.gets("other keys", symA, symEnter, symLeft, SymControl, SymTab, 0xffe9, SymEscape)
	p.press("Tab")
	answer(t, g, Tab, false, true)
	p.gets("Tab was swallowed")
	p.press("shift+Tab")
	answer(t, g, Tab, true, true)
	p.gets("Shift-Tab was swallowed", symShift)
	p.press("Escape")
	answer(t, g, Escape, false, false)
	p.gets("Escape was given back", SymEscape)
	p.press("Tab")
	answer(t, g, Tab, false, false)
	p.gets("Tab was given back", SymTab)
	p.press("Caps_Lock", "Tab")
	answer(t, g, Tab, false, true)
	p.gets("Tab was swallowed with Caps Lock on", symCaps)
	p.press("Caps_Lock")
	p.gets("Caps Lock", symCaps)

	// Another window that has the focus keeps its keys.
	other := newProgram(t)
	other.press("Tab")
	other.gets("Tab of another window", SymTab)
	if err := g.Hold(other.window); err != nil {
		t.Fatal(err)
	}
	other.press("Tab")
	answer(t, g, Tab, false, true)
	other.gets("Tab of the window that is borrowed from now")

	g.Release()
	other.press("Tab", "shift+Tab", "Escape")
	other.gets("after the release", SymTab, symShift, SymTab, SymEscape)
}

// A runner that is stuck costs the program a moment, never a key.
func TestStuck(t *testing.T) {
	xvfb(t)
	p := newProgram(t)
	g, err := NewGrab()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	if err := g.Hold(p.window); err != nil {
		t.Fatal(err)
	}
	p.press("Tab", "a") // nobody receives
	p.gets("nobody answers", SymTab, symA)
	p.press("Tab")
	press := <-g.Presses // received, and not answered in time
	p.gets("the answer is missing", SymTab)
	if press.Answer(true) {
		t.Error("a late answer counts")
	}
}

// TestMain is also the program that dies while it holds the keys.
func TestMain(m *testing.M) {
	if window := os.Getenv("QWILL_TEST_HOLD"); window != "" {
		g, err := NewGrab()
		if err != nil {
			os.Exit(1)
		}
		id, err := strconv.ParseUint(window, 10, 32)
		if err != nil || g.Hold(xproto.Window(id)) != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString("held\n")
		<-g.Presses // and no answer: it is killed with the keyboard standing still
		os.Stdout.WriteString("pressed\n")
		select {}
	}
	os.Exit(m.Run())
}

func TestKilled(t *testing.T) {
	xvfb(t)
	p := newProgram(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "QWILL_TEST_HOLD="+strconv.Itoa(int(p.window)))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}
	p.press("Tab")
	if line, err := lines.ReadString('\n'); line != "pressed\n" {
		t.Fatalf("%q, %v", line, err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	for len(p.got) > 0 { // the one in question may be gone with the process, or have come
		<-p.got
	}
	p.press("a", "Tab", "Escape")
	p.gets("the holder was killed", symA, SymTab, SymEscape)
}
