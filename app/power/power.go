// Package power tells whether the machine runs on its battery, saves energy or
// is hot, so that work nobody waits for can rest.
package power

import (
	"sync"
	"time"
)

// State is what is known; a machine that does not tell is on mains, and cool.
type State struct {
	Battery bool // it runs on its battery
	Saver   bool // the person, or the system, chose to save energy
	Hot     bool // it is so warm that it slows itself down, or is about to
}

// Watcher reads the state at intervals, while somebody listens.
type Watcher struct {
	read  func() State
	every time.Duration

	mu   sync.Mutex
	subs map[int]func(State)
	next int
	now  State
	stop chan struct{} // of the reading under way; nil when nobody listens
}

// Watch makes a watcher over a reader such as System's.
func Watch(read func() State, every time.Duration) *Watcher {
	return &Watcher{read: read, every: every, subs: map[int]func(State){}}
}

// Subscribe calls fn with the state now and at each change, one call at a time,
// until cancel. fn must not call the watcher.
func (w *Watcher) Subscribe(fn func(State)) (cancel func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stop == nil {
		w.now, w.stop = w.read(), make(chan struct{})
		go w.run(w.stop)
	}
	id := w.next
	w.next++
	w.subs[id] = fn
	fn(w.now)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.subs, id)
		if len(w.subs) == 0 && w.stop != nil {
			close(w.stop)
			w.stop = nil
		}
	}
}

func (w *Watcher) run(stop chan struct{}) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		w.mu.Lock()
		if w.stop != stop { // nobody listens any more, or a later reading runs
			w.mu.Unlock()
			return
		}
		if now := w.read(); now != w.now {
			w.now = now
			for _, fn := range w.subs {
				fn(now)
			}
		}
		w.mu.Unlock()
	}
}
