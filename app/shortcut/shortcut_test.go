package shortcut

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for name, want := range map[string]string{
		"Ctrl+Alt+Space":       "Ctrl+Alt+Space",
		"alt + ctrl + space":   "Ctrl+Alt+Space",
		"Ctrl+Alt+ ":           "Ctrl+Alt+Space",
		"Super+J":              "Super+J",
		"cmd+shift+k":          "Shift+Super+K",
		"Meta+KeyK":            "Super+K",
		"Control+Digit7":       "Ctrl+7",
		"option+return":        "Alt+Enter",
		"F12":                  "F12",
		"Shift+F5":             "Shift+F5",
		"Ctrl+,":               "Ctrl+Comma",
		"Ctrl+`":               "Ctrl+Backquote",
		"Win+ArrowUp":          "Super+Up",
		"Ctrl+Alt+Shift+Cmd+Z": "Ctrl+Alt+Shift+Super+Z",
		"Print":                "Print",
	} {
		if got, err := Parse(name); err != nil || got.String() != want {
			t.Errorf("%q is %q, %v, want %q", name, got, err, want)
		}
	}
	for name, why := range map[string]string{
		"":              "lacks a key",
		"Ctrl":          "lacks a key",
		"Ctrl+":         "lacks a key",
		"+":             "lacks a key",
		"K":             "needs Ctrl, Alt or Super",
		"Shift+K":       "needs Ctrl, Alt or Super",
		"Space":         "needs Ctrl, Alt or Super",
		"F":             "needs Ctrl, Alt or Super",
		"Ctrl+K+Alt":    "after its key",
		"Ctrl+Ctrl+K":   "twice",
		"Ctrl+Banana":   "unknown key",
		"Ctrl+F25":      "unknown key",
		"Ctrl+key":      "unknown key",
		"Ctrl+Alt+Über": "unknown key",
	} {
		if got, err := Parse(name); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q is %q, %v, want an error with %q", name, got, err, why)
		}
	}
}

// Whatever a user types neither crashes nor changes when it is read again.
func TestNamesAreStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`((ctrl|Alt|SHIFT|super)\+){0,3}([a-z]|F[0-9]{1,2}|space|[,./])`)).Draw(t, "name")
		s, err := Parse(name)
		if err != nil {
			return
		}
		again, err := Parse(s.String())
		if err != nil || again != s {
			t.Fatalf("%q gives %v, which reads as %v, %v", name, s, again, err)
		}
	})
}
