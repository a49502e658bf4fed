package outbox

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"qwill/engine/proto"
)

// flat writes events as the sequence of pieces a reader would see.
func flat(events []proto.Event) (reading, answer string, tokens []int, pauses int) {
	for _, e := range events {
		reading += e.Reasoning
		answer += e.Text
		for _, t := range e.Tokens {
			tokens = append(tokens, t.ID)
		}
		if e.Paused {
			pauses++
		}
	}
	return
}

func TestNothingLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var in []proto.Event
		for i := range rapid.IntRange(0, 60).Draw(rt, "n") {
			e := proto.Event{ID: 7}
			switch rapid.IntRange(0, 4).Draw(rt, "kind") {
			case 0:
				e.Prefill = &proto.Prefill{Done: i, Total: 60}
			case 1:
				e.Reasoning = rapid.StringN(1, 4, -1).Draw(rt, "r")
			case 2:
				e.Text = rapid.StringN(1, 4, -1).Draw(rt, "t")
				e.Tokens = []proto.Token{{ID: i}}
			case 3:
				e.Text = strings.Repeat("x", 40<<10)
			case 4:
				e.Paused = true
			}
			in = append(in, e)
		}
		var got []proto.Event
		o := New(0, func(e proto.Event) { got = append(got, e) })
		for _, e := range in {
			o.Put(e)
		}
		o.Close()
		o.Put(proto.Event{ID: 7, Text: "late"})
		wr, wa, wt, wp := flat(in)
		gr, ga, gt, gp := flat(got)
		if wr != gr || wa != ga || wp != gp || !cmp.Equal(wt, gt) {
			rt.Fatalf("in %v\nout %v", in, got)
		}
		for _, e := range got {
			if len(e.Text) > maxText || len(e.Tokens) > maxTokens {
				rt.Fatalf("event of %d bytes, %d tokens", len(e.Text), len(e.Tokens))
			}
		}
	})
}

// A receiver that is slow sees few events and the maker never waits.
func TestSlowReceiver(t *testing.T) {
	gate := make(chan struct{})
	var got []proto.Event
	o := New(0, func(e proto.Event) { <-gate; got = append(got, e) })
	start := time.Now()
	for range 10000 {
		o.Put(proto.Event{ID: 1, Text: "a"})
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("putting took %v", d)
	}
	close(gate)
	o.Close()
	_, text, _, _ := flat(got)
	if len(text) != 10000 || len(got) > 3 {
		t.Errorf("%d bytes in %d events", len(text), len(got))
	}
}

func TestJoin(t *testing.T) {
	e := func(f func(*proto.Event)) proto.Event { v := proto.Event{ID: 1}; f(&v); return v }
	text := e(func(e *proto.Event) { e.Text = "t" })
	think := e(func(e *proto.Event) { e.Reasoning = "r" })
	pre := e(func(e *proto.Event) { e.Prefill = &proto.Prefill{Done: 1} })
	paused := e(func(e *proto.Event) { e.Paused = true })
	for _, c := range []struct {
		name string
		a, b proto.Event
		want bool
	}{
		{"text text", text, text, true},
		{"reasoning text", think, text, true},
		{"text reasoning", text, think, false},
		{"prefill prefill", pre, pre, true},
		{"prefill text", pre, text, false},
		{"paused text", paused, text, false},
		{"text paused", text, paused, false},
		{"other id", text, proto.Event{ID: 2, Text: "t"}, false},
	} {
		if got := join(&c.a, &c.b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
