//go:build linux

package linux

import (
	"fmt"
	"strconv"
	"strings"

	"qwill/app/shortcut"
)

// keySym is a key as X and the portal know it: libxkbcommon's name and the
// number (X11/keysymdef.h).
type keySym struct {
	name string
	sym  uint32
}

var keySyms = map[string]keySym{
	"Space": {"space", 0x20}, "Tab": {"Tab", 0xff09}, "Enter": {"Return", 0xff0d}, "Escape": {"Escape", 0xff1b},
	"Backspace": {"BackSpace", 0xff08}, "Delete": {"Delete", 0xffff}, "Insert": {"Insert", 0xff63}, "Home": {"Home", 0xff50},
	"End": {"End", 0xff57}, "PageUp": {"Page_Up", 0xff55}, "PageDown": {"Page_Down", 0xff56}, "Up": {"Up", 0xff52},
	"Down": {"Down", 0xff54}, "Left": {"Left", 0xff51}, "Right": {"Right", 0xff53}, "Minus": {"minus", 0x2d},
	"Equal": {"equal", 0x3d}, "Comma": {"comma", 0x2c}, "Period": {"period", 0x2e}, "Slash": {"slash", 0x2f},
	"Backslash": {"backslash", 0x5c}, "Semicolon": {"semicolon", 0x3b}, "Quote": {"apostrophe", 0x27},
	"Backquote": {"grave", 0x60}, "BracketLeft": {"bracketleft", 0x5b}, "BracketRight": {"bracketright", 0x5d},
	"Print": {"Print", 0xff61}, "Pause": {"Pause", 0xff13},
}

// symOf gives the key of a shortcut that shortcut.Parse made.
func symOf(key string) keySym {
	if k, ok := keySyms[key]; ok {
		return k
	}
	if n, err := strconv.Atoi(key[1:]); err == nil && key[0] == 'F' {
		return keySym{key, 0xffbe + uint32(n) - 1}
	}
	lower := strings.ToLower(key) // a letter or a digit: its own code
	return keySym{lower, uint32(lower[0])}
}

// trigger is a shortcut in the form of the XDG shortcuts specification, which
// the portal takes: modifiers in capitals and the key's xkb name.
func trigger(s shortcut.Shortcut) string {
	var b strings.Builder
	for _, m := range []struct {
		on   bool
		name string
	}{{s.Ctrl, "CTRL"}, {s.Alt, "ALT"}, {s.Shift, "SHIFT"}, {s.Super, "LOGO"}} {
		if m.on {
			fmt.Fprintf(&b, "%s+", m.name)
		}
	}
	return b.String() + symOf(s.Key).name
}
