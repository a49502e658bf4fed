//go:build linux

package linux

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jezek/xgb/xproto"

	"qwill/app/linux/atspi"
	"qwill/app/shell"
)

// Bounds on what capturing and inserting may take.
const (
	captureTime = 900 * time.Millisecond
	frontTime   = 3 * time.Second // until a window has the focus
	takenTime   = 4 * time.Second // until a paste is seen
)

// embedded stands for an object within a text, such as a paragraph.
const embedded = "\uFFFC"

// Editor captures what is selected in other programs, by AT-SPI, and else X11's
// primary selection.
type Editor struct {
	mu   sync.Mutex
	conn *atspi.Conn
	clip *clipboard // kept: it holds what was copied before an insertion
}

// Open connects to the accessibility bus, so that programs show themselves
// before the first capture.
func (e *Editor) Open() { _, _ = e.bus(context.Background()) }

// Close ends the connections. What was on the clipboard goes with them where no
// manager keeps it.
func (e *Editor) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn != nil {
		e.conn.Close()
		e.conn = nil
	}
	if e.clip != nil {
		e.clip.close()
		e.clip = nil
	}
}

func (e *Editor) bus(ctx context.Context) (*atspi.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn != nil {
		select {
		case <-e.conn.Closed():
			e.conn = nil
		default:
			return e.conn, nil
		}
	}
	c, err := atspi.Dial(ctx)
	e.conn = c
	if err != nil {
		e.conn = nil
		return nil, err
	}
	return c, nil
}

func (e *Editor) clipboard() (*clipboard, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.clip == nil {
		c, err := newClipboard()
		if err != nil {
			return nil, err
		}
		e.clip = c
	}
	return e.clip, nil
}

// Capture gives what is selected in the program that has the focus. Fields for
// passwords are not read.
func (e *Editor) Capture() shell.Selected {
	ctx, cancel := context.WithTimeout(context.Background(), captureTime)
	defer cancel()
	p := place{editor: e}
	pid := 0
	if s, err := newScreen(); err == nil {
		defer s.close()
		p.window = s.active()
		pid = s.pid(p.window)
		if pid == os.Getpid() { // Qwill itself
			return shell.Selected{Text: Selection()}
		}
	}
	if c, err := e.bus(ctx); err == nil {
		if s, ok := p.capture(ctx, c, pid); ok {
			return s
		}
	}
	// Only X11's selection is left. A field that cannot be read might be one for
	// passwords, but those give no selection away.
	p.field = atspi.Object{}
	p.text = Selection()
	s := shell.Selected{Text: p.text, Program: p.program}
	if p.text != "" && p.window != 0 {
		s.Place = &p
	}
	return s
}

// capture asks the focused field; ok is false when its program does not tell
// which text is selected.
func (p *place) capture(ctx context.Context, c *atspi.Conn, pid int) (s shell.Selected, ok bool) {
	field, err := c.Focused(ctx, pid)
	if err != nil {
		slog.Debug("no focused field", "error", err)
		return s, false
	}
	if app, err := field.App(ctx); err == nil {
		if app.PID == os.Getpid() {
			return s, false
		}
		p.program = app.Name
	}
	s.Program = p.program
	if field.Secure(ctx) {
		s.Refused = shell.RefusedSecure
		return s, true
	}
	selections, err := field.Selections(ctx)
	if err != nil {
		return s, false
	}
	if len(selections) != 1 {
		return s, false
	}
	text, err := field.Text(ctx, selections[0])
	if err != nil || len(text) > shell.TextLimit || strings.Contains(text, embedded) {
		return s, false
	}
	s.Text = text
	if states, err := field.States(ctx); err == nil && states.Has(atspi.Editable) && !states.Has(atspi.ReadOnly) {
		p.field, p.at, p.text = field, selections[0], text
		s.Place = p
	}
	return s, true
}

// place is where a text was selected. It implements shell.Place.
type place struct {
	editor  *Editor
	window  xproto.Window // 0 without X11
	program string
	field   atspi.Object // Null when only X11 knew the selection
	at      atspi.Range
	text    string
	length  int // of the field's whole text before the insertion
}

// Read implements shell.Place.
func (p *place) Read(ctx context.Context) (string, error) {
	if p.field.Null() {
		return p.text, nil // it is looked at when its window has the focus again
	}
	text, err := p.read(ctx, p.at)
	if err == nil && text == p.text {
		p.length, err = p.field.Length(ctx)
	}
	if err != nil {
		return "", err
	}
	return text, nil
}

func (p *place) read(ctx context.Context, r atspi.Range) (string, error) {
	states, err := p.field.States(ctx)
	if err != nil || states.Has(atspi.Defunct) {
		return "", shell.ErrGone
	}
	if p.field.Secure(ctx) {
		return "", shell.ErrSecure
	}
	n, err := p.field.Length(ctx)
	if err != nil {
		return "", shell.ErrGone
	}
	r.To = min(r.To, n)
	text, err := p.field.Text(ctx, r)
	if err != nil {
		return "", shell.ErrGone
	}
	return text, nil
}

// Paste implements shell.Place: it gives the window the focus back, selects the
// text and pastes over it. The clipboard comes back unless somebody copied
// meanwhile.
func (p *place) Paste(ctx context.Context, text string) error {
	if p.window == 0 {
		return shell.ErrNoPaste
	}
	s, err := newScreen()
	if err != nil {
		return shell.ErrNoPaste
	}
	defer s.close()
	clip, err := p.editor.clipboard()
	if err != nil {
		return shell.ErrNoPaste
	}
	before, err := clip.save()
	if err != nil {
		slog.Info("the clipboard is left alone", "reason", err)
		return shell.ErrNoPaste
	}
	if err := p.focus(ctx, s); err != nil {
		return err
	}
	if err := p.reselect(ctx); err != nil {
		return err
	}
	for len(clip.served) > 0 {
		<-clip.served
	}
	if err := clip.own(clip.text(text)); err != nil {
		return shell.ErrNoPaste
	}
	defer func() {
		if clip.mine() {
			if err := clip.own(before); err != nil {
				slog.Warn("the clipboard did not come back", "error", err)
			}
		}
	}()
	if s.active() != p.window { // the user went on
		return shell.ErrNotTaken
	}
	if err := s.paste(); err != nil {
		slog.Info("no paste", "reason", err)
		return shell.ErrNoPaste
	}
	return p.taken(ctx, clip, text)
}

// focus brings the window, and the field in it, to the front.
func (p *place) focus(ctx context.Context, s *screen) error {
	if p.field.Null() {
		if !until(ctx, frontTime, func() bool { s.activate(p.window); return s.active() == p.window }) {
			return shell.ErrGone
		}
		return nil
	}
	asked := false
	ok := until(ctx, frontTime, func() bool {
		if s.active() != p.window {
			s.activate(p.window)
			return false
		}
		states, err := p.field.States(ctx)
		if err == nil && !states.Has(atspi.Focused) && !asked {
			asked = true
			_ = p.field.GrabFocus(ctx)
		}
		return err == nil && states.Has(atspi.Focused)
	})
	if !ok {
		if _, err := p.Read(ctx); err != nil {
			return err
		}
		return shell.ErrNoPaste
	}
	return nil
}

// reselect selects the text anew and makes sure that it is still the same.
func (p *place) reselect(ctx context.Context) error {
	if p.field.Null() {
		if !until(ctx, frontTime/4, func() bool { return Selection() == p.text }) {
			return shell.ErrChanged
		}
		return nil
	}
	selected := func() bool {
		all, err := p.field.Selections(ctx)
		if p.at.Len() == 0 { // the caret alone
			caret, e := p.field.Caret(ctx)
			return err == nil && e == nil && len(all) == 0 && caret == p.at.From
		}
		return err == nil && len(all) == 1 && all[0] == p.at
	}
	if p.at.Len() == 0 {
		if !selected() {
			return shell.ErrChanged
		}
		return nil
	}
	if !selected() {
		_ = p.field.Select(ctx, p.at)
		if !until(ctx, frontTime/4, selected) {
			return shell.ErrNoPaste
		}
	}
	if now, err := p.read(ctx, p.at); err != nil {
		return err
	} else if now != p.text {
		return shell.ErrChanged
	}
	return nil
}

// taken waits until the program has the text. Whether it is there is looked at
// by Holds.
func (p *place) taken(ctx context.Context, clip *clipboard, text string) error {
	limit := time.After(takenTime)
	for took := false; !took; {
		select {
		case by := <-clip.served:
			// Managers of clipboards ask as well; where the text can be read back
			// that is found out.
			took = !p.field.Null() || clip.sameProgram(by, p.window)
		case <-limit:
			return shell.ErrNotTaken
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if p.field.Null() {
		// No way to see it there: a program asks for the forms that it can use
		// one after the other.
		for {
			select {
			case <-clip.served:
			case <-time.After(400 * time.Millisecond):
				return nil
			}
		}
	}
	until(ctx, takenTime, func() bool { return p.holds(ctx, text) })
	return nil
}

// Edit implements shell.Place.
func (p *place) Edit(ctx context.Context, text string) error {
	if p.field.Null() || !p.field.Has(ctx, "EditableText") {
		return shell.ErrUnsupported
	}
	if err := p.field.Delete(ctx, p.at); err != nil {
		if now, e := p.read(ctx, p.at); e == nil && now == p.text {
			return shell.ErrUnsupported
		}
		return shell.ErrOther
	}
	if err := p.field.Insert(ctx, p.at.From, text); err != nil {
		_ = p.field.Insert(ctx, p.at.From, p.text) // never less than before
		return errors.Join(shell.ErrNotTaken, err)
	}
	return nil
}

// Holds implements shell.Place.
func (p *place) Holds(ctx context.Context, text string) (holds, known bool) {
	if p.field.Null() {
		return false, false
	}
	return until(ctx, takenTime/4, func() bool { return p.holds(ctx, text) }), true
}

func (p *place) holds(ctx context.Context, text string) bool {
	size := utf8.RuneCountInString(text)
	n, err := p.field.Length(ctx)
	if err != nil || n != p.length-p.at.Len()+size {
		return false
	}
	now, err := p.read(ctx, atspi.Range{From: p.at.From, To: p.at.From + size})
	return err == nil && now == text
}

// until tries until ok, or the limit or ctx has ended.
func until(ctx context.Context, limit time.Duration, ok func() bool) bool {
	for end := time.Now().Add(limit); !ok(); time.Sleep(25 * time.Millisecond) {
		if ctx.Err() != nil || time.Now().After(end) {
			return false
		}
	}
	return true
}
