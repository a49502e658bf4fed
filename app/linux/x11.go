//go:build linux

package linux

import (
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"qwill/app/shortcut"
)

// errTaken says that another program has grabbed the keys.
var errTaken = errors.New("another program uses these keys")

// The client logs to stderr what it returns as errors as well.
func init() { xgb.Logger = log.New(io.Discard, "", 0) }

// grab is a key of the X server that comes to us whoever has the focus.
type grab struct {
	conn     *xgb.Conn
	root     xproto.Window
	shortcut shortcut.Shortcut
	codes    []xproto.Keycode
	masks    []uint16 // the shortcut's modifiers with each state of the locks
}

// grabKey asks the X server of DISPLAY for a shortcut and calls press at each
// use. The grab lasts until close.
func grabKey(s shortcut.Shortcut, press func()) (*grab, error) {
	conn, err := xgb.NewConn()
	if err != nil {
		return nil, fmt.Errorf("connect to the X server: %w", err)
	}
	g := &grab{conn: conn, root: xproto.Setup(conn).DefaultScreen(conn).Root, shortcut: s}
	if err := g.take(); err != nil {
		conn.Close()
		return nil, err
	}
	go g.follow(press)
	return g, nil
}

// close gives the keys back: the server releases what a gone client grabbed.
func (g *grab) close() { g.conn.Close() }

func (g *grab) follow(press func()) {
	for {
		event, err := g.conn.WaitForEvent()
		if event == nil && err == nil {
			return // closed
		}
		switch e := event.(type) {
		case xproto.KeyPressEvent:
			// The grab has the whole keyboard until the key is released; the
			// window that comes now wants it at once.
			xproto.UngrabKeyboard(g.conn, e.Time)
			press()
		case xproto.MappingNotifyEvent: // another layout: the keys have moved
			if e.Request != xproto.MappingPointer {
				g.giveBack()
				_ = g.take() // what it lacks now comes with the next layout
			}
		}
	}
}

// take grabs the shortcut on every key that carries it.
func (g *grab) take() error {
	setup := xproto.Setup(g.conn)
	count := byte(setup.MaxKeycode - setup.MinKeycode + 1)
	keys, err := xproto.GetKeyboardMapping(g.conn, setup.MinKeycode, count).Reply()
	if err != nil {
		return fmt.Errorf("read the keyboard's layout: %w", err)
	}
	mods, err := xproto.GetModifierMapping(g.conn).Reply()
	if err != nil {
		return fmt.Errorf("read the keyboard's modifiers: %w", err)
	}
	layout := layout{first: setup.MinKeycode, columns: int(keys.KeysymsPerKeycode), syms: keys.Keysyms,
		perModifier: int(mods.KeycodesPerModifier), modifiers: mods.Keycodes}
	g.codes = layout.codes(symOf(g.shortcut.Key).sym)
	if len(g.codes) == 0 {
		return fmt.Errorf("this keyboard has no key %s", g.shortcut.Key)
	}
	g.masks = layout.masks(g.shortcut)
	for _, code := range g.codes {
		for _, mask := range g.masks {
			err := xproto.GrabKeyChecked(g.conn, true, g.root, mask, code, xproto.GrabModeAsync, xproto.GrabModeAsync).Check()
			if _, taken := err.(xproto.AccessError); taken {
				g.giveBack()
				return errTaken
			}
			if err != nil {
				g.giveBack()
				return fmt.Errorf("grab the key: %w", err)
			}
		}
	}
	return nil
}

func (g *grab) giveBack() {
	for _, code := range g.codes {
		for _, mask := range g.masks {
			xproto.UngrabKey(g.conn, code, g.root, mask)
		}
	}
}

// layout is the keyboard as the X server describes it.
type layout struct {
	first       xproto.Keycode
	columns     int // keysyms of one key
	syms        []xproto.Keysym
	perModifier int // keys of one modifier
	modifiers   []xproto.Keycode
}

// codes gives the keys that carry a symbol: those that type it unshifted in the
// first group, else any.
func (l layout) codes(sym uint32) []xproto.Keycode {
	var first, any []xproto.Keycode
	for i := 0; i+l.columns <= len(l.syms) && l.columns > 0; i += l.columns {
		for column, s := range l.syms[i : i+l.columns] {
			if uint32(s) != sym {
				continue
			}
			code := l.first + xproto.Keycode(i/l.columns)
			any = append(any, code)
			if column == 0 {
				first = append(first, code)
			}
			break
		}
	}
	if len(first) > 0 {
		return first
	}
	return any
}

// Keysyms that find modifiers (X11/keysymdef.h).
const (
	symNumLock    = 0xff7f
	symScrollLock = 0xff14
	symAlt        = 0xffe9
	symSuper      = 0xffeb
)

// modifier gives the mask of the modifier that has a key, else the usual one.
func (l layout) modifier(sym uint32, usual uint16) uint16 {
	for _, code := range l.codes(sym) {
		for i, c := range l.modifiers {
			if c == code && c != 0 && l.perModifier > 0 {
				return 1 << (i / l.perModifier)
			}
		}
	}
	return usual
}

// masks gives the modifiers of a shortcut with every state of the locks: to the
// X server a key with Caps Lock on is another key.
func (l layout) masks(s shortcut.Shortcut) []uint16 {
	var mask uint16
	for _, m := range []struct {
		on  bool
		bit uint16
	}{
		{s.Shift, xproto.ModMaskShift}, {s.Ctrl, xproto.ModMaskControl},
		{s.Alt, l.modifier(symAlt, xproto.ModMask1)}, {s.Super, l.modifier(symSuper, xproto.ModMask4)},
	} {
		if m.on {
			mask |= m.bit
		}
	}
	masks := []uint16{mask}
	for _, lock := range []uint16{xproto.ModMaskLock, l.modifier(symNumLock, xproto.ModMask2), l.modifier(symScrollLock, 0)} {
		if lock == 0 || mask&lock != 0 {
			continue
		}
		for _, m := range masks {
			masks = append(masks, m|lock)
		}
	}
	return masks
}
