// Package desktop is Qwill's window and the only importer of Wails. One window
// has two shapes: the main window and the quick prompt, a small one without a
// frame that stays on top and goes away on Escape or when it loses the focus.
//
// Wails is compiled in with the build tag "desktop"; without it Run only says
// so, and everything else here can be tested anywhere.
package desktop

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"

	"qwill/app/shell"
)

// Size of the quick prompt in points.
const (
	PromptWidth  = 640
	PromptHeight = 440
)

// Options is what the window shows and whom it tells.
type Options struct {
	Page    fs.FS        // the built page
	Handler http.Handler // everything that is not a file of the page
	// Publish tells the page which surface to show.
	Publish  func(shell.Surface)
	Commands []shell.Command
	// Write runs a command on a text to its end, for other programs.
	Write     func(ctx context.Context, command, text string) (string, error)
	StateFile string // where the window's place is kept
	// Close ends everything behind the window; called once, after it is gone.
	Close func()
}

// frame is the native window. Its methods may be called from any goroutine.
type frame interface {
	main(focus bool)
	prompt()
	hide()
	place() (Place, bool)
}

// session is what surrounds the window: the status item and the services.
type session interface {
	// start shows them; keep says whether a closed window can come back.
	start(o Options, d *Desktop) (keep bool)
	stop()
}

// Desktop decides what the window does. It implements shell.Actions.
type Desktop struct {
	mu       sync.Mutex
	frame    frame // nil until the window exists
	surface  string
	visible  bool
	mainOpen bool // the main window was open when the prompt replaced it
	quitting bool
	keep     bool // closing the window only hides it: there is another way back

	publish   func(shell.Surface)
	clipboard func() string
	quit      func()
	joined    session // nil where there is none
}

// New makes the window's logic; Run shows it.
func New() *Desktop {
	return &Desktop{
		surface: shell.Main, publish: func(shell.Surface) {},
		clipboard: func() string { return "" }, quit: func() {},
	}
}

// Start joins the desktop session, before anything else is opened. When a
// Qwill with the same data folder home ("" is the default one) already runs,
// that one shows the surface and running is true: this process can end.
func (d *Desktop) Start(home string, first shell.Surface) (running bool) {
	if first.Surface == shell.Prompt {
		d.surface = shell.Prompt
	}
	d.visible = true
	var err error
	d.joined, running, err = join(home, first, d)
	if err != nil { // no session bus: the window works, other programs cannot reach it
		slog.Warn("Qwill is not reachable for other programs", "error", err)
	}
	return running
}

// Show implements shell.Actions.
func (d *Desktop) Show(s shell.Surface) {
	d.mu.Lock()
	if s.Surface == shell.Prompt {
		if d.surface == shell.Main {
			d.mainOpen = d.visible
		}
	} else {
		s.Surface = shell.Main
	}
	d.surface, d.visible = s.Surface, true
	if d.frame != nil {
		if s.Surface == shell.Prompt {
			d.frame.prompt()
		} else {
			d.frame.main(true)
		}
	}
	publish := d.publish
	d.mu.Unlock()
	publish(s)
}

// Clipboard implements shell.Actions.
func (d *Desktop) Clipboard() string {
	d.mu.Lock()
	clipboard := d.clipboard
	d.mu.Unlock()
	return clipboard()
}

// Quit implements shell.Actions.
func (d *Desktop) Quit() {
	d.mu.Lock()
	d.quitting = true
	quit := d.quit
	d.mu.Unlock()
	quit()
}

// Window does what the page asks: "hide", "show", "main" or "prompt".
func (d *Desktop) Window(action string) {
	switch action {
	case "hide":
		d.leave(true)
	case "main", "prompt":
		d.Show(shell.Surface{Surface: action})
	case "show":
		d.mu.Lock()
		surface := d.surface
		d.mu.Unlock()
		d.Show(shell.Surface{Surface: surface})
	}
}

// lostFocus hides the quick prompt; the main window stays.
func (d *Desktop) lostFocus() {
	d.mu.Lock()
	prompt := d.surface == shell.Prompt
	d.mu.Unlock()
	if prompt {
		d.leave(false)
	}
}

// leave hides the window. From the prompt it goes back to the main window
// when that was open before, on top only if the user is still here.
func (d *Desktop) leave(focus bool) {
	d.mu.Lock()
	if !d.visible {
		d.mu.Unlock()
		return
	}
	back := d.surface == shell.Prompt && d.mainOpen
	wasPrompt := d.surface == shell.Prompt
	d.surface, d.visible = shell.Main, back
	if d.frame != nil {
		if back {
			d.frame.main(focus)
		} else {
			d.frame.hide()
		}
	}
	publish := d.publish
	d.mu.Unlock()
	if wasPrompt {
		publish(shell.Surface{Surface: shell.Main})
	}
}

// beforeClose tells whether the window's close button must not end Qwill.
func (d *Desktop) beforeClose() (prevent bool) {
	d.mu.Lock()
	prevent = d.keep && !d.quitting
	d.mu.Unlock()
	if prevent {
		d.leave(true)
	}
	return prevent
}
