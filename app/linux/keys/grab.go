//go:build linux

package keys

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Patience is how long a press may wait for its answer. The keyboard stands
// still meanwhile; then the program gets the key, whatever the answer would be.
const Patience = 250 * time.Millisecond

// Names of the keys that a Grab borrows, as in a page's KeyboardEvent.key.
const (
	Tab    = "Tab"
	Escape = "Escape"
)

// Grab borrows Tab, Shift-Tab and Escape of one window while Hold lasts. Each
// press stops at the X server until it is answered: then it is swallowed, or
// goes on to the program as if there were no grab. All other keys never come
// here. The server takes the grab back when the connection or the process ends.
type Grab struct {
	// Presses are the borrowed keys, in order. Who receives one answers it.
	Presses <-chan *Press

	conn    *xgb.Conn
	presses chan *Press
	ended   chan struct{}

	mu     sync.Mutex
	window xproto.Window // 0: nothing is borrowed
	keys   []borrowed
}

// borrowed is one combination that the server knows.
type borrowed struct {
	code xproto.Keycode
	mask uint16
	name string
}

// Press is a borrowed key that went down.
type Press struct {
	Name   string // Tab or Escape
	Shift  bool
	Window xproto.Window

	state  atomic.Int32 // open, answered or late
	answer chan bool
}

const (
	open = iota
	answered
	late
)

// Answer decides about a key: swallow keeps it from the program. It is false
// when the answer came too late, and the program has got the key.
func (p *Press) Answer(swallow bool) bool {
	if !p.state.CompareAndSwap(open, answered) {
		return false
	}
	p.answer <- swallow
	return true
}

// NewGrab connects to the X server of DISPLAY and borrows nothing yet.
func NewGrab() (*Grab, error) {
	conn, err := xgb.NewConn()
	if err != nil {
		return nil, fmt.Errorf("connect to the X server: %w", err)
	}
	presses := make(chan *Press)
	g := &Grab{Presses: presses, presses: presses, conn: conn, ended: make(chan struct{})}
	go g.follow()
	return g, nil
}

// Close gives the keys back and ends the connection.
func (g *Grab) Close() {
	g.Release()
	g.conn.Close()
	<-g.ended
}

// Hold borrows the keys of a window, and of no other one any more. It is an
// error, and nothing is borrowed, when another program has one of them.
func (g *Grab) Hold(window xproto.Window) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.window == window {
		return nil
	}
	g.release()
	return g.take(window)
}

// Release gives the keys back; when it returns the server has done it.
func (g *Grab) Release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.release()
}

func (g *Grab) take(window xproto.Window) error {
	layout, err := Read(g.conn)
	if err != nil {
		return err
	}
	g.window = window
	for _, k := range []struct {
		sym  uint32
		mask uint16
		name string
	}{{SymTab, 0, Tab}, {SymTab, xproto.ModMaskShift, Tab}, {SymEscape, 0, Escape}} {
		for _, code := range layout.Codes(k.sym) {
			for _, mask := range layout.Masks(k.mask) {
				// The keyboard stands still at a press (synchronous), the pointer does not.
				err := xproto.GrabKeyChecked(g.conn, true, window, mask, code, xproto.GrabModeAsync, xproto.GrabModeSync).Check()
				if err != nil {
					g.release()
					return fmt.Errorf("borrow %s: %w", k.name, err)
				}
				g.keys = append(g.keys, borrowed{code, mask, k.name})
			}
		}
	}
	return nil
}

func (g *Grab) release() {
	if g.window == 0 {
		return
	}
	for _, k := range g.keys {
		xproto.UngrabKey(g.conn, k.code, g.window, k.mask)
	}
	_, _ = xproto.GetInputFocus(g.conn).Reply() // all of it has arrived
	g.window, g.keys = 0, nil
}

// name gives the key of an event; the keyboard's layout may have changed since.
func (g *Grab) name(code xproto.Keycode) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range g.keys {
		if k.code == code {
			return k.name
		}
	}
	return ""
}

func (g *Grab) follow() {
	defer close(g.ended)
	defer close(g.presses)
	for {
		event, err := g.conn.WaitForEvent()
		if event == nil && err == nil {
			return // closed
		}
		switch e := event.(type) {
		case xproto.KeyPressEvent:
			if g.decide(e) {
				xproto.AllowEvents(g.conn, xproto.AllowAsyncKeyboard, e.Time)
				xproto.UngrabKeyboard(g.conn, e.Time) // else the grab lasts until the key is released
			} else {
				xproto.AllowEvents(g.conn, xproto.AllowReplayKeyboard, e.Time)
			}
		case xproto.MappingNotifyEvent: // another layout: the keys have moved
			if e.Request == xproto.MappingPointer {
				continue
			}
			g.mu.Lock()
			if window := g.window; window != 0 {
				g.release()
				_ = g.take(window) // what it lacks is not borrowed
			}
			g.mu.Unlock()
		}
	}
}

// decide waits for the answer, for Patience at most.
func (g *Grab) decide(e xproto.KeyPressEvent) bool {
	p := &Press{Name: g.name(e.Detail), Shift: e.State&xproto.ModMaskShift != 0, Window: e.Event, answer: make(chan bool, 1)}
	if p.Name == "" {
		return false
	}
	limit := time.NewTimer(Patience)
	defer limit.Stop()
	select {
	case g.presses <- p:
	case <-limit.C:
		p.state.Store(late)
		return false
	}
	select {
	case swallow := <-p.answer:
		return swallow
	case <-limit.C:
		if p.state.CompareAndSwap(open, late) {
			return false
		}
		return <-p.answer
	}
}
