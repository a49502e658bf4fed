//go:build linux

package windowtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qwill/app/linux/overlay"
)

// opening is what the starter goes on with.
const opening = "The capital of France is Paris. The capital of Italy is Rome. The capital of Germany"

// suggesting: a suggestion in another program's editor is shown, taken by words
// and whole, typed through and dismissed; no other key is kept from it.
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
	s.must("xdotool", "windowsize", "--sync", gtk, "1100", "400")
	s.focus(gtk)
	read := func() string { // what is in the editor, by the editor itself
		s.key("ctrl+s")
		time.Sleep(100 * time.Millisecond)
		b, _ := os.ReadFile(file)
		return strings.TrimSuffix(string(b), "\n")
	}
	card := func() string { return s.run("xdotool", "search", "--onlyvisible", "--name", "^"+overlay.Name+"$") }
	appears := func() { s.wait(20*time.Second, "a suggestion", func() bool { return card() != "" }) }
	goes := func(why string) {
		s.wait(5*time.Second, "the suggestion to go: "+why, func() bool { return card() == "" })
	}
	holds := func(what string, ok func(text string) bool) string {
		var text string
		s.wait(8*time.Second, what, func() bool { text = read(); return ok(text) })
		return text
	}

	s.typeText(opening)
	appears()
	s.photo("suggested")
	if w := s.run("xdotool", "getactivewindow"); w != gtk {
		t.Errorf("the focus went to %s", w)
	}

	s.key("Tab")
	word := holds("a word of it", func(text string) bool { return text != opening })
	if more, ok := strings.CutPrefix(word, opening); !ok || len(strings.Fields(more)) != 1 || strings.Contains(more, "\t") {
		t.Errorf("Tab put in %q", more)
	}
	t.Logf("%q", word)
	_, _ = a, goes
}
