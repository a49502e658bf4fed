//go:build linux

package linux

import (
	"context"
	"encoding/binary"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/jezek/xgb/xproto"

	"qwill/app/linux/atspi"
	"qwill/app/shell"
)

// Find gives the place of a text in another program's editor: of the program of
// that name, of any for "". It must stand in one place only, else nobody could say
// which one is meant: shell.ErrGone.
func (e *Editor) Find(ctx context.Context, program, text string) (shell.Place, error) {
	if text == "" || len(text) > shell.TextLimit {
		return nil, shell.ErrGone
	}
	c, err := e.bus(ctx)
	if err != nil {
		return nil, shell.ErrUnsupported
	}
	var places []*place
	err = c.Fields(ctx, program, os.Getpid(), func(window, field atspi.Object) bool {
		all, err := field.All(ctx)
		if err != nil {
			return true
		}
		for at := 0; len(places) < 2; {
			i := strings.Index(all[at:], text)
			if i < 0 {
				break
			}
			from := utf8.RuneCountInString(all[:at+i])
			places = append(places, &place{editor: e, program: program, field: field, text: text, window: windowOf(ctx, window),
				at: atspi.Range{From: from, To: from + utf8.RuneCountInString(text)}})
			at += i + 1 // they may overlap; an index inside a character finds nothing more
			for at < len(all) && !utf8.RuneStart(all[at]) {
				at++
			}
		}
		return len(places) < 2
	})
	switch {
	case len(places) == 1 && err == nil:
		return places[0], nil
	case err != nil && ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, shell.ErrGone
}

// windowOf gives the X window that an accessible one is, by its program and its
// title; 0 where it is not found.
func windowOf(ctx context.Context, o atspi.Object) xproto.Window {
	app, err := o.App(ctx)
	if err != nil {
		return 0
	}
	title, _ := o.Name(ctx)
	s, err := newScreen()
	if err != nil {
		return 0
	}
	defer s.close()
	var found []xproto.Window
	for _, w := range s.windows() {
		if s.pid(w) != app.PID {
			continue
		}
		if s.title(w) == title {
			return w
		}
		found = append(found, w)
	}
	if len(found) == 1 {
		return found[0]
	}
	return 0
}

// windows lists the windows that the window manager manages.
func (s *screen) windows() []xproto.Window {
	raw := s.bytes(s.root, "_NET_CLIENT_LIST")
	all := make([]xproto.Window, 0, len(raw)/4)
	for ; len(raw) >= 4; raw = raw[4:] {
		all = append(all, xproto.Window(binary.NativeEndian.Uint32(raw)))
	}
	return all
}

func (s *screen) title(w xproto.Window) string { return string(s.bytes(w, "_NET_WM_NAME")) }

// bytes is a property's value, nil where there is none.
func (s *screen) bytes(w xproto.Window, name string) []byte {
	const words = 4096
	p, err := xproto.GetProperty(s.conn, false, w, s.atom(name), xproto.GetPropertyTypeAny, 0, words).Reply()
	if err != nil {
		return nil
	}
	return p.Value
}
