//go:build linux

package linux

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jezek/xgb/xproto"

	"qwill/app/linux/atspi"
	"qwill/app/linux/keys"
	"qwill/app/linux/overlay"
	"qwill/app/suggest"
)

// Times of the driver.
const (
	pressTime = keys.Patience * 3 / 5  // to find out what a borrowed key means
	focusTime = 60 * time.Millisecond  // until a lost focus is believed: borrowing a key moves it for a moment
	caretTime = 100 * time.Millisecond // until the caret of an insertion is not waited for
	lookTime  = 80 * time.Millisecond  // between looks at whether what is shown is still in its place
	writeTime = 5 * time.Second
)

// driver carries the effects of a session out, and tells it what happens in the
// field that has the keyboard. All of it runs on one goroutine; what other
// programs do can hold that up, but no key longer than keys.Patience.
type driver struct {
	owner    *Suggestions
	conn     *atspi.Conn
	screen   *screen // what is in front
	grab     *keys.Grab
	window   *overlay.Window
	session  Session
	composer *composer

	field    *field // nil: none has the keyboard
	texts    <-chan atspi.Event
	unwatch  context.CancelFunc // of texts
	shown    *shown
	parked   *parked      // instead of shown: its place moves
	text     suggest.Text // as it was read last
	caret    int          // where the last insertion leaves the caret; negative: none is awaited
	awaited  time.Time    // since when
	declined bool         // what the session puts in now is left out

	mu    sync.Mutex
	queue []suggest.Effect
	wake  chan struct{}
}

// shown is the suggestion on the screen.
type shown struct {
	what    suggest.Show
	trusted bool
	caret   image.Rectangle
	window  image.Rectangle
}

// parked is a suggestion that was on the screen until its place began to move:
// by scrolling, or with the window. It comes back where that comes to rest.
type parked struct {
	what    suggest.Show
	trusted bool // the caret's place was
	caret   image.Rectangle
	window  image.Rectangle
}

func newDriver(ctx context.Context, s *Suggestions) (_ *driver, err error) {
	d := &driver{owner: s, caret: -1, wake: make(chan struct{}, 1)}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.screen, err = newScreen(); err != nil {
		return nil, err
	}
	if d.composer, err = newComposer(d.screen); err != nil {
		return nil, err
	}
	if d.conn, err = atspi.Dial(ctx); err != nil {
		return nil, err
	}
	if d.grab, err = keys.NewGrab(); err != nil {
		return nil, err
	}
	if d.window, err = overlay.Open(s.Cache); err != nil {
		return nil, err
	}
	return d, nil
}

// close takes everything back, the keys first.
func (d *driver) close() {
	if d.grab != nil {
		d.grab.Close()
	}
	if d.window != nil {
		d.window.Close()
	}
	if d.unwatch != nil {
		d.unwatch()
	}
	if d.session != nil {
		d.session.Close()
	}
	if d.conn != nil {
		d.conn.Close()
	}
	if d.screen != nil {
		d.screen.close()
	}
	d.owner.enters("")
}

// tell takes an effect; it never blocks, and is called with the session's lock.
func (d *driver) tell(e suggest.Effect) {
	d.mu.Lock()
	d.queue = append(d.queue, e)
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// run follows the focus until ctx ends.
func (d *driver) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	focus, err := d.conn.Watch(ctx, atspi.FocusChanged)
	if err != nil {
		return err
	}
	front, err := d.screen.follow()
	if err != nil {
		return err
	}
	d.session = d.owner.New(d.tell, d.owner.said)
	check := time.NewTimer(0) // of the focus
	defer check.Stop()
	look := time.NewTicker(lookTime)
	defer look.Stop()
	down := time.NewTicker(downTime)
	defer down.Stop()
	for {
		looking := look.C
		if d.shown == nil && d.parked == nil && d.caret < 0 {
			looking = nil // nothing to look at
		}
		typing := down.C
		if d.shown == nil {
			typing = nil
			d.composer.rest()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.conn.Closed():
			return errors.New("the accessibility bus has ended")
		case press, ok := <-d.grab.Presses:
			if !ok {
				return errors.New("the display is gone")
			}
			d.pressed(ctx, press)
		case _, ok := <-front:
			if !ok {
				return errors.New("the display is gone")
			}
			if d.field != nil && d.screen.active() != d.field.window {
				d.leave()
			}
			check.Reset(focusTime)
		case e, ok := <-focus:
			if !ok {
				continue // ctx or the bus: the next turn knows
			}
			switch {
			case e.A == 0: // lost, or for a moment only
				if d.field != nil && e.Source.Ref == d.field.object.Ref {
					check.Reset(focusTime)
				}
			case d.field == nil || e.Source.Ref != d.field.object.Ref:
				d.enter(ctx, e.Source)
			}
		case <-check.C:
			hint := atspi.Object{}
			if d.field != nil {
				hint = d.field.object
			}
			d.enter(ctx, hint)
		case e, ok := <-d.texts:
			if !ok {
				d.texts = nil
				continue
			}
			d.changed(ctx, e)
		case <-looking:
			d.look(ctx)
		case <-typing:
			if d.composer.look(time.Now()) {
				d.composes()
			}
		case <-d.wake:
		}
		d.carryAll(ctx)
	}
}

// enter tells the session which field has the keyboard.
func (d *driver) enter(ctx context.Context, hint atspi.Object) {
	f, ok := d.find(ctx, hint)
	if !ok {
		d.leave()
		return
	}
	if d.field != nil && d.field.about == f.about && d.field.window == f.window {
		return
	}
	if d.field != nil && d.field.about.ID == f.about.ID && d.field.about.Secure {
		f.about.Secure = true // a password that is made visible stays one
	}
	d.leave()
	d.field = &f
	d.owner.enters(f.about.App)
	d.session.Do(suggest.Focus{Field: f.about})
}

// leave tells it that none has.
func (d *driver) leave() {
	if d.field == nil {
		return
	}
	d.take()
	d.session.Do(suggest.Blur{})
	d.field, d.composer.on = nil, false
	d.owner.enters("")
}

// again makes the session forget what it knows of the field: nothing is shown
// until something is typed.
func (d *driver) again(ctx context.Context) {
	if d.field == nil {
		return
	}
	d.take()
	d.composer.on = false
	d.session.Do(suggest.Blur{}, suggest.Focus{Field: d.field.about})
	d.carryAll(ctx)
}

// changed looks at the text after an event of the field.
func (d *driver) changed(ctx context.Context, e atspi.Event) {
	if d.field == nil {
		return
	}
	for more := true; more; { // what else has come is seen in one look
		if e.Source.Ref == d.field.object.Ref {
			switch {
			case e.Kind == atspi.TextChanged && strings.HasPrefix(e.Detail, "insert"):
				d.caret, d.awaited = e.A+e.B, e.At
			case e.Kind == atspi.TextChanged:
				d.caret = -1
			}
		}
		select {
		case next, ok := <-d.texts:
			if more = ok; ok {
				e = next
			}
		default:
			more = false
		}
	}
	d.look(ctx)
}

// look reads the text and whether what is shown is still in its place.
func (d *driver) look(ctx context.Context) {
	if d.field == nil || d.unwatch == nil {
		return
	}
	if !d.tellText(ctx) {
		return
	}
	d.carryAll(ctx)
	switch {
	case d.shown != nil:
		s := d.shown
		anchor, err := d.anchor(ctx, s.what.At)
		if err != nil || anchor.Caret != s.caret || anchor.Window != s.window {
			d.take()
			d.parked = &parked{s.what, s.trusted, anchor.Caret, anchor.Window}
		}
	case d.parked != nil:
		p := d.parked
		anchor, err := d.anchor(ctx, p.what.At)
		if err != nil || anchor.Caret != p.caret || anchor.Window != p.window || p.trusted && !anchor.Trusted() {
			p.caret, p.window = anchor.Caret, anchor.Window // it still moves, or is out of sight
			return
		}
		d.show(ctx, p.what)
	}
}

// anchor finds where a suggestion at a caret offset would be.
func (d *driver) anchor(ctx context.Context, at int) (overlay.Anchor, error) {
	caret, whole := d.field.places(ctx, at)
	return d.window.Find(d.field.window, caret, whole)
}

// tellText reads the text and tells the session; false when it does not stand
// still yet, or cannot be read.
func (d *driver) tellText(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, pressTime)
	defer cancel()
	text, secure, ok := d.field.read(ctx)
	if secure {
		d.field.about.Secure = true
		d.take()
		d.session.Do(suggest.Focus{Field: d.field.about})
		return false
	}
	if !ok {
		return false
	}
	// Some programs move the caret a moment after they have put the text in.
	if d.caret >= 0 && text.Caret < d.caret && time.Since(d.awaited) < caretTime {
		return false
	}
	d.caret = -1
	if text != d.text {
		d.text = text
		d.composed()
	}
	d.session.Do(text)
	return true
}

// pressed decides about a borrowed key. The keyboard waits for it.
func (d *driver) pressed(ctx context.Context, p *keys.Press) {
	if d.shown == nil || d.field == nil || p.Window != d.field.window {
		p.Answer(false)
		return
	}
	// What was typed just before counts first.
	if !d.tellText(ctx) {
		p.Answer(false)
		return
	}
	d.carryAll(ctx)
	if d.shown == nil {
		p.Answer(false)
		return
	}
	swallow := d.session.Do(suggest.Key{Name: p.Name, Shift: p.Shift, Shown: d.shown.what.ID})
	if !p.Answer(swallow) && swallow { // too late: the program has the key, so nothing is put in
		d.declined = true
		d.carryAll(ctx)
		d.declined = false
		d.again(ctx)
		return
	}
	d.carryAll(ctx)
}

// carryAll carries out what has gathered.
func (d *driver) carryAll(ctx context.Context) {
	for {
		d.mu.Lock()
		if len(d.queue) == 0 {
			d.mu.Unlock()
			return
		}
		e := d.queue[0]
		d.queue = d.queue[1:]
		d.mu.Unlock()
		d.carry(ctx, e)
	}
}

func (d *driver) carry(ctx context.Context, e suggest.Effect) {
	switch e := e.(type) {
	case suggest.Watch:
		d.watch(ctx, e.Field)
	case suggest.Unwatch:
		d.take()
		if d.unwatch != nil {
			d.unwatch()
			d.unwatch, d.texts = nil, nil
		}
	case suggest.Show:
		d.show(ctx, e)
	case suggest.Hide:
		d.take()
	case suggest.Insert:
		if d.field == nil || d.declined {
			return
		}
		f := *d.field
		if !f.writable { // pasting presses keys of its own
			d.take()
		}
		ctx, cancel := context.WithTimeout(ctx, writeTime)
		defer cancel()
		if err := f.write(ctx, d.owner.Editor, e.At, e.Text); err != nil {
			slog.Warn("an accepted suggestion did not come to its place", "program", f.about.App, "error", err)
			d.again(ctx)
		}
	}
}

// watch begins to read the field: from now on its events are asked for.
func (d *driver) watch(ctx context.Context, f suggest.Field) {
	if d.field == nil || d.field.about.ID != f.ID {
		return // another one has the keyboard meanwhile
	}
	if d.unwatch != nil {
		d.unwatch()
	}
	ctx, d.unwatch = context.WithCancel(ctx)
	var err error
	if d.texts, err = d.conn.Watch(ctx, atspi.TextChanged, atspi.CaretMoved, atspi.SelectionChanged); err != nil {
		slog.Warn("a program's text cannot be followed", "error", err)
		return
	}
	d.caret = -1
	d.tellText(ctx)
}

// show puts a suggestion on the screen: the keys first, so that what is seen can
// be taken.
func (d *driver) show(ctx context.Context, e suggest.Show) {
	if d.field == nil {
		return
	}
	if err := d.grab.Hold(d.field.window); err != nil {
		slog.Info("no suggestion is shown", "reason", err)
		d.hidden(ctx)
		return
	}
	anchor, err := d.anchor(ctx, e.At)
	if err == nil {
		var kind overlay.Kind
		kind, err = d.window.Show(strings.Join(e.Parts, ""), anchor)
		slog.Debug("a suggestion is shown", "program", d.field.about.App, "place", kind, "error", err)
	}
	if err != nil {
		slog.Info("no suggestion is shown", "reason", err)
		d.hidden(ctx)
		return
	}
	d.shown, d.parked = &shown{e, anchor.Trusted(), anchor.Caret, anchor.Window}, nil
}

// hidden notes that this program cannot show it.
func (d *driver) hidden(ctx context.Context) {
	d.again(ctx)
	d.owner.said(suggest.NoPlace)
}

// take removes what is shown and gives the keys back, these first.
func (d *driver) take() {
	d.shown, d.parked = nil, nil
	d.grab.Release()
	d.window.Hide()
}

// follow tells of each change of the window in front, until the display is gone.
func (s *screen) follow() (<-chan struct{}, error) {
	active := s.atom("_NET_ACTIVE_WINDOW")
	err := xproto.ChangeWindowAttributesChecked(s.conn, s.root, xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange}).Check()
	if err != nil {
		return nil, err
	}
	changes := make(chan struct{}, 1)
	go func() {
		defer close(changes)
		for {
			event, err := s.conn.WaitForEvent()
			if event == nil && err == nil {
				return
			}
			if e, ok := event.(xproto.PropertyNotifyEvent); ok && e.Atom == active {
				select {
				case changes <- struct{}{}:
				default:
				}
			}
		}
	}()
	return changes, nil
}
