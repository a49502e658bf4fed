package serve

import (
	"time"

	"qwill/engine"
)

// SetIdle says how long a model may stay in memory without use, and the
// engine's process without a model; 0 is for ever. It counts from the last use,
// so that a shorter time unloads at once what has been idle for longer.
func (s *Server) SetIdle(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = d
	s.arm()
}

// arm sets the timer to what is due next. The caller holds mu.
func (s *Server) arm() {
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if s.closed || s.idle <= 0 {
		return
	}
	due, waits := time.Time{}, false
	next := func(used time.Time) {
		if !waits || used.Before(due) {
			due, waits = used, true
		}
	}
	for _, r := range s.residents {
		if r.users == 0 {
			next(r.used)
		}
	}
	if s.restful() {
		next(s.used)
	}
	if waits {
		s.timer = time.AfterFunc(time.Until(due.Add(s.idle)), s.unloadIdle)
	}
}

// restful says that the child lives and nobody needs it. The caller holds mu.
func (s *Server) restful() bool {
	return len(s.residents) == 0 && s.inside == 0 && s.status.Phase == engine.Ready
}

// unloadIdle frees the models whose time has come, and ends the child when it
// is left without any: only then does all its memory return.
func (s *Server) unloadIdle() {
	s.mu.Lock()
	if s.closed || s.idle <= 0 {
		s.mu.Unlock()
		return
	}
	late := func(used time.Time) bool { return time.Since(used) >= s.idle }
	var gone []*resident
	for _, r := range s.residents {
		if r.users == 0 && late(r.used) {
			gone = append(gone, r)
			s.drop(r)
		}
	}
	s.mu.Unlock()
	for _, r := range gone {
		s.unload(r)
	}
	s.ops.Lock()
	defer s.ops.Unlock()
	s.mu.Lock()
	rest := !s.closed && s.idle > 0 && s.restful() && late(s.used)
	s.mu.Unlock()
	if rest && s.engine.Rest() { // a call that comes meanwhile keeps it, or starts another
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if rest {
		s.used = time.Now() // another's call runs: look again later
	}
	s.arm()
}
