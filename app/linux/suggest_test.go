//go:build linux

package linux

import (
	"testing"
	"time"

	"qwill/app/linux/atspi"
	"qwill/app/shell"
	"qwill/app/suggest"

	"github.com/jezek/xgb/xproto"
)

// A key that the text does not follow is an input method's; modifiers and the
// borrowed keys are not.
func TestComposer(t *testing.T) {
	c := composer{own: []xproto.Keycode{50, 23}}
	down := func(codes ...int) (all [32]byte) {
		for _, code := range codes {
			all[code/8] |= 1 << (code % 8)
		}
		return all
	}
	for i, step := range []struct {
		down  [32]byte
		typed bool
	}{
		{down(38), false}, // held since before
		{down(38), false}, {down(), false}, {down(50), false}, {down(50, 23), false}, {down(50, 38), true}, {down(50, 38), false}, {down(40), true},
	} {
		if got := c.pressed(step.down); got != step.typed {
			t.Errorf("step %d: %v", i, got)
		}
	}
	c.rest()
	if c.pressed(down(41)) {
		t.Error("a key that was down before counts")
	}
}

// A program that a rule leaves alone is known by its process, too.
func TestProgramName(t *testing.T) {
	for _, c := range []struct {
		app  atspi.App
		role atspi.Role
		want string
	}{
		{atspi.App{Name: "mousepad"}, atspi.RoleText, "mousepad"},
		{atspi.App{Name: "Whatever"}, atspi.RoleTerminal, "terminal"},
		{atspi.App{Name: "xterm"}, atspi.RoleTerminal, "xterm"},
	} {
		if got := programName(c.app, c.role); got != c.want {
			t.Errorf("%+v is %q", c.app, got)
		}
	}
	if suggest.BuiltIn().For("terminal").Suggest {
		t.Error("a terminal has suggestions")
	}
}

// Reasons are kept by program, the last one first, and go when it is turned off.
func TestReasons(t *testing.T) {
	s := &Suggestions{on: true}
	s.said(suggest.Untyped) // of no program
	for _, app := range []string{"mousepad", "xterm", "mousepad"} {
		s.enters(app)
		s.said(suggest.Unread)
		s.said(suggest.AppOff)
	}
	s.said(suggest.NoField) // says nothing of the program
	got := s.State().Programs
	if len(got) != 2 || got[0].App != "mousepad" || got[1].App != "xterm" || got[1].Why != string(suggest.AppOff) || got[1].Kind != "terminal" {
		t.Errorf("%+v", got)
	}
	s.Set(false)
	if state := s.State(); state.State != shell.SuggestingOff || len(state.Programs) != 0 {
		t.Errorf("%+v", state)
	}
}

// Without a session bus, or on Wayland, it says so, and takes nothing.
func TestUnavailable(t *testing.T) {
	t.Setenv("WAYLAND_DISPLAY", "wayland-0")
	s := &Suggestions{New: func(func(suggest.Effect), func(suggest.Reason)) Session {
		t.Error("a session was started")
		return nil
	}}
	s.Set(true)
	for end := time.Now().Add(5 * time.Second); s.State().State != shell.SuggestingUnavailable; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%+v", s.State())
		}
	}
	if s.State().Message != errWayland.Error() {
		t.Errorf("%+v", s.State())
	}
	s.Stop()
	if s.State().State != shell.SuggestingOff {
		t.Errorf("%+v", s.State())
	}
}
