package live_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"qwill/app/suggest"
	"qwill/app/suggest/live"
	"qwill/engine"
	"qwill/engine/proto"
)

// model writes pieces as an engine would, until it is cancelled.
type model struct {
	pieces []string
	seen   chan engine.GenerateParams
	hang   bool
	ended  chan struct{}
	err    error
}

func (m *model) Generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), _ func(int)) (engine.Result, error) {
	m.seen <- p
	for _, piece := range m.pieces {
		event(engine.Event{Text: piece})
	}
	if m.hang {
		<-ctx.Done()
		close(m.ended)
		return engine.Result{Finish: proto.FinishCancelled}, nil
	}
	return engine.Result{Finish: proto.FinishLength}, m.err
}

type door struct {
	s       *live.Session
	effects chan suggest.Effect
	whys    chan suggest.Reason
}

func open(t *testing.T, m *model) *door {
	t.Helper()
	m.seen, m.ended = make(chan engine.GenerateParams, 9), make(chan struct{})
	d := &door{effects: make(chan suggest.Effect, 99), whys: make(chan suggest.Reason, 99)}
	d.s = live.New(suggest.Config{On: true, Delay: time.Millisecond, Rules: suggest.BuiltIn()},
		live.Generate(m, func(context.Context) (string, engine.Mode, error) { return "/model", engine.ModeFast, nil }),
		func(e suggest.Effect) { d.effects <- e }, func(why suggest.Reason) { d.whys <- why })
	t.Cleanup(d.s.Close)
	d.s.Do(suggest.Focus{Field: suggest.Field{ID: "1", App: "qwill", MultiLine: true}})
	d.s.Do(text("the quick brown fo"), text("the quick brown fox"))
	return d
}

func text(s string) suggest.Text { return suggest.Text{Before: s, Caret: len(s)} }

// show waits until what is shown is want.
func (d *door) show(t *testing.T, want string) suggest.Show {
	t.Helper()
	var got string
	for end := time.After(5 * time.Second); ; {
		select {
		case e := <-d.effects:
			if s, ok := e.(suggest.Show); ok {
				if got = strings.Join(s.Parts, ""); got == want {
					return s
				}
			}
		case <-end:
			t.Fatalf("shown %q, not %q", got, want)
		}
	}
}

func (d *door) why(t *testing.T, want suggest.Reason) {
	t.Helper()
	for end := time.After(5 * time.Second); ; {
		select {
		case why := <-d.whys:
			if why == want {
				return
			}
		case <-end:
			t.Fatalf("never %q", want)
		}
	}
}

func TestSuggests(t *testing.T) {
	m := &model{pieces: []string{" jumps", " over", " the lazy", " do"}}
	d := open(t, m)
	s := d.show(t, " jumps over the lazy") // the last word may be cut
	p := <-m.seen
	if p.Text != "the quick brown fox" || p.Prior >= proto.PriorityNormal || p.MaxTokens > 16 || p.NoCache {
		t.Errorf("asked %+v", p)
	}
	if !d.s.Do(suggest.Key{Name: suggest.KeyTab, Shown: s.ID, Inserted: true}) {
		t.Error("Tab was not kept")
	}
	if d.s.Do(suggest.Key{Name: suggest.KeyTab, Shown: s.ID + 1, Inserted: true}) {
		t.Error("Tab was kept for what was not shown")
	}
}

func TestEndsWithTheSentence(t *testing.T) {
	m := &model{pieces: []string{" jumps", ".", " Then", " it"}, hang: true}
	d := open(t, m)
	d.show(t, " jumps.")
	select {
	case <-m.ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the generation went on")
	}
}

func TestKeyCancels(t *testing.T) {
	m := &model{hang: true}
	d := open(t, m)
	<-m.seen
	d.s.Do(suggest.Key{Name: "x"})
	select {
	case <-m.ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the generation went on")
	}
}

func TestFailureHasAReason(t *testing.T) {
	open(t, &model{err: errors.New("broken")}).why(t, suggest.Failed)
}

func TestClean(t *testing.T) {
	for _, c := range []struct {
		before, wrote, want string
		end                 bool
		why                 suggest.Reason
	}{
		{"We met", " at noon", " at noon", false, ""},
		{"We met ", " at noon", "at noon", false, ""},
		{"We met ", "al", "", true, suggest.Nothing}, // metal
		{"We me", "t at noon", "t at noon", false, ""},
		{"We met", " at noon. Then we", " at noon.", true, ""},
		{"It costs", " 3.5 dollars", " 3.5 dollars", false, ""},
		{"We met", " at noon\nand", " at noon", true, ""},
		{"We met", "  ", "", false, suggest.Nothing},
		{"We met", " 今天", "", true, suggest.Foreign},
		{"我们今天", "去公园。然后", "去公园。", true, ""},
		{"the rain in Spain falls. Now the rain", " in Spain falls", "", false, suggest.Repeats},
	} {
		got, end, why := live.Clean(c.before, c.wrote)
		if got != c.want || end != c.end || why != c.why {
			t.Errorf("%q, %q: %q %v %q", c.before, c.wrote, got, end, why)
		}
	}
}
