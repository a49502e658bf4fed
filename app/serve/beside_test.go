package serve

import (
	"errors"
	"testing"
	"time"

	"qwill/engine/proto"
)

// The small model and the one for chats stay together; of each there is one.
func TestBesideStays(t *testing.T) {
	c := newChild()
	s := New(c, Options{})
	defer s.Close()
	main, other, small, smaller := folder(t, "main", 100), folder(t, "other", 100), folder(t, "small", 10), folder(t, "smaller", 5)
	for _, step := range []struct {
		path   string
		beside bool
	}{{main, false}, {small, true}, {main, false}, {small, true}, {other, false}, {small, true}, {smaller, true}, {other, false},
		{other, true}, {main, false}, {other, true}} {
		var err error
		if step.beside {
			_, err = s.Beside().Generate(t.Context(), params(step.path), nothing, nil)
		} else {
			_, err = s.Generate(t.Context(), params(step.path), nothing, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	const want = "open main, run main, open small, run small, run main, run small, close main, open other, run other, run small, " +
		"close small, open smaller, run smaller, run other, run other, open main, run main, run other"
	if got := c.journal(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if c.max != 3 { // smaller stays while other is both
		t.Errorf("%d models at once", c.max)
	}
}

// A suggestion never costs the chat its model; the chat takes the memory of the
// small one when both do not fit.
func TestBesideGivesWay(t *testing.T) {
	c := newChild() // 8 GiB
	s := New(c, Options{})
	defer s.Close()
	big, small := folder(t, "big", 6<<30), folder(t, "small", 1<<30)
	if _, err := s.Beside().Generate(t.Context(), params(small), nothing, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Generate(t.Context(), params(big), nothing, nil); err != nil {
		t.Fatal(err)
	}
	var pe *proto.Error
	if _, err := s.Beside().Generate(t.Context(), params(small), nothing, nil); !errors.As(err, &pe) || pe.Code != proto.CodeMemory {
		t.Errorf("beside the big one: %v", err)
	}
	if _, err := s.Beside().Generate(t.Context(), params(big), nothing, nil); err != nil {
		t.Errorf("the one in memory: %v", err)
	}
	if got, want := c.journal(), "open small, run small, close small, open big, run big, run big"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// A suggestion that runs is ended when its memory is wanted, and is in no status.
func TestBesideIsEndedForMemory(t *testing.T) {
	c := newChild()
	c.gate = make(chan struct{}) // nothing ends by itself
	s := New(c, Options{})
	defer s.Close()
	big, small := folder(t, "big", 6<<30), folder(t, "small", 1<<30)
	finish := make(chan string, 1)
	go func() {
		r, _ := s.Beside().Generate(t.Context(), params(small), nothing, nil)
		finish <- r.Finish
	}()
	eventually(t, "the suggestion runs", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		r := s.residents[key{small, params(small).Mode}]
		return r != nil && len(r.beside) == 1
	})
	if st := s.Status(); st.Running != 0 || st.Path != "" || st.Phase == Loading {
		t.Errorf("status %+v", st)
	}
	done := make(chan error, 1)
	go func() { _, err := s.Open(t.Context(), big, params(big).Mode, nil); done <- err }()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("the chat's model waits for a suggestion")
	}
	if f := <-finish; f != proto.FinishCancelled {
		t.Errorf("finish %q", f)
	}
	if got, want := c.journal(), "open small, close small, open big"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if err := s.ForgetAll(t.Context()); err != nil || s.Status().Open {
		t.Errorf("%v, %+v", err, s.Status())
	}
}
