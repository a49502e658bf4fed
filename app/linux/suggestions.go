//go:build linux

package linux

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"qwill/app/shell"
	"qwill/app/suggest"
)

// Session is one state machine at work (app/suggest/live).
type Session interface {
	// Do takes events that happened now and says whether the last one is a key to
	// keep from the program.
	Do(events ...suggest.Event) (swallow bool)
	Close()
}

// Suggestions shows suggestions in the editors of other programs: it follows the
// focus by AT-SPI, shows them in an overlay and borrows Tab, Shift-Tab and Escape
// while one is shown. It follows nothing until it is turned on.
type Suggestions struct {
	// New starts a session; tell gets its effects and said the reason why nothing
	// is shown. They do not block.
	New    func(tell func(suggest.Effect), said func(suggest.Reason)) Session
	Editor *Editor // types where AT-SPI cannot write
	Cache  string  // a folder for the index of the system's fonts

	mu      sync.Mutex
	on      bool // what Set was told
	stop    context.CancelFunc
	done    chan struct{}
	state   shell.Suggesting
	app     string // of the field that has the keyboard
	reasons []shell.SuggestingIn
}

// programLimit is how many programs' reasons are remembered.
const programLimit = 20

// retryTime is how long one waits for the accessibility bus or the display to
// come back.
const retryTime = 5 * time.Second

// Set turns suggestions on or off and returns at once.
func (s *Suggestions) Set(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if on == s.on {
		return
	}
	s.on = on
	before := s.done
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
	if !on {
		s.state, s.reasons = shell.Suggesting{State: shell.SuggestingOff}, nil
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.stop, s.done = stop, done
	go func() {
		defer close(done)
		if before != nil {
			<-before
		}
		s.keep(ctx)
	}()
}

// Stop turns suggestions off and waits until no key is borrowed any more.
func (s *Suggestions) Stop() {
	s.Set(false)
	s.mu.Lock()
	done := s.done
	s.mu.Unlock()
	if done != nil {
		<-done
	}
}

// State tells whether suggestions are shown, and for each program why the last
// one was not.
func (s *Suggestions) State() shell.Suggesting {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.state
	if state.State == "" {
		state.State = shell.SuggestingOff
	}
	state.Programs = slices.Clone(s.reasons)
	if state.Programs == nil {
		state.Programs = []shell.SuggestingIn{}
	}
	return state
}

// keep runs a driver until ctx ends, and another one when the first has lost the
// display or the bus.
func (s *Suggestions) keep(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.drive(ctx)
		if ctx.Err() != nil {
			return
		}
		slog.Warn("no suggestions in other programs", "error", err)
		s.tell(ctx, shell.Suggesting{State: shell.SuggestingUnavailable, Message: err.Error()})
		if errors.Is(err, errWayland) {
			<-ctx.Done()
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(retryTime):
		}
	}
}

func (s *Suggestions) drive(ctx context.Context) error {
	d, err := newDriver(ctx, s)
	if err != nil {
		return err
	}
	defer d.close()
	s.tell(ctx, shell.Suggesting{State: shell.SuggestingActive})
	return d.run(ctx)
}

func (s *Suggestions) tell(ctx context.Context, state shell.Suggesting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() == nil {
		s.state = state
	}
}

// enters notes whose field has the keyboard; reasons are its from now on.
func (s *Suggestions) enters(app string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = app
}

// said keeps the reason for the program that has the keyboard.
func (s *Suggestions) said(why suggest.Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.app == "" || why == suggest.NoField || !s.on {
		return
	}
	in := shell.SuggestingIn{App: s.app, Why: string(why), At: time.Now()}
	if why == suggest.AppOff {
		in.Kind = suggest.BuiltIn().For(s.app).Kind
	}
	s.reasons = slices.DeleteFunc(s.reasons, func(r shell.SuggestingIn) bool { return r.App == in.App })
	s.reasons = append([]shell.SuggestingIn{in}, s.reasons...)
	s.reasons = s.reasons[:min(len(s.reasons), programLimit)]
}

// errWayland says why nothing of X helps there.
var errWayland = errors.New("on Wayland programs neither see nor press each other's keys")
