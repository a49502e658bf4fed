//go:build linux

package windowtest

import (
	"context"
	"io"
	"log"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	access "qwill/app/linux/atspi"
)

const (
	firstLine  = "helo wrld — 海, how are yu"
	secondLine = "This line stays."
)

// page mirrors its field in the window's title, for xdotool. After the second paste
// it copies something, as a user may at any moment.
const page = `<!doctype html><meta charset="utf-8"><textarea id="t" rows="8" cols="60">` + firstLine + "\n" + secondLine + `</textarea><input type="password" value="hunter2">
<script>const t = document.getElementById('t'), tell = () => (document.title = 'field:' + encodeURIComponent(t.value));
let pastes = 0;
t.onpaste = () => { pastes++ };
t.oncopy = (e) => { e.clipboardData.setData('text/plain', 'copied meanwhile'); e.preventDefault() };
t.oninput = (e) => {
  if (e.inputType === 'insertFromPaste' && pastes == 2) { t.setSelectionRange(0, 1); document.execCommand('copy') }
  tell();
};
 t.focus(); t.setSelectionRange(0, 0); tell()</script>`

// inserting: a selection of another program's editor goes through the quick
// prompt and back, in GTK and in Chromium.
func inserting(t *testing.T, s *session) {
	xgb.Logger = log.New(io.Discard, "", 0)
	s.env = slices.DeleteFunc(s.env, func(v string) bool { return v == "GTK_A11Y=none" || v == "NO_AT_BRIDGE=1" })
	home := t.TempDir() // editors keep their settings there
	s.env = append(s.env, "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home, "XDG_DATA_HOME="+home, "GSETTINGS_BACKEND=memory")
	r := newReader(t, s)
	s.setting("hotkey", `"Ctrl+Alt+Space"`)
	s.setting("hotkey_enabled", "true")
	s.setting("retention", `{"chat":"forever","prompt":"day","services":"none","server":"none"}`) // tells what the model wrote
	qwill := s.start("--background")
	s.wait(20*time.Second, "Qwill on the session bus", func() bool { return s.busName() != "" })

	file := filepath.Join(home, "note.txt")
	if err := os.WriteFile(file, []byte(firstLine+"\n"+secondLine+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.daemon(s.command("mousepad", "--disable-server", file))
	gtk := s.shown("note.txt")
	read := func() string { // what is in the editor, by the editor itself
		s.key("ctrl+s")
		time.Sleep(100 * time.Millisecond)
		b, _ := os.ReadFile(file)
		return string(b)
	}
	s.focus(gtk)
	s.key("ctrl+Home", "Down", "shift+End", "ctrl+c")
	s.wait(5*time.Second, "the second line on the clipboard", func() bool { return s.copied() == secondLine })

	s.key("ctrl+Home", "shift+End")
	result := s.throughPrompt(r)
	s.photo("insert-offered")
	s.key("Return") // Insert has the focus
	s.wait(8*time.Second, "the editor to have the focus again", func() bool { return s.run("xdotool", "getactivewindow") == gtk })
	s.wait(5*time.Second, "the result in the editor", func() bool { return read() == result+"\n"+secondLine+"\n" })
	s.photo("inserted")
	if got := s.copied(); got != secondLine {
		t.Errorf("the clipboard holds %q after an insertion, want %q", got, secondLine)
	}
	s.key("ctrl+z")
	s.wait(5*time.Second, "one undo to restore the original", func() bool { return read() == firstLine+"\n"+secondLine+"\n" })

	// The owner of the clipboard does not answer: it is left alone.
	conn, window := s.client()
	xproto.SetSelectionOwner(conn, window, s.atom(conn, "CLIPBOARD"), xproto.TimeCurrentTime)
	s.key("ctrl+Home", "shift+End")
	result = s.throughPrompt(r)
	s.key("Return")
	s.wait(8*time.Second, "the editor to have the focus after that", func() bool { return s.run("xdotool", "getactivewindow") == gtk })
	s.wait(8*time.Second, "the result in the editor without the clipboard", func() bool { return read() == result+"\n"+secondLine+"\n" })
	if owner, err := xproto.GetSelectionOwner(conn, s.atom(conn, "CLIPBOARD")).Reply(); err != nil || owner.Owner != window {
		t.Errorf("the clipboard was taken from a program that did not give what it holds: %v", err)
	}
	s.key("ctrl+z", "ctrl+z") // AT-SPI's way is two steps
	s.wait(5*time.Second, "the undo to restore the original", func() bool { return read() == firstLine+"\n"+secondLine+"\n" })
	s.key("ctrl+Home", "Down", "shift+End", "ctrl+c")
	s.wait(5*time.Second, "the second line on the clipboard again", func() bool { return s.copied() == secondLine })

	// Changed meanwhile, by the program itself: it stays as it is.
	c := s.accessibility()
	field, err := c.Focused(t.Context(), s.pid(gtk))
	if err != nil {
		t.Fatal(err)
	}
	s.key("ctrl+Home", "shift+End")
	s.throughPrompt(r)
	if err := field.Insert(t.Context(), 2, "X"); err != nil {
		t.Fatalf("change the editor's text: %v", err)
	}
	s.key("Return")
	says := func(what string) func() bool {
		return func() bool {
			return slices.ContainsFunc(r.tree(), func(n node) bool {
				o := c.Object(access.Ref(n.ref))
				if !slices.Contains(n.path, "document") || !o.Has(t.Context(), "Text") {
					return false
				}
				words, err := o.All(t.Context())
				return err == nil && strings.Contains(words, what)
			})
		}
	}
	s.wait(5*time.Second, "the prompt to say that the text has changed", says("The text there has changed"))
	r.wait(time.Second, "push button", "Copy result")
	s.photo("insert-refused")
	s.key("ctrl+alt+space")
	s.focus(gtk)
	s.wait(5*time.Second, "the editor to hold its own change after the refusal", func() bool {
		return read() == "heXlo wrld — 海, how are yu\n"+secondLine+"\n"
	})

	// Chromium's text area, which AT-SPI can select in and not change.
	html := filepath.Join(home, "field.html")
	if err := os.WriteFile(html, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	s.daemon(s.command("chromium", "--no-sandbox", "--no-first-run", "--disable-gpu", "--force-renderer-accessibility",
		"--user-data-dir="+filepath.Join(home, "chromium"), "--app=file://"+html))
	web := s.shown("field:")
	s.focus(web)
	title := func() string { // what the page says is in its field
		coded, _ := strings.CutPrefix(s.run("xdotool", "getwindowname", web), "field:")
		value, _ := url.PathUnescape(coded)
		return value
	}
	s.wait(10*time.Second, "Chromium to tell what has the focus", func() bool {
		o, err := c.Focused(t.Context(), s.pid(web))
		text, _ := o.All(t.Context())
		return err == nil && strings.Contains(text, secondLine)
	})
	s.key("ctrl+Home", "shift+End")
	result = s.throughPrompt(r)
	s.key("Return")
	s.wait(8*time.Second, "the result in the text area", func() bool { return title() == result+"\n"+secondLine })
	s.photo("inserted-web")
	if got := s.copied(); got != secondLine {
		t.Errorf("the clipboard holds %q after an insertion in Chromium, want %q", got, secondLine)
	}
	s.wait(5*time.Second, "Chromium to have the focus again", func() bool { return s.run("xdotool", "getactivewindow") == web })
	s.key("ctrl+z")
	s.wait(5*time.Second, "one undo to restore the text area", func() bool { return title() == firstLine+"\n"+secondLine })

	// What is copied while Qwill inserts stays.
	s.key("ctrl+Home", "shift+End")
	result = s.throughPrompt(r)
	s.key("Return")
	s.wait(8*time.Second, "the second result in the text area", func() bool { return title() == result+"\n"+secondLine })
	s.wait(8*time.Second, "Chromium to have the focus", func() bool { return s.run("xdotool", "getactivewindow") == web })
	time.Sleep(500 * time.Millisecond) // the clipboard would have come back by now
	if got := s.copied(); got != "copied meanwhile" {
		t.Errorf("the clipboard holds %q, want what was copied meanwhile", got)
	}

	s.key("Tab", "ctrl+a", "ctrl+alt+space")
	s.wait(8*time.Second, "the prompt to refuse a password", says("Qwill does not read what is typed there"))
	s.photo("insert-secure")
	if _, ok := find(r.tree(), "push button", "Rewrite"); ok {
		t.Error("commands are offered on a password")
	}
	s.key("Escape")
	s.wait(5*time.Second, "the prompt to go", func() bool { return !s.active() })

	// Qwill is killed right after a replacement: the original comes back into its
	// place from the next one's settings.
	s.focus(gtk)
	if err := field.Delete(t.Context(), access.Range{From: 2, To: 3}); err != nil {
		t.Fatal(err)
	}
	s.key("ctrl+Home", "shift+End")
	result = s.throughPrompt(r)
	s.key("Return")
	s.wait(8*time.Second, "the editor to have the focus before the crash", func() bool { return s.run("xdotool", "getactivewindow") == gtk })
	s.wait(5*time.Second, "the result in the editor before the crash", func() bool { return read() == result+"\n"+secondLine+"\n" })
	qwill.signal(syscall.SIGKILL)
	qwill.ends(5 * time.Second)
	s.key("ctrl+Home", "Down", "shift+End", "ctrl+c") // what Qwill had kept of the clipboard went with it
	s.wait(5*time.Second, "the second line on the clipboard after the crash", func() bool { return s.copied() == secondLine })
	open(s)
	press := func(name string) {
		t.Helper()
		for end := time.Now().Add(15 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			all := r.tree()
			i := slices.IndexFunc(all, func(n node) bool { return n.role == "push button" && strings.HasPrefix(n.name, name) })
			if i >= 0 && all[i].is(stateFocused) {
				break
			}
			if i >= 0 { // it may have to be scrolled to
				_ = c.Object(access.Ref(all[i].ref)).GrabFocus(t.Context())
			}
			if time.Now().After(end) {
				s.photo("no-focus")
				t.Fatalf("%s has no focus in:\n%s", name, text(all))
			}
		}
		s.key("Return")
	}
	press("Settings")
	press("Privacy")
	press("Restore original")
	s.wait(10*time.Second, "the editor to have the focus for the original", func() bool { return s.run("xdotool", "getactivewindow") == gtk })
	s.wait(5*time.Second, "the original in its place", func() bool { return read() == firstLine+"\n"+secondLine+"\n" })
	s.photo("restored")
	if got := s.copied(); got != secondLine {
		t.Errorf("the clipboard holds %q after an original was restored, want %q", got, secondLine)
	}
}

// throughPrompt presses the shortcut on a selection and has the model rewrite
// it; then Insert has the focus. It gives what the model wrote.
func (s *session) throughPrompt(r *reader) string {
	s.t.Helper()
	before := len(s.messages())
	s.key("ctrl+alt+space")
	s.wait(8*time.Second, "the prompt", func() bool { w, _ := s.size(); return w == 640 && s.active() })
	r.wait(8*time.Second, "push button", "Rewrite") // the commands are offered on the text
	s.typeText("Say hello in three words")
	s.key("Return")
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if n, ok := find(r.tree(), "push button", "Insert"); ok && n.is(stateFocused) {
			break
		}
		if time.Now().After(end) {
			s.photo("no-insert")
			s.t.Fatalf("Insert is not offered in:\n%s", text(r.tree()))
		}
	}
	s.wait(5*time.Second, "the result to be kept", func() bool { return len(s.messages()) >= before+2 })
	m := s.last()
	if asked := s.messages()[len(s.messages())-2].content; !strings.HasSuffix(asked, firstLine) {
		s.t.Fatalf("the model was asked %q", asked)
	}
	if m.content == "" || m.content == firstLine {
		s.t.Fatalf("the model wrote %q", m.content)
	}
	return m.content
}

// shown waits for a window whose title contains name and gives its id.
func (s *session) shown(name string) string {
	s.t.Helper()
	var id string
	s.wait(20*time.Second, "the window "+name, func() bool {
		id, _, _ = strings.Cut(s.run("xdotool", "search", "--onlyvisible", "--name", name), "\n")
		return id != ""
	})
	return id
}

// focus gives a window the focus.
func (s *session) focus(id string) {
	s.t.Helper()
	s.wait(8*time.Second, "the focus", func() bool {
		if s.run("xdotool", "getactivewindow") == id && s.run("xdotool", "getwindowfocus") != "1" {
			return true
		}
		s.run("xdotool", "windowactivate", id)
		return false
	})
}

func (s *session) pid(window string) int {
	var n int
	for _, c := range s.run("xdotool", "getwindowpid", window) {
		n = n*10 + int(c-'0')
	}
	return n
}

func (s *session) accessibility() *access.Conn {
	s.t.Helper()
	for _, v := range s.env {
		if address, ok := strings.CutPrefix(v, "DBUS_SESSION_BUS_ADDRESS="); ok {
			s.t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
		}
	}
	c, err := access.Dial(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	return c
}

// client connects a program of the test's own to the display.
func (s *session) client() (*xgb.Conn, xproto.Window) {
	s.t.Helper()
	conn, err := xgb.NewConnDisplay(s.display)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	window, err := xproto.NewWindowId(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	screen := xproto.Setup(conn).DefaultScreen(conn)
	xproto.CreateWindow(conn, 0, window, screen.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly, screen.RootVisual, 0, nil)
	return conn, window
}

func (s *session) atom(conn *xgb.Conn, name string) xproto.Atom {
	s.t.Helper()
	a, err := xproto.InternAtom(conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		s.t.Fatal(err)
	}
	return a.Atom
}

// copied gives the text on the clipboard, as a third program sees it.
func (s *session) copied() string {
	s.t.Helper()
	conn, window := s.client()
	defer conn.Close()
	into := s.atom(conn, "COPIED")
	xproto.ConvertSelection(conn, window, s.atom(conn, "CLIPBOARD"), s.atom(conn, "UTF8_STRING"), into, xproto.TimeCurrentTime)
	defer time.AfterFunc(time.Second, conn.Close).Stop()
	for {
		e, err := conn.WaitForEvent()
		if e == nil && err == nil {
			return ""
		}
		if n, ok := e.(xproto.SelectionNotifyEvent); ok {
			if n.Property == 0 {
				return ""
			}
			p, err := xproto.GetProperty(conn, true, window, into, xproto.GetPropertyTypeAny, 0, 1<<16).Reply()
			if err != nil {
				return ""
			}
			return string(p.Value)
		}
	}
}
