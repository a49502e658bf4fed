//go:build linux

package windowtest

import (
	"encoding/json"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"qwill/app/linux/overlay"
)

// opening is what the starter goes on with.
const opening = "The capital of France is Paris. The capital of Italy is Rome. The capital of Germany"

// suggesting: a suggestion in another program's editor is shown at the caret,
// taken by words and whole, typed through and dismissed; no other key is kept
// from the program, and passwords are not read.
func suggesting(t *testing.T, s *session) {
	s.env = slices.DeleteFunc(s.env, func(v string) bool { return v == "GTK_A11Y=none" || v == "NO_AT_BRIDGE=1" })
	home := t.TempDir()
	s.env = append(s.env, "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home, "XDG_DATA_HOME="+home, "GSETTINGS_BACKEND=memory")
	s.accessibility()
	s.setting("suggest_elsewhere", "true")
	t.Cleanup(func() { s.setting("suggest_elsewhere", "false") })
	a := s.start("--background")
	s.wait(20*time.Second, "Qwill on the session bus", func() bool { return s.busName() != "" })

	file := filepath.Join(home, "note.txt")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.daemon(s.command("mousepad", "--disable-server", file))
	gtk := s.shown("note.txt")
	s.must("xdotool", "windowsize", "--sync", gtk, "1100", "300")
	s.focus(gtk)
	read := func() string { // what is in the editor, by the editor itself
		s.key("ctrl+s")
		time.Sleep(100 * time.Millisecond)
		b, _ := os.ReadFile(file)
		return strings.TrimSuffix(string(b), "\n")
	}
	card := func() string {
		return s.run("xdotool", "search", "--onlyvisible", "--name", "^"+overlay.Name+"$")
	}
	appears := func(where string) {
		t.Helper()
		s.wait(20*time.Second, "a suggestion "+where, func() bool { return card() != "" })
	}
	goes := func(why string) {
		t.Helper()
		s.wait(5*time.Second, "the suggestion to go: "+why, func() bool { return card() == "" })
	}
	holds := func(want string) {
		t.Helper()
		var text string
		end := time.Now().Add(6 * time.Second)
		for text = read(); text != want && time.Now().Before(end); text = read() {
			time.Sleep(50 * time.Millisecond)
		}
		if text != want {
			s.photo("failed-suggesting")
			t.Fatalf("the editor holds %q, want %q", text, want)
		}
	}
	afresh := func(text string) { // a new text, typed
		t.Helper()
		s.key("ctrl+a", "BackSpace")
		goes("the text is gone")
		s.typeText(text)
	}

	// Nothing is shown: every key is the program's own.
	s.key("Tab", "Escape")
	s.typeText("a")
	holds("\ta")
	afresh(opening)
	appears("behind " + opening)
	if where := place(s, card()); where.Min.X < 700 || where.Dy() > 40 || where.Dy() < 8 {
		t.Errorf("the suggestion is at %v, not at the caret", where)
	}
	if n := inked(t, s.photo("suggested"), place(s, card())); n < 30 {
		t.Errorf("the suggestion shows %d pixels", n)
	}
	if w := s.run("xdotool", "getactivewindow"); w != gtk {
		t.Errorf("the focus went to %s", w)
	}

	s.key("Tab")
	holds(opening + " is")
	s.key("shift+Tab")
	holds(opening + " is Berlin.")
	s.key("ctrl+z")
	holds(opening + " is")

	// Typed through it stays, and its words move on.
	afresh(opening)
	appears("anew")
	s.typeText(" is")
	time.Sleep(300 * time.Millisecond)
	appears("that was typed through")
	s.key("Tab")
	holds(opening + " is Berlin.")

	// Escape dismisses, and nothing is put in; then Tab is the program's.
	afresh(opening)
	appears("to dismiss")
	s.key("Escape")
	goes("dismissed")
	s.key("Tab")
	holds(opening + "\t")

	// An input method begins: what is typed into it is not in the text yet.
	afresh(opening)
	appears("before a composition")
	s.must("xdotool", "keydown", "ctrl", "keydown", "shift", "keydown", "u", "sleep", "0.1", "keyup", "u", "keyup", "shift", "keyup", "ctrl")
	goes("an input method is at work")
	s.key("2", "d", "space") // the hyphen's code
	holds(opening + "-")

	// Another key goes through and ends it; so does another window in front.
	afresh(opening)
	appears("to ignore")
	s.key("Return")
	goes("another line")
	s.typeText("x")
	holds(opening + "\nx")
	afresh(opening)
	appears("to leave")
	other := s.command("xmessage", "another window")
	s.daemon(other)
	goes("another window is in front")
	other.Process.Kill()

	// A field for passwords is never read, the text below it is.
	secret := filepath.Join(home, "secret")
	flags, err := exec.Command("pkg-config", "--cflags", "--libs", "gtk+-3.0").Output()
	if err != nil {
		t.Fatal(err)
	}
	s.must("cc", append([]string{"-o", secret, "testdata/secret.c"}, strings.Fields(string(flags))...)...)
	fields := s.command(secret)
	s.daemon(fields)
	s.focus(s.shown("secret fields"))
	s.typeText(opening)
	time.Sleep(1500 * time.Millisecond) // long enough for a suggestion
	if card() != "" {
		t.Error("something is suggested in a field for passwords")
	}
	s.key("Tab") // to the text
	s.typeText(opening)
	appears("below the password")
	fields.Process.Kill()
	goes("its program has ended")

	// Qwill is killed while a suggestion is shown: the keys are free.
	s.focus(gtk)
	afresh(opening)
	appears("to outlive Qwill")
	a.signal(syscall.SIGKILL)
	a.ends(5 * time.Second)
	goes("Qwill was killed")
	s.key("Tab")
	s.typeText("b")
	holds(opening + "\tb")
}

// place gives where a window is on the screen.
func place(s *session, window string) image.Rectangle {
	s.t.Helper()
	var at struct{ X, Y, Width, Height int }
	var fields []string
	for _, l := range strings.Split(s.run("xdotool", "getwindowgeometry", "--shell", window), "\n") {
		if name, value, ok := strings.Cut(l, "="); ok && name != "WINDOW" && name != "SCREEN" {
			fields = append(fields, `"`+name+`":`+value)
		}
	}
	if err := json.Unmarshal([]byte("{"+strings.Join(fields, ",")+"}"), &at); err != nil {
		s.t.Fatalf("the place of %s: %v", window, err)
	}
	return image.Rect(at.X, at.Y, at.X+at.Width, at.Y+at.Height)
}

// inked counts the pixels in a part of a picture that are not its commonest
// colour.
func inked(t *testing.T, file string, part image.Rectangle) int {
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
	count, most, all := map[[3]uint32]int{}, 0, 0
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			c := [3]uint32{r, g, b}
			count[c]++
			most = max(most, count[c])
			all++
		}
	}
	return all - most
}
