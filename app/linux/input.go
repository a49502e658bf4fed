//go:build linux

package linux

import (
	"errors"
	"fmt"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"qwill/app/linux/keys"
)

// screen reads and sets what has the focus on an X11 display, and presses keys.
type screen struct {
	conn *xgb.Conn
	root xproto.Window
}

func newScreen() (*screen, error) {
	if wayland() {
		return nil, errWayland
	}
	conn, err := xgb.NewConn()
	if err != nil {
		return nil, fmt.Errorf("connect to the X server: %w", err)
	}
	return &screen{conn, xproto.Setup(conn).DefaultScreen(conn).Root}, nil
}

func (s *screen) close() { s.conn.Close() }

func (s *screen) atom(name string) xproto.Atom {
	a, err := xproto.InternAtom(s.conn, false, uint16(len(name)), name).Reply()
	if err != nil {
		return 0
	}
	return a.Atom
}

// property reads one number of a window, 0 when there is none.
func (s *screen) property(w xproto.Window, name string) uint32 {
	p, err := xproto.GetProperty(s.conn, false, w, s.atom(name), xproto.GetPropertyTypeAny, 0, 1).Reply()
	if err != nil || len(p.Value) < 4 {
		return 0
	}
	return xgb.Get32(p.Value)
}

// active gives the window that the window manager says is in front.
func (s *screen) active() xproto.Window {
	return xproto.Window(s.property(s.root, "_NET_ACTIVE_WINDOW"))
}

// pid gives a window's process, 0 unknown.
func (s *screen) pid(w xproto.Window) int { return int(s.property(w, "_NET_WM_PID")) }

// activate asks the window manager to give a window the focus, as a pager does.
func (s *screen) activate(w xproto.Window) {
	e := xproto.ClientMessageEvent{Format: 32, Window: w, Type: s.atom("_NET_ACTIVE_WINDOW"),
		Data: xproto.ClientMessageDataUnionData32New([]uint32{2, 0, 0, 0, 0})}
	xproto.SendEvent(s.conn, false, s.root, xproto.EventMaskSubstructureRedirect|xproto.EventMaskSubstructureNotify, string(e.Bytes()))
}

// paste presses Ctrl+V once no modifier is held any more.
func (s *screen) paste() error {
	if err := xtest.Init(s.conn); err != nil {
		return fmt.Errorf("press keys: %w", err)
	}
	l, err := keys.Read(s.conn)
	if err != nil {
		return err
	}
	v, ctrl := l.Codes(keys.SymV), l.Codes(keys.SymControl)
	if len(v) == 0 || len(ctrl) == 0 {
		return errors.New("this keyboard has no Ctrl+V")
	}
	const held = xproto.ModMaskShift | xproto.ModMaskControl | xproto.ModMask1 | xproto.ModMask4
	for end := time.Now().Add(1500 * time.Millisecond); ; time.Sleep(20 * time.Millisecond) {
		p, err := xproto.QueryPointer(s.conn, s.root).Reply()
		if err != nil {
			return fmt.Errorf("read the keyboard: %w", err)
		}
		if p.Mask&held == 0 {
			break
		}
		if time.Now().After(end) {
			return errors.New("a key is still held down")
		}
	}
	for _, k := range []struct {
		kind byte
		code xproto.Keycode
	}{{xproto.KeyPress, ctrl[0]}, {xproto.KeyPress, v[0]}, {xproto.KeyRelease, v[0]}, {xproto.KeyRelease, ctrl[0]}} {
		xtest.FakeInput(s.conn, k.kind, byte(k.code), 0, s.root, 0, 0, 0)
	}
	_, err = xproto.GetInputFocus(s.conn).Reply() // all of it has arrived
	return err
}
