//go:build linux

package linux

import (
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"qwill/app/linux/keys"
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
	layout, err := keys.Read(g.conn)
	if err != nil {
		return err
	}
	g.codes = layout.Codes(symOf(g.shortcut.Key).sym)
	if len(g.codes) == 0 {
		return fmt.Errorf("this keyboard has no key %s", g.shortcut.Key)
	}
	g.masks = masks(layout, g.shortcut)
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

// masks gives the modifiers of a shortcut with every state of the locks.
func masks(l keys.Layout, s shortcut.Shortcut) []uint16 {
	var mask uint16
	for _, m := range []struct {
		on  bool
		bit uint16
	}{
		{s.Shift, xproto.ModMaskShift}, {s.Ctrl, xproto.ModMaskControl}, {s.Alt, l.Alt()}, {s.Super, l.Super()},
	} {
		if m.on {
			mask |= m.bit
		}
	}
	return l.Masks(mask)
}
