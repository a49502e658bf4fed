//go:build linux

package linux

import (
	"time"
	"unicode/utf8"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"qwill/app/shell"
)

// selectionTime bounds how long the other program may take to give its text.
const selectionTime = 300 * time.Millisecond

// Selection gives the text that is selected in the program that has the focus,
// "" when there is none or the session is not X11's. A selection that another
// program still holds from before is not meant.
func Selection() string {
	conn, err := xgb.NewConn()
	if err != nil {
		return ""
	}
	defer conn.Close()
	setup := xproto.Setup(conn)
	focus, err := xproto.GetInputFocus(conn).Reply()
	if err != nil {
		return ""
	}
	owner, err := xproto.GetSelectionOwner(conn, xproto.AtomPrimary).Reply()
	if err != nil || owner.Owner == 0 {
		return ""
	}
	// Ids of one program share the bits outside the mask.
	if uint32(owner.Owner)&^setup.ResourceIdMask != uint32(focus.Focus)&^setup.ResourceIdMask {
		return ""
	}
	return convert(conn, setup.DefaultScreen(conn))
}

// convert asks the owner of the primary selection for its text.
func convert(conn *xgb.Conn, screen *xproto.ScreenInfo) string {
	window, err := xproto.NewWindowId(conn)
	if err != nil {
		return ""
	}
	if err := xproto.CreateWindowChecked(conn, 0, window, screen.Root, 0, 0, 1, 1, 0,
		xproto.WindowClassInputOnly, screen.RootVisual, 0, nil).Check(); err != nil {
		return ""
	}
	utf, err := xproto.InternAtom(conn, false, 11, "UTF8_STRING").Reply()
	if err != nil {
		return ""
	}
	property, err := xproto.InternAtom(conn, false, 15, "QWILL_SELECTION").Reply()
	if err != nil {
		return ""
	}
	xproto.ConvertSelection(conn, window, xproto.AtomPrimary, utf.Atom, property.Atom, xproto.TimeCurrentTime)
	timeout := time.AfterFunc(selectionTime, conn.Close)
	defer timeout.Stop()
	for {
		event, err := conn.WaitForEvent()
		if event == nil && err == nil {
			return "" // it took too long
		}
		done, ok := event.(xproto.SelectionNotifyEvent)
		if !ok {
			continue
		}
		if done.Property == 0 {
			return "" // no text
		}
		p, err2 := xproto.GetProperty(conn, true, window, property.Atom, utf.Atom, 0, shell.TextLimit/4).Reply()
		// A longer text comes in parts, of another type: too long here anyway.
		if err2 != nil || p.Type != utf.Atom || p.BytesAfter > 0 || !utf8.Valid(p.Value) {
			return ""
		}
		return string(p.Value)
	}
}
