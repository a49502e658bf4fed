//go:build linux

package windowtest

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestWindow is one user's day; its steps build on each other and share one
// data folder, so that the starter is converted once.
func TestWindow(t *testing.T) {
	if os.Getenv("QWILL_WINDOW") == "" {
		t.Skip("drives a real window for a minute or two: make test runs it, or set QWILL_WINDOW=1")
	}
	home := filepath.Join(t.TempDir(), "home")
	for _, step := range []struct {
		name string
		run  func(*testing.T, *session)
	}{
		{"chat", chat},
		{"engine killed in mid-reply", engineKilled},
		{"app killed in mid-reply", appKilled},
		{"quick prompt", quickPrompt},
		{"second start", secondStart},
		{"in the background", background},
		{"inserting", inserting},
		{"suggesting", suggesting},
		{"costs", costs},
		{"screen reader", screenReader},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, newSession(t, home)) }) {
			return
		}
	}
}

// open starts Qwill and waits until its page is drawn and can be typed into.
func open(s *session, args ...string) *app {
	s.t.Helper()
	a := s.start(args...)
	s.wait(90*time.Second, "the window", func() bool { return s.window() != "" })
	// The window manager now and then leaves a new window without the focus;
	// then a person clicks on it.
	for end := time.Now().Add(10 * time.Second); !s.active() && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	if !s.active() {
		s.t.Logf("the window manager gave the new window %s no focus, but %s", s.window(), s.run("xdotool", "getactivewindow"))
		s.wait(20*time.Second, "the window to be active", func() bool {
			s.run("xdotool", "windowactivate", s.window())
			s.run("xdotool", "windowfocus", s.window())
			return s.active()
		})
	}
	s.wait(30*time.Second, "the page", func() bool { return colours(s.t, s.photo("page")) > 20 })
	time.Sleep(500 * time.Millisecond) // the field takes the focus after the first paint
	return a
}

const longQuestion = "Tell me a very long story about the sea, the wind and an old ship."

// writing waits for a reply that has begun and is still being written.
func writing(s *session) {
	s.t.Helper()
	s.wait(60*time.Second, "a reply in the middle", func() bool {
		m := s.last()
		if m.status == "done" {
			s.t.Fatalf("the reply ended before it could be interrupted: %q", m.content)
		}
		return m.role == "assistant" && m.status == "writing" && len(m.content) > 20
	})
}

// answered waits for the reply after the first n messages. A starter may not
// find an end by itself; then Escape stops it, as a user would.
func answered(s *session, n int) message {
	s.t.Helper()
	reply := func() bool { return len(s.messages()) > n && s.last().role == "assistant" }
	s.wait(60*time.Second, "the reply's first words", func() bool { return reply() && s.last().content != "" })
	start, want := time.Now(), "done"
	s.wait(30*time.Second, "the reply's end", func() bool {
		if want == "done" && time.Since(start) > 15*time.Second {
			want = "stopped"
			s.key("Escape")
		}
		m := s.last()
		return m.status == "done" || m.status == want
	})
	return s.last()
}

func chat(t *testing.T, s *session) {
	a := open(s)
	s.photo("introduction")
	s.key("Escape") // skips it, for good
	time.Sleep(500 * time.Millisecond)
	s.photo("empty")
	s.typeText("What is a quill, and what was it used for?")
	s.key("Return")
	if m := answered(s, 0); len(m.content) < 5 { // what a starter says is its own affair
		t.Errorf("the reply is %q", m.content)
	}
	time.Sleep(time.Second)
	s.picture("chat")

	engine := a.engine()
	if engine == 0 {
		t.Fatal("no engine runs")
	}
	a.signal(syscall.SIGTERM)
	a.ends(10 * time.Second)
	s.wait(5*time.Second, "the engine's end", func() bool { return gone(engine) })
}

func engineKilled(t *testing.T, s *session) {
	a := open(s)
	before := len(s.messages())
	s.typeText(longQuestion)
	s.key("Return")
	s.wait(30*time.Second, "the message", func() bool { return len(s.messages()) > before })
	writing(s)
	if err := syscall.Kill(a.engine(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.wait(20*time.Second, "the reply to be marked", func() bool { return s.last().status != "writing" })
	if m := s.last(); m.status != "interrupted" && m.status != "failed" || m.content == "" {
		t.Errorf("after the engine was killed: %+v", m)
	}
	time.Sleep(500 * time.Millisecond)
	s.photo("engine-killed")
	// The next message works, in the same window.
	before = len(s.messages())
	s.typeText("What is two plus two?")
	s.key("Return")
	if m := answered(s, before); m.content == "" {
		t.Error("the new engine gave no answer")
	}
}

func appKilled(t *testing.T, s *session) {
	a := open(s)
	before := len(s.messages())
	s.typeText(longQuestion)
	s.key("Return")
	s.wait(30*time.Second, "the message", func() bool { return len(s.messages()) > before })
	writing(s)
	engine := a.engine()
	a.signal(syscall.SIGKILL)
	a.ends(10 * time.Second)
	s.wait(10*time.Second, "the engine's end", func() bool { return gone(engine) })
	partial := s.last().content
	if len(partial) < 20 {
		t.Errorf("only %q is left of the reply", partial)
	}

	open(s)
	if m := s.last(); m.status != "interrupted" || !strings.HasPrefix(m.content, partial) {
		t.Errorf("after the restart: %+v, want %q interrupted", m, partial)
	}
	s.photo("restarted")
}

func quickPrompt(t *testing.T, s *session) {
	a := open(s, "--prompt")
	if w, h := s.size(); w != 640 || h > 600 {
		t.Errorf("the quick prompt is %d × %d", w, h)
	}
	s.typeText("Name three things to take on a walk in the rain.")
	s.key("Return")
	time.Sleep(6 * time.Second)
	s.picture("prompt")
	if n := colours(t, s.photo("prompt")); n < 20 {
		t.Errorf("the quick prompt shows %d colours", n)
	}
	s.key("Escape") // back to the question, or ends the answer
	hidden := func() bool { return s.window() == "" }
	for range 3 {
		time.Sleep(300 * time.Millisecond)
		if !hidden() {
			s.key("Escape")
		}
	}
	s.wait(5*time.Second, "Escape to hide the prompt", hidden)

	// Again, by a second start; then another window takes the focus.
	begin := time.Now()
	s.must(filepath.Join(root, "build/bin/qwill"), "--prompt")
	s.wait(5*time.Second, "the prompt", s.active)
	t.Logf("the prompt came after %v, a second process's start included", time.Since(begin).Round(time.Millisecond))
	other := s.command("xmessage", "another window")
	s.daemon(other)
	s.wait(5*time.Second, "another window to take the focus and the prompt to hide", hidden)
	select {
	case <-a.ended:
		t.Error("hiding the prompt ended Qwill")
	default:
	}
}

func secondStart(t *testing.T, s *session) {
	a := open(s)
	s.must(filepath.Join(root, "build/bin/qwill"), "--prompt")
	s.wait(5*time.Second, "the prompt", func() bool { w, _ := s.size(); return w == 640 })
	s.key("Escape") // the main window comes back, since it was open
	s.wait(5*time.Second, "the main window", func() bool { w, _ := s.size(); return w > 700 })

	// The same from a shell that knows the display but not the session bus.
	blind := s.command(filepath.Join(root, "build/bin/qwill"), "--prompt")
	blind.Env = append(blind.Env, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent")
	if out, err := blind.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s.wait(5*time.Second, "the prompt, without a bus", func() bool { w, _ := s.size(); return w == 640 })
	s.key("Escape")
	s.wait(5*time.Second, "the main window, again", func() bool { w, _ := s.size(); return w > 700 })
	s.key("alt+F4") // no panel with a tray here: closing the window ends Qwill
	a.ends(10 * time.Second)
	if _, err := os.Stat(filepath.Join(s.home, "data", "window.json")); err != nil {
		t.Error(err)
	}
}

// background: started by the session, Qwill waits without a window for its
// shortcut and for launchers, and ends when it is told to.
func background(t *testing.T, s *session) {
	s.setting("hotkey", `"Ctrl+Alt+Space"`)
	s.setting("hotkey_enabled", "true")
	a := s.start("--background")
	launch := func(member string, args ...string) {
		t.Helper()
		s.must("gdbus", append([]string{"call", "--session", "--dest", s.busName(), "--object-path", "/org/qwill/Qwill",
			"--method", "org.freedesktop.Application." + member}, args...)...)
	}
	s.wait(20*time.Second, "Qwill on the session bus", func() bool { return s.busName() != "" })
	other := s.command("xmessage", "-name", "other", "another window")
	s.daemon(other)
	s.wait(5*time.Second, "another window with the focus", func() bool { return s.run("xdotool", "getactivewindow", "getwindowname") == "other" })
	time.Sleep(2 * time.Second) // the page loads unseen
	if s.window() != "" {
		t.Fatal("a window came unasked")
	}

	prompt := func() bool { w, _ := s.size(); return s.active() && w == 640 }
	begin := time.Now()
	s.key("ctrl+alt+space")
	s.wait(5*time.Second, "the shortcut to bring the prompt", prompt)
	t.Logf("the prompt came after %v", time.Since(begin).Round(time.Millisecond))
	time.Sleep(500 * time.Millisecond)
	s.key("ctrl+alt+space")
	s.wait(5*time.Second, "the shortcut to hide the prompt", func() bool { return s.window() == "" })

	launch("ActivateAction", "quick-prompt", "[]", "{}")
	s.wait(5*time.Second, "a launcher's action to bring the prompt", prompt)
	launch("Activate", "{}")
	s.wait(5*time.Second, "the launcher to bring the main window", func() bool { w, _ := s.size(); return w > 700 })
	s.key("alt+F4") // the shortcut is a way back: closing only hides
	s.wait(5*time.Second, "the window to hide", func() bool { return s.window() == "" })
	select {
	case <-a.ended:
		t.Fatal("closing the window ended Qwill, though its shortcut brings it back")
	default:
	}
	launch("ActivateAction", "quit", "[]", "{}")
	a.ends(10 * time.Second)
}
