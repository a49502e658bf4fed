// Package shortcut reads the names of keyboard shortcuts, such as
// "Ctrl+Alt+Space", as the settings keep them and users type them.
package shortcut

import (
	"fmt"
	"slices"
	"strings"
)

// Shortcut is a key with its modifiers. Super is the key with a logo: Windows'
// or Command.
type Shortcut struct {
	Ctrl, Alt, Shift, Super bool
	Key                     string // one of Keys
}

// Keys lists every key that a shortcut can have, by its one name.
var Keys = keys()

func keys() []string {
	var all []string
	for c := 'A'; c <= 'Z'; c++ {
		all = append(all, string(c))
	}
	for c := '0'; c <= '9'; c++ {
		all = append(all, string(c))
	}
	for n := 1; n <= 24; n++ {
		all = append(all, fmt.Sprintf("F%d", n))
	}
	return append(all, "Space", "Tab", "Enter", "Escape", "Backspace", "Delete", "Insert", "Home", "End", "PageUp", "PageDown",
		"Up", "Down", "Left", "Right", "Minus", "Equal", "Comma", "Period", "Slash", "Backslash", "Semicolon", "Quote",
		"Backquote", "BracketLeft", "BracketRight", "Print", "Pause")
}

// aliases are further names, in lower case: those of browsers (KeyboardEvent.key
// and code), of Macs and of X.
var aliases = map[string]string{
	" ": "Space", "return": "Enter", "esc": "Escape", "del": "Delete", "ins": "Insert", "prior": "PageUp", "next": "PageDown",
	"arrowup": "Up", "arrowdown": "Down", "arrowleft": "Left", "arrowright": "Right", "pgup": "PageUp", "pgdn": "PageDown",
	"-": "Minus", "=": "Equal", ",": "Comma", ".": "Period", "/": "Slash", `\`: "Backslash", ";": "Semicolon", "'": "Quote",
	"`": "Backquote", "grave": "Backquote", "[": "BracketLeft", "]": "BracketRight", "apostrophe": "Quote",
	"printscreen": "Print", "page_up": "PageUp", "page_down": "PageDown",
}

var modifiers = map[string]func(*Shortcut) *bool{
	"ctrl": func(s *Shortcut) *bool { return &s.Ctrl }, "control": func(s *Shortcut) *bool { return &s.Ctrl },
	"alt": func(s *Shortcut) *bool { return &s.Alt }, "option": func(s *Shortcut) *bool { return &s.Alt },
	"shift": func(s *Shortcut) *bool { return &s.Shift },
	"super": func(s *Shortcut) *bool { return &s.Super }, "meta": func(s *Shortcut) *bool { return &s.Super },
	"cmd": func(s *Shortcut) *bool { return &s.Super }, "command": func(s *Shortcut) *bool { return &s.Super },
	"win": func(s *Shortcut) *bool { return &s.Super }, "logo": func(s *Shortcut) *bool { return &s.Super },
}

// Parse reads a name: modifiers and one key, joined by "+", in any case. A key
// that types text needs Ctrl, Alt or Super, for all other programs would lose
// it; function keys can stand alone.
func Parse(name string) (Shortcut, error) {
	var s Shortcut
	fail := func(format string, args ...any) (Shortcut, error) {
		return Shortcut{}, fmt.Errorf("the shortcut %q %s", name, fmt.Sprintf(format, args...))
	}
	for part := range strings.SplitSeq(name, "+") {
		part = strings.ToLower(part)
		if part != " " {
			part = strings.TrimSpace(part)
		}
		if part == "" {
			return fail("lacks a key: write it like Ctrl+Alt+Space")
		}
		if s.Key != "" {
			return fail("has something after its key: the key comes last")
		}
		if modifier := modifiers[part]; modifier != nil {
			if *modifier(&s) {
				return fail("has %s twice", part)
			}
			*modifier(&s) = true
			continue
		}
		if s.Key = key(part); s.Key == "" {
			return fail("has an unknown key %q", part)
		}
	}
	switch {
	case s.Key == "":
		return fail("lacks a key: write it like Ctrl+Alt+Space")
	case s.Ctrl || s.Alt || s.Super || alone(s.Key):
		return s, nil
	}
	return fail("needs Ctrl, Alt or Super")
}

// key gives a key's one name, "" when there is none.
func key(part string) string {
	if name := aliases[part]; name != "" {
		return name
	}
	for _, prefix := range []string{"", "key", "digit"} { // KeyK and Digit7 are a browser's codes
		if rest, ok := strings.CutPrefix(part, prefix); ok {
			if i := slices.IndexFunc(Keys, func(k string) bool { return strings.EqualFold(k, rest) }); i >= 0 {
				return Keys[i]
			}
		}
	}
	return ""
}

// alone says whether a key may be a shortcut without modifiers.
func alone(key string) bool {
	return len(key) > 1 && key[0] == 'F' || key == "Print" || key == "Pause"
}

// String gives the one name of the shortcut, which Parse reads back.
func (s Shortcut) String() string {
	var parts []string
	for _, m := range []struct {
		on   bool
		name string
	}{{s.Ctrl, "Ctrl"}, {s.Alt, "Alt"}, {s.Shift, "Shift"}, {s.Super, "Super"}} {
		if m.on {
			parts = append(parts, m.name)
		}
	}
	return strings.Join(append(parts, s.Key), "+")
}
