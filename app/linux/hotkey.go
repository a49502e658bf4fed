//go:build linux

package linux

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"qwill/app/shell"
	"qwill/app/shortcut"
)

// repeatTime is how soon a held key counts again: keyboards repeat it.
const repeatTime = 400 * time.Millisecond

// Hotkey is the system-wide shortcut: by the desktop's portal where there is
// one, else by the X server. It is registered only while it is wanted.
type Hotkey struct {
	Press func()             // at each use, on a goroutine of its own
	Tell  func(shell.Hotkey) // at each change of the state

	mu    sync.Mutex
	want  want
	state shell.Hotkey
	stop  context.CancelFunc // ends the present registration
	done  chan struct{}      // closed when that has given its keys back
	last  time.Time          // of the last press
}

// want is what the settings ask for; title names the shortcut to the user.
type want struct {
	enabled     bool
	name, title string
}

// Set registers a shortcut, or none, and returns at once; the same again
// changes nothing. The outcome goes to Tell.
func (h *Hotkey) Set(enabled bool, name, title string) {
	w := want{enabled, name, title}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stop != nil {
		if w == h.want {
			return
		}
		h.stop()
	}
	ctx, stop := context.WithCancel(context.Background())
	before, done := h.done, make(chan struct{})
	h.want, h.stop, h.done = w, stop, done
	go func() {
		defer close(done)
		if before != nil {
			<-before
		}
		h.hold(ctx, w)
	}()
}

// Stop gives the keys back.
func (h *Hotkey) Stop() {
	h.mu.Lock()
	stop, done := h.stop, h.done
	h.stop = nil
	h.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
}

// State gives the present state.
func (h *Hotkey) State() shell.Hotkey {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state
}

// hold registers a shortcut and keeps it until ctx ends.
func (h *Hotkey) hold(ctx context.Context, w want) {
	off := shell.Hotkey{State: shell.HotkeyOff, Hotkey: w.name}
	if !w.enabled || w.name == "" {
		h.tell(ctx, off)
		return
	}
	s, err := shortcut.Parse(w.name)
	if err != nil {
		h.tell(ctx, shell.Hotkey{State: shell.HotkeyUnavailable, Hotkey: w.name, Message: err.Error()})
		return
	}
	lost := make(chan struct{}, 1)
	by, err := bindPortal(ctx, s, w.title, func() { h.pressed() }, func(trigger string, gone bool) {
		if gone {
			select {
			case lost <- struct{}{}:
			default:
			}
			return
		}
		h.tell(ctx, byPortal(w.name, trigger))
	})
	switch {
	case err == nil:
		defer by.close()
		h.tell(ctx, byPortal(w.name, by.trigger))
		select {
		case <-ctx.Done():
		case <-lost:
			h.tell(ctx, shell.Hotkey{State: shell.HotkeyDenied, Via: "portal", Hotkey: w.name,
				Message: "the desktop has ended the shortcut: turn it off and on again"})
		}
		return
	case ctx.Err() != nil:
		return
	case errors.Is(err, errDenied):
		h.tell(ctx, shell.Hotkey{State: shell.HotkeyDenied, Via: "portal", Hotkey: w.name,
			Message: "the desktop refused the shortcut: turn it off and on again to be asked once more"})
		return
	case !errors.Is(err, errNoPortal):
		slog.Warn("the desktop's portal gave no shortcut", "error", err)
	}
	if wayland() || os.Getenv("DISPLAY") == "" {
		h.tell(ctx, shell.Hotkey{State: shell.HotkeyUnavailable, Hotkey: w.name,
			Message: `this desktop gives programs no shortcuts: bind "qwill --prompt" to one in its own keyboard settings`})
		return
	}
	g, err := grabKey(s, func() { h.pressed() })
	state := shell.Hotkey{State: shell.HotkeyActive, Via: "x11", Hotkey: w.name}
	switch {
	case errors.Is(err, errTaken):
		state.State, state.Message = shell.HotkeyTaken, "another program uses these keys: choose others"
	case err != nil:
		state.State, state.Message = shell.HotkeyUnavailable, err.Error()
	}
	h.tell(ctx, state)
	if err == nil {
		defer g.close()
		<-ctx.Done()
	}
}

func byPortal(name, trigger string) shell.Hotkey {
	if trigger == "" {
		return shell.Hotkey{State: shell.HotkeyTaken, Via: "portal", Hotkey: name,
			Message: "the desktop gave the shortcut no keys: choose some in its keyboard settings"}
	}
	return shell.Hotkey{State: shell.HotkeyActive, Via: "portal", Hotkey: trigger}
}

// wayland says whether windows belong to a Wayland compositor, where X's grabs
// see only some of the keys.
func wayland() bool {
	return os.Getenv("WAYLAND_DISPLAY") != "" || os.Getenv("XDG_SESSION_TYPE") == "wayland"
}

func (h *Hotkey) tell(ctx context.Context, s shell.Hotkey) {
	h.mu.Lock()
	if ctx.Err() != nil || s == h.state { // replaced meanwhile, or nothing new
		h.mu.Unlock()
		return
	}
	h.state = s
	h.mu.Unlock()
	h.Tell(s)
}

func (h *Hotkey) pressed() {
	h.mu.Lock()
	held := time.Since(h.last) < repeatTime
	h.last = time.Now()
	h.mu.Unlock()
	if !held {
		go h.Press()
	}
}
