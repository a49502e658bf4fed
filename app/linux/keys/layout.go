//go:build linux

// Package keys knows the keyboard of an X server: which keys carry a symbol,
// and how the few keys that a shown suggestion needs are borrowed from a window.
package keys

import (
	"fmt"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Keysyms that are looked for here and by callers (X11/keysymdef.h).
const (
	SymTab     = 0xff09
	SymEscape  = 0xff1b
	SymControl = 0xffe3 // the left one
	SymV       = 0x76

	symNumLock    = 0xff7f
	symScrollLock = 0xff14
	symAlt        = 0xffe9
	symSuper      = 0xffeb
)

// Layout is the keyboard as the X server describes it.
type Layout struct {
	First       xproto.Keycode
	Columns     int // keysyms of one key
	Syms        []xproto.Keysym
	PerModifier int // keys of one modifier
	Modifiers   []xproto.Keycode
}

// Read asks the X server for the layout in force.
func Read(conn *xgb.Conn) (Layout, error) {
	setup := xproto.Setup(conn)
	all, err := xproto.GetKeyboardMapping(conn, setup.MinKeycode, byte(setup.MaxKeycode-setup.MinKeycode+1)).Reply()
	if err != nil {
		return Layout{}, fmt.Errorf("read the keyboard's layout: %w", err)
	}
	mods, err := xproto.GetModifierMapping(conn).Reply()
	if err != nil {
		return Layout{}, fmt.Errorf("read the keyboard's modifiers: %w", err)
	}
	return Layout{First: setup.MinKeycode, Columns: int(all.KeysymsPerKeycode), Syms: all.Keysyms,
		PerModifier: int(mods.KeycodesPerModifier), Modifiers: mods.Keycodes}, nil
}

// Codes gives the keys that carry a symbol: those that type it unshifted in the
// first group, else any.
func (l Layout) Codes(sym uint32) []xproto.Keycode {
	var first, any []xproto.Keycode
	for i := 0; i+l.Columns <= len(l.Syms) && l.Columns > 0; i += l.Columns {
		for column, s := range l.Syms[i : i+l.Columns] {
			if uint32(s) != sym {
				continue
			}
			code := l.First + xproto.Keycode(i/l.Columns)
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

// Alt and Super give the masks of these modifiers.
func (l Layout) Alt() uint16   { return l.modifier(symAlt, xproto.ModMask1) }
func (l Layout) Super() uint16 { return l.modifier(symSuper, xproto.ModMask4) }

// modifier gives the mask of the modifier that has a key, else the usual one.
func (l Layout) modifier(sym uint32, usual uint16) uint16 {
	for _, code := range l.Codes(sym) {
		for i, c := range l.Modifiers {
			if c == code && c != 0 && l.PerModifier > 0 {
				return 1 << (i / l.PerModifier)
			}
		}
	}
	return usual
}

// Masks gives modifiers with every state of the locks: to the X server a key
// with Caps Lock on is another key.
func (l Layout) Masks(mask uint16) []uint16 {
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
