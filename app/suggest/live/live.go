// Package live runs the state machine of app/suggest: with a clock, and with a
// model that continues the text.
package live

import (
	"context"
	"sync"
	"time"

	"qwill/app/suggest"
)

// Generator continues a text. It calls got with all that came so far, fit to be
// appended to before as it is, and returns the whole; why says why it is empty.
type Generator func(ctx context.Context, before string, got func(text string)) (text string, why suggest.Reason)

// Session is one machine at work, for one door. Its methods may be called from
// any goroutine.
type Session struct {
	generate Generator
	tell     func(suggest.Effect)
	said     func(suggest.Reason)

	mu      sync.Mutex
	machine *suggest.Machine
	timer   *time.Timer
	running map[uint64]context.CancelFunc
	work    sync.WaitGroup
	closed  bool
	onClose []func()
	why     suggest.Reason
}

// New starts a session. tell gets what to display, said every change of the
// reason why nothing is shown; both are called in order and must not block or
// call the session.
func New(c suggest.Config, g Generator, tell func(suggest.Effect), said func(suggest.Reason)) *Session {
	s := &Session{generate: g, tell: tell, said: said, machine: suggest.New(), running: map[uint64]context.CancelFunc{}, why: suggest.Off}
	s.Do(suggest.Configure{Config: c})
	return s
}

// Do takes events that happened now, in their order, and says whether the last
// one is a key to keep from the program.
func (s *Session) Do(events ...suggest.Event) (swallow bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range events {
		swallow = s.one(e)
	}
	return swallow
}

func (s *Session) one(e suggest.Event) bool {
	if s.closed {
		return false
	}
	answer := s.machine.Do(time.Now(), e)
	for _, effect := range answer.Effects {
		s.carry(effect)
	}
	if why := s.machine.Why(); why != s.why {
		s.why = why
		s.said(why)
	}
	return answer.Swallow
}

func (s *Session) carry(effect suggest.Effect) {
	switch e := effect.(type) {
	case suggest.Request:
		ctx, cancel := context.WithCancel(context.Background())
		s.running[e.ID] = cancel
		s.work.Go(func() { s.run(ctx, e) })
	case suggest.Cancel:
		if cancel := s.running[e.ID]; cancel != nil {
			cancel()
		}
	case suggest.Wake:
		if s.timer != nil {
			s.timer.Stop()
			s.timer = nil
		}
		if !e.At.IsZero() {
			// A moment later, so that the time has come by the machine's own measure.
			s.timer = time.AfterFunc(time.Until(e.At)+time.Millisecond, func() { s.Do(suggest.Tick{}) })
		}
	default:
		s.tell(effect)
	}
}

func (s *Session) run(ctx context.Context, r suggest.Request) {
	text, why := s.generate(ctx, r.Before, func(text string) { s.Do(suggest.Result{ID: r.ID, Text: text}) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[r.ID]()
	delete(s.running, r.ID)
	s.one(suggest.Result{ID: r.ID, Text: text, Done: true, Why: why})
}

// OnClose has fn called once when the session ends: what feeds it ends there.
func (s *Session) OnClose(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onClose = append(s.onClose, fn)
}

// Close ends the session and waits for what it had generated.
func (s *Session) Close() {
	s.mu.Lock()
	s.closed = true
	after := s.onClose
	s.onClose = nil
	if s.timer != nil {
		s.timer.Stop()
	}
	for _, cancel := range s.running {
		cancel()
	}
	s.mu.Unlock()
	for _, fn := range after {
		fn()
	}
	s.work.Wait() // none begins any more: one takes no event
}
