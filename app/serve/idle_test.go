package serve

import (
	"testing"
	"testing/synctest"
	"time"

	"qwill/engine"
)

// What follows runs on a clock that jumps ahead when all wait.

func TestIdleFollowsTheSetting(t *testing.T) {
	a := folder(t, "a", 10)
	synctest.Test(t, func(t *testing.T) {
		c := newChild()
		s := New(c, Options{Idle: 10 * time.Minute})
		defer s.Close()
		if _, err := s.Generate(t.Context(), params(a), nothing, nil); err != nil {
			t.Fatal(err)
		}
		want := func(when, journal string) {
			t.Helper()
			synctest.Wait()
			if got := c.journal(); got != journal {
				t.Errorf("%s: %q, want %q", when, got, journal)
			}
		}
		time.Sleep(9 * time.Minute)
		want("within the time", "open a, run a")
		if _, err := s.Generate(t.Context(), params(a), nothing, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Minute)
		want("used meanwhile", "open a, run a, run a")
		s.SetIdle(0)
		time.Sleep(24 * time.Hour)
		want("never", "open a, run a, run a")
		s.SetIdle(time.Hour) // idle for longer already
		want("at once", "open a, run a, run a, close a, rest")
		if st := s.Status(); st.Phase != engine.Stopped {
			t.Errorf("status %+v", st)
		}
		c.state(engine.State{Phase: engine.Ready})
		if _, err := s.Generate(t.Context(), params(a), nothing, nil); err != nil {
			t.Fatal(err)
		}
		want("again", "open a, run a, run a, close a, rest, open a, run a")
	})
}

func TestIdleWaitsForUse(t *testing.T) {
	a := folder(t, "a", 10)
	synctest.Test(t, func(t *testing.T) {
		c := newChild()
		c.gate = make(chan struct{})
		s := New(c, Options{Idle: time.Minute})
		defer s.Close()
		done := make(chan error, 1)
		go func() { _, err := s.Generate(t.Context(), params(a), nothing, nil); done <- err }()
		time.Sleep(time.Hour)
		if got := c.journal(); got != "open a" {
			t.Errorf("while it writes: %q", got)
		}
		c.busy = true
		close(c.gate)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Second)
		if got := c.journal(); got != "open a, run a, close a" {
			t.Errorf("another's call: %q", got)
		}
		c.mu.Lock()
		c.busy = false
		c.mu.Unlock()
		time.Sleep(2 * time.Minute)
		if got := c.journal(); got != "open a, run a, close a, rest" {
			t.Errorf("after it: %q", got)
		}
	})
}
