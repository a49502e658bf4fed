//go:build linux

package linux

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Bounds on what another program's clipboard may cost.
const (
	clipTime  = 700 * time.Millisecond // of one form, or between two parts of one
	clipTotal = 4 * time.Second        // of all forms
	clipSize  = 64 << 20               // bytes of all forms
	clipForms = 64
	partSize  = 64 << 10 // bytes sent at once; more go in parts (ICCCM 2.7.2)
)

var errClipboard = errors.New("what was copied cannot be kept")

// form is what the clipboard holds in one type.
type form struct {
	kind   xproto.Atom
	format byte // bits of a unit
	data   []byte
}

// contents are the clipboard's, by target; nil means an empty clipboard.
type contents map[xproto.Atom]form

// clipboard is Qwill as the owner of the X clipboard, for a moment to paste
// from and afterwards with what was there before.
type clipboard struct {
	conn   *xgb.Conn
	window xproto.Window
	atoms  map[string]xproto.Atom
	events chan xgb.Event // for read: SelectionNotify, PropertyNotify of ours

	mu     sync.Mutex
	holds  contents
	owned  bool
	since  xproto.Timestamp
	served chan xproto.Window // who took our text
	parts  map[part][]byte    // what is being sent in parts
	format map[part]form
	stamp  chan xproto.Timestamp
}

type part struct {
	window   xproto.Window
	property xproto.Atom
}

func newClipboard() (*clipboard, error) {
	conn, err := xgb.NewConn()
	if err != nil {
		return nil, fmt.Errorf("connect to the X server: %w", err)
	}
	c := &clipboard{conn: conn, atoms: map[string]xproto.Atom{}, events: make(chan xgb.Event, 64), served: make(chan xproto.Window, 16),
		parts: map[part][]byte{}, format: map[part]form{}, stamp: make(chan xproto.Timestamp, 1)}
	if err := c.open(); err != nil {
		conn.Close()
		return nil, err
	}
	go c.follow()
	return c, nil
}

func (c *clipboard) open() error {
	for _, name := range []string{"CLIPBOARD", "TARGETS", "TIMESTAMP", "MULTIPLE", "SAVE_TARGETS", "DELETE", "INCR", "UTF8_STRING",
		"text/plain;charset=utf-8", "text/plain", "QWILL_CLIPBOARD", "QWILL_TIME", "x-kde-passwordManagerHint"} {
		a, err := xproto.InternAtom(c.conn, false, uint16(len(name)), name).Reply()
		if err != nil {
			return fmt.Errorf("read the X server's names: %w", err)
		}
		c.atoms[name] = a.Atom
	}
	var err error
	if c.window, err = xproto.NewWindowId(c.conn); err != nil {
		return err
	}
	screen := xproto.Setup(c.conn).DefaultScreen(c.conn)
	return xproto.CreateWindowChecked(c.conn, 0, c.window, screen.Root, 0, 0, 1, 1, 0, xproto.WindowClassInputOnly,
		screen.RootVisual, xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange}).Check()
}

// sameProgram says whether two windows belong to one program's connection.
func (c *clipboard) sameProgram(a, b xproto.Window) bool {
	mask := xproto.Setup(c.conn).ResourceIdMask // ids of one connection share the other bits
	return uint32(a)&^mask == uint32(b)&^mask
}

func (c *clipboard) close() { c.conn.Close() }

func (c *clipboard) follow() {
	for {
		event, err := c.conn.WaitForEvent()
		if event == nil && err == nil {
			close(c.events)
			return
		}
		switch e := event.(type) {
		case xproto.SelectionRequestEvent:
			c.answer(e)
		case xproto.SelectionClearEvent: // somebody copied
			c.mu.Lock()
			c.owned, c.holds = false, nil
			c.mu.Unlock()
		case xproto.SelectionNotifyEvent:
			c.pass(e)
		case xproto.PropertyNotifyEvent:
			switch {
			case e.Window == c.window && e.Atom == c.atoms["QWILL_TIME"]:
				select {
				case c.stamp <- e.Time:
				default:
				}
			case e.Window == c.window && e.State == xproto.PropertyNewValue:
				c.pass(e)
			case e.State == xproto.PropertyDelete:
				c.next(part{e.Window, e.Atom})
			}
		}
	}
}

func (c *clipboard) pass(e xgb.Event) {
	select {
	case c.events <- e:
	default: // nobody reads
	}
}

// now gives the server's time, which owners of a selection need.
func (c *clipboard) now() xproto.Timestamp {
	select {
	case <-c.stamp:
	default:
	}
	xproto.ChangeProperty(c.conn, xproto.PropModeAppend, c.window, c.atoms["QWILL_TIME"], xproto.AtomString, 8, 0, nil)
	select {
	case t := <-c.stamp:
		return t
	case <-time.After(clipTime):
		return xproto.TimeCurrentTime
	}
}

// own makes Qwill the owner with these contents.
func (c *clipboard) own(now contents) error {
	t := c.now()
	c.mu.Lock()
	c.holds, c.owned, c.since = now, true, t
	c.mu.Unlock()
	owner := c.window
	if now == nil {
		owner = 0
	}
	if err := xproto.SetSelectionOwnerChecked(c.conn, owner, c.atoms["CLIPBOARD"], t).Check(); err != nil {
		return fmt.Errorf("take the clipboard: %w", err)
	}
	if got, err := xproto.GetSelectionOwner(c.conn, c.atoms["CLIPBOARD"]).Reply(); err != nil || got.Owner != owner {
		return errors.New("another program took the clipboard")
	}
	return nil
}

// mine says whether nobody copied since own.
func (c *clipboard) mine() bool {
	got, err := xproto.GetSelectionOwner(c.conn, c.atoms["CLIPBOARD"]).Reply()
	c.mu.Lock()
	defer c.mu.Unlock()
	return err == nil && c.owned && got.Owner == c.window
}

// text is contents that hold one text. Managers of clipboards leave what bears
// the hint out of their history.
func (c *clipboard) text(s string) contents {
	utf := c.atoms["UTF8_STRING"]
	return contents{
		utf: {utf, 8, []byte(s)}, c.atoms["text/plain;charset=utf-8"]: {c.atoms["text/plain;charset=utf-8"], 8, []byte(s)},
		c.atoms["text/plain"]:                {c.atoms["text/plain"], 8, []byte(s)},
		c.atoms["x-kde-passwordManagerHint"]: {utf, 8, []byte("secret")},
	}
}

// save reads all that the clipboard holds, in every form. errClipboard when
// something of it cannot be kept.
func (c *clipboard) save() (contents, error) {
	got, err := xproto.GetSelectionOwner(c.conn, c.atoms["CLIPBOARD"]).Reply()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errClipboard, err)
	}
	if got.Owner == 0 {
		return nil, nil
	}
	if c.mine() { // from an insertion before
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.holds, nil
	}
	end := time.Now().Add(clipTotal)
	targets, ok, err := c.read(c.atoms["TARGETS"], end, 1<<16)
	if err != nil || !ok {
		return nil, fmt.Errorf("%w: its owner does not say what it is: %w", errClipboard, err)
	}
	all, size := contents{}, 0
	for i := 0; i+4 <= len(targets.data); i += 4 {
		target := xproto.Atom(binary.NativeEndian.Uint32(targets.data[i:]))
		switch target {
		case 0, c.atoms["TARGETS"], c.atoms["TIMESTAMP"], c.atoms["MULTIPLE"], c.atoms["SAVE_TARGETS"], c.atoms["DELETE"]:
			continue
		}
		if len(all) == clipForms {
			return nil, fmt.Errorf("%w: it has too many forms", errClipboard)
		}
		f, ok, err := c.read(target, end, clipSize-size)
		if err != nil {
			return nil, err
		}
		if ok { // else offered, and not given to anybody
			all[target] = f
			size += len(f.data)
		}
	}
	return all, nil
}

// read asks the clipboard's owner for one form; ok is false when it has none.
func (c *clipboard) read(target xproto.Atom, end time.Time, limit int) (f form, ok bool, err error) {
	for len(c.events) > 0 {
		<-c.events
	}
	property := c.atoms["QWILL_CLIPBOARD"]
	xproto.DeleteProperty(c.conn, c.window, property)
	xproto.ConvertSelection(c.conn, c.window, c.atoms["CLIPBOARD"], target, property, xproto.TimeCurrentTime)
	if _, err := c.await(end, func(e xgb.Event) bool {
		n, is := e.(xproto.SelectionNotifyEvent)
		ok = is && n.Property != 0
		return is && n.Target == target
	}); err != nil || !ok {
		return form{}, false, err
	}
	f, err = c.take(limit)
	if err != nil || f.kind != c.atoms["INCR"] {
		return f, err == nil, err
	}
	f = form{} // it comes in parts; the last one is empty
	for {
		if _, err := c.await(end, func(e xgb.Event) bool {
			n, is := e.(xproto.PropertyNotifyEvent)
			return is && n.Atom == property
		}); err != nil {
			return form{}, false, err
		}
		p, err := c.take(limit - len(f.data))
		if err != nil {
			return form{}, false, err
		}
		if p.kind == 0 {
			continue // the notice of the property that told of the parts
		}
		f.kind, f.format = p.kind, p.format
		if len(p.data) == 0 {
			return f, true, nil
		}
		f.data = append(f.data, p.data...)
	}
}

// take reads and deletes the property that the owner wrote.
func (c *clipboard) take(limit int) (form, error) {
	p, err := xproto.GetProperty(c.conn, true, c.window, c.atoms["QWILL_CLIPBOARD"], xproto.GetPropertyTypeAny, 0, uint32(max(limit, 0)/4+1)).Reply()
	if err != nil {
		return form{}, fmt.Errorf("%w: %w", errClipboard, err)
	}
	if p.BytesAfter > 0 || len(p.Value) > limit {
		return form{}, fmt.Errorf("%w: it is too large", errClipboard)
	}
	return form{p.Type, p.Format, p.Value}, nil
}

func (c *clipboard) await(end time.Time, is func(xgb.Event) bool) (xgb.Event, error) {
	limit := time.NewTimer(min(clipTime, time.Until(end)))
	defer limit.Stop()
	for {
		select {
		case e, ok := <-c.events:
			if !ok {
				return nil, fmt.Errorf("%w: the X server is gone", errClipboard)
			}
			if is(e) {
				return e, nil
			}
		case <-limit.C:
			return nil, fmt.Errorf("%w: its owner does not answer", errClipboard)
		}
	}
}

// answer gives a program what it asks the clipboard for.
func (c *clipboard) answer(e xproto.SelectionRequestEvent) {
	property := e.Property
	if property == 0 { // of old clients
		property = e.Target
	}
	c.mu.Lock()
	f, ok := c.holds[e.Target]
	switch {
	case !c.owned:
		ok = false
	case e.Target == c.atoms["TARGETS"]:
		f, ok = form{xproto.AtomAtom, 32, nil}, true
		for _, a := range []xproto.Atom{c.atoms["TARGETS"], c.atoms["TIMESTAMP"]} {
			f.data = binary.NativeEndian.AppendUint32(f.data, uint32(a))
		}
		for a := range c.holds {
			f.data = binary.NativeEndian.AppendUint32(f.data, uint32(a))
		}
	case e.Target == c.atoms["TIMESTAMP"]:
		f, ok = form{xproto.AtomInteger, 32, binary.NativeEndian.AppendUint32(nil, uint32(c.since))}, true
	case ok:
		select {
		case c.served <- e.Requestor:
		default:
		}
	}
	if ok && len(f.data) > partSize {
		p := part{e.Requestor, property}
		c.parts[p], c.format[p] = f.data, f
		xproto.ChangeWindowAttributes(c.conn, e.Requestor, xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange})
		f = form{c.atoms["INCR"], 32, binary.NativeEndian.AppendUint32(nil, uint32(len(f.data)))}
	}
	c.mu.Unlock()
	if ok {
		c.put(e.Requestor, property, f)
	} else {
		property = 0
	}
	note := xproto.SelectionNotifyEvent{Time: e.Time, Requestor: e.Requestor, Selection: e.Selection, Target: e.Target, Property: property}
	xproto.SendEvent(c.conn, false, e.Requestor, 0, string(note.Bytes()))
}

func (c *clipboard) put(window xproto.Window, property xproto.Atom, f form) {
	unit := max(1, int(f.format)/8)
	xproto.ChangeProperty(c.conn, xproto.PropModeReplace, window, property, f.kind, max(8, f.format), uint32(len(f.data)/unit), f.data)
}

// next sends the next part of a long form after the last one was taken; an
// empty one is the end.
func (c *clipboard) next(p part) {
	c.mu.Lock()
	left, ok := c.parts[p]
	f := c.format[p]
	n := min(len(left), partSize)
	f.data = left[:n]
	if ok && n == 0 {
		delete(c.parts, p)
		delete(c.format, p)
	} else if ok {
		c.parts[p] = left[n:]
	}
	c.mu.Unlock()
	if ok {
		c.put(p.window, p.property, f)
	}
}
