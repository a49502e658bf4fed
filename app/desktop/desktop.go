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
	"net/http"
	"sync"

	"qwill/app/shell"
	"qwill/app/suggest"
	"qwill/app/suggest/live"
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
	// Loaded is called once when the page is there.
	Loaded func()
	// Publish tells the page which surface to show.
	Publish func(shell.Surface)
	// Hotkey tells it what became of the system-wide shortcut.
	Hotkey   func(shell.Hotkey)
	Commands []shell.Command
	// Write runs a command on a text to its end, for other programs.
	Write func(ctx context.Context, command, text string) (string, error)
	// Replacing hears of each text before it is replaced in another program; its
	// error keeps the text as it is, and undo tells that it stayed. May be nil.
	Replacing func(program, command, original, replacement string) (undo func(), err error)
	// Suggest starts suggestions in other programs' editors; it is called only
	// while they are turned on.
	Suggest func(tell func(suggest.Effect), said func(suggest.Reason)) *live.Session
	// Cache is a folder for what can be found out again.
	Cache       string
	StopWriting func()
	Unload      func()
	StateFile   string // where the window's place is kept
	// Web holds what the web view keeps between starts, "" for its usual place.
	Web string
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

// session is what surrounds the window: the status item, the services and the
// system-wide shortcut.
type session interface {
	start(o Options, d *Desktop)
	update(menu []shell.Entry, s shell.Status)
	hotkey() shell.Hotkey
	suggesting() shell.Suggesting
	// keep says whether a closed window can come back.
	keep() bool
	stop()
}

// Background as Start's action opens no window until one is asked for.
const Background = "background"

// Desktop decides what the window does. It implements shell.Actions.
type Desktop struct {
	mu       sync.Mutex
	frame    frame // nil until the window exists
	surface  string
	visible  bool
	mainOpen bool // the main window was open when the prompt replaced it
	quitting bool
	loaded   bool          // the page is there
	ready    bool          // and the window, too
	waiting  []func()      // what is asked for until then
	heard    bool          // the page follows the events
	unheard  shell.Surface // the last one before that

	options   Options
	status    shell.Status
	clipboard func() string
	quit      func()
	captured  captured
	joined    session // nil where there is none
	started   bool    // joined
}

// New makes the window's logic; Run shows it.
func New() *Desktop {
	return &Desktop{
		surface: shell.Main, options: Options{Publish: func(shell.Surface) {}},
		clipboard: func() string { return "" }, quit: func() {},
	}
}

// Start joins the desktop session, before anything else is opened. When a
// Qwill with the same data folder home ("" is the default one) already runs,
// that one does the action, an id of shell.Do or Background, and running is
// true: this process can end.
func (d *Desktop) Start(home, action string) (running bool) {
	if action != Background {
		d.Do(action)
	}
	d.joined, running = join(home, action, d)
	return running
}

// whenReady runs f now, or as soon as the window and its page are there.
func (d *Desktop) whenReady(f func()) {
	d.mu.Lock()
	if !d.ready {
		d.waiting = append(d.waiting, f)
		d.mu.Unlock()
		return
	}
	d.mu.Unlock()
	f()
}

// has notes that the window or its page is there; after the second it does what
// was asked for until now.
func (d *Desktop) has(part func()) {
	d.mu.Lock()
	part()
	d.ready = d.frame != nil && d.loaded
	var waiting []func()
	if d.ready {
		waiting, d.waiting = d.waiting, nil
	}
	d.mu.Unlock()
	for _, f := range waiting {
		f()
	}
}

// Do runs an action of the status item's menu by its id; ok is false when there
// is none.
func (d *Desktop) Do(action string) (ok bool) {
	d.mu.Lock()
	ready, commands := d.ready, d.options.Commands
	d.mu.Unlock()
	if ready {
		return shell.Do(action, commands, d)
	}
	d.whenReady(func() { d.Do(action) })
	return true
}

// Show implements shell.Actions.
func (d *Desktop) Show(s shell.Surface) {
	if s.Surface != shell.Prompt {
		s.Surface = shell.Main
	}
	d.whenReady(func() { d.show(s) })
}

func (d *Desktop) show(s shell.Surface) {
	d.mu.Lock()
	if s.Surface == shell.Prompt && d.surface == shell.Main {
		d.mainOpen = d.visible
	}
	d.surface, d.visible = s.Surface, true
	if d.frame != nil {
		if s.Surface == shell.Prompt {
			d.frame.prompt()
		} else {
			d.frame.main(true)
		}
	}
	if !d.heard {
		d.unheard = s
	}
	publish := d.options.Publish
	d.mu.Unlock()
	publish(s)
}

// First gives the page, once, the surface that was asked for before it followed
// the events.
func (d *Desktop) First() (s shell.Surface, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok = d.unheard, d.unheard.Surface != ""
	d.heard, d.unheard = true, shell.Surface{}
	return s, ok
}

// pressed shows the quick prompt with what is selected in the program that has
// the focus, or hides it.
func (d *Desktop) pressed(selection func() shell.Selected) {
	d.mu.Lock()
	open := d.visible && d.surface == shell.Prompt
	d.mu.Unlock()
	if open {
		d.leave(true)
		return
	}
	s := selection()
	d.Show(shell.Surface{Surface: shell.Prompt, Text: s.Text, Target: d.captured.keep(s)})
}

// HotkeyState tells what became of the system-wide shortcut.
func (d *Desktop) HotkeyState() shell.Hotkey {
	d.mu.Lock()
	joined, status := d.joined, d.status
	d.mu.Unlock()
	if joined == nil {
		return shell.Hotkey{State: shell.HotkeyUnavailable, Hotkey: status.Hotkey}
	}
	return joined.hotkey()
}

// Suggesting tells what became of suggestions in other programs.
func (d *Desktop) Suggesting() shell.Suggesting {
	d.mu.Lock()
	joined := d.joined
	d.mu.Unlock()
	if joined == nil {
		return shell.Suggesting{State: shell.SuggestingUnavailable, Programs: []shell.SuggestingIn{}}
	}
	return joined.suggesting()
}

// Update shows Qwill's status in the desktop.
func (d *Desktop) Update(s shell.Status) {
	d.mu.Lock()
	d.status = s
	joined, started, menu := d.joined, d.started, d.menu()
	d.mu.Unlock()
	if started {
		joined.update(menu, s)
	}
}

// menu is the status item's. The caller holds mu.
func (d *Desktop) menu() []shell.Entry { return shell.Menu(d.status, d.options.Commands, d) }

// Clipboard implements shell.Actions.
func (d *Desktop) Clipboard() string {
	d.mu.Lock()
	clipboard := d.clipboard
	d.mu.Unlock()
	return clipboard()
}

// StopWriting implements shell.Actions.
func (d *Desktop) StopWriting() { d.options.StopWriting() }

// Unload implements shell.Actions.
func (d *Desktop) Unload() { d.options.Unload() }

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
	publish := d.options.Publish
	d.mu.Unlock()
	if wasPrompt {
		publish(shell.Surface{Surface: shell.Main})
	}
}

// beforeClose tells whether the window's close button must not end Qwill: when
// there is a way back to a hidden window.
func (d *Desktop) beforeClose() (prevent bool) {
	d.mu.Lock()
	joined, quitting := d.joined, d.quitting
	d.mu.Unlock()
	if quitting || joined == nil || !joined.keep() {
		return false
	}
	d.leave(true)
	return true
}
