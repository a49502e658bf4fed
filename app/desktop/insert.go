package desktop

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"qwill/app/shell"
)

// insertTime bounds an insertion: another program may hang.
const insertTime = 15 * time.Second

// captured is the last text that came from another program by the shortcut.
type captured struct {
	mu       sync.Mutex
	id       int
	selected shell.Selected
}

// keep keeps a selection as the one that can be replaced, and says how the page
// shows it; nil when there is nothing to say.
func (c *captured) keep(s shell.Selected) *shell.Target {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.id++
	c.selected = s
	if s.Refused == "" && s.Place == nil {
		return nil
	}
	t := &shell.Target{Program: s.Program, Refused: s.Refused}
	if s.Place != nil {
		t.ID = strconv.Itoa(c.id)
	}
	return t
}

func (c *captured) get(id string) (shell.Selected, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.selected, c.selected.Place != nil && id == strconv.Itoa(c.id)
}

// Insert puts text where the target's text was captured, if that still stands
// there. Meanwhile the quick prompt steps aside; it comes back when that fails.
// command, which may be "", is what made the text. Errors are those of
// shell.Insert; ErrGone for a target of before.
func (d *Desktop) Insert(ctx context.Context, target, text, command string) (shell.Inserted, error) {
	s, ok := d.captured.get(target)
	if !ok {
		return shell.Inserted{}, shell.ErrGone
	}
	// Half an insertion must not be left when the page goes.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), insertTime)
	defer cancel()
	if now, err := s.Place.Read(ctx); err != nil || now != s.Text {
		if err == nil {
			err = shell.ErrChanged
		}
		return shell.Inserted{}, err // without a flicker
	}
	undo := func() {}
	if d.options.Replacing != nil {
		kept, err := d.options.Replacing(s.Program, command, s.Text, text)
		if err != nil {
			return shell.Inserted{}, err
		}
		undo = kept
	}
	d.stepAside()
	done, err := shell.Insert(ctx, s.Place, s.Text, text)
	if err != nil {
		if !errors.Is(err, shell.ErrOther) { // which changed the text there
			undo()
		}
		d.comeBack()
		return done, err
	}
	d.captured.keep(shell.Selected{})
	d.gone()
	return done, nil
}

// finder is a session that can find a text in other programs.
type finder interface {
	find(ctx context.Context, program, text string) (shell.Place, error)
}

// Restore puts original back in the place of result, where that stands once in a
// field of program, of any program for "". Errors are those of shell.Insert;
// ErrGone where it is not found. Qwill's window stays as it is, behind.
func (d *Desktop) Restore(ctx context.Context, program, result, original string) (shell.Inserted, error) {
	f, ok := d.joined.(finder)
	if !ok {
		return shell.Inserted{}, shell.ErrUnsupported
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), insertTime)
	defer cancel()
	place, err := f.find(ctx, program, result)
	if err != nil {
		return shell.Inserted{}, err
	}
	return shell.Insert(ctx, place, result, original)
}

// stepAside takes the prompt from the screen; the page stays as it is. Where the
// main window was open before, the window takes its shape again.
func (d *Desktop) stepAside() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.visible = false
	switch {
	case d.frame == nil:
	case d.mainOpen:
		d.frame.main(false)
	default:
		d.frame.hide()
	}
}

// comeBack shows the prompt again as it was.
func (d *Desktop) comeBack() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.surface, d.visible = shell.Prompt, true
	if d.frame != nil {
		d.frame.prompt()
	}
}

// gone ends a prompt that has stepped aside; the next one starts anew.
func (d *Desktop) gone() {
	d.mu.Lock()
	if d.visible { // asked for again meanwhile
		d.mu.Unlock()
		return
	}
	d.surface, d.visible = shell.Main, d.mainOpen
	publish := d.options.Publish
	d.mu.Unlock()
	publish(shell.Surface{Surface: shell.Main})
}
