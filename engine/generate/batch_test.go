package generate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"qwill/engine/mlx"
	"qwill/engine/proto"
)

// However generations come, end and are cancelled beside one another, each says
// what it says alone.
func TestTogetherIsAsAlone(t *testing.T) {
	batches := 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 11))
		do(t, func() {
			net := &copyist{}
			m := copyModel(net)
			m.Prefixes.MaxBytes, m.Context = 10_000, 120
			type one struct {
				g      *Generation
				rec    *record
				req    Request
				cancel int // after so many steps
				ended  bool
			}
			var all []*one
			for range 2 + r.IntN(6) {
				text := make([]int, 1+r.IntN(40))
				for i := range text {
					text[i] = r.IntN(vocabulary)
				}
				o := &one{req: Request{Prompt: text, MaxTokens: 1 + r.IntN(40), NoCache: r.IntN(3) == 0, Lookup: r.IntN(3) == 0}, cancel: 1 << 30}
				if r.IntN(4) == 0 {
					o.cancel = r.IntN(20)
				}
				o.g, o.rec = start(t, m, o.req)
				all = append(all, o)
			}
			for step := 0; ; step++ {
				var now []*one
				for i, o := range all {
					if o.cancel == step {
						o.g.Cancel()
					}
					if !o.ended && i <= step { // they come one after the other
						now = append(now, o)
					}
				}
				if len(now) == 0 && step >= len(all) {
					break
				}
				gs := make([]*Generation, len(now))
				for i, o := range now {
					gs[i] = o.g
				}
				if len(gs) > 1 {
					batches++
				}
				for i, ended := range StepTogether(gs) {
					now[i].ended = ended
				}
			}
			for i, o := range all {
				res, err := o.g.Result()
				if err != nil {
					t.Fatal(err)
				}
				alone := &copyist{}
				g, rec := start(t, copyModel(alone), Request{Prompt: o.req.Prompt, MaxTokens: o.req.MaxTokens})
				g.m.Context = 120
				finish(t, g)
				g.m.Prefixes.Clear()
				cut, said := res.Finish == proto.FinishCancelled, rec.text
				if cut && o.cancel < 1<<30 { // it said a part
					said = said[:min(len(o.rec.text), len(said))]
				}
				if o.rec.text != said {
					t.Errorf("seed %d, generation %d: %q, alone %q (%+v)", seed, i, o.rec.text, rec.text, res)
				}
			}
			m.Prefixes.Clear()
			if net.open != 0 {
				t.Errorf("%d caches open", net.open)
			}
		})
	}
	if batches == 0 {
		t.Error("nothing stepped together")
	}
}

// What ends one generation leaves the others; what breaks the step that they
// share ends all that took part, and those that come later go on.
func TestTogetherFails(t *testing.T) {
	do(t, func() {
		net := &cipher{crash: 14}
		m := testModel(net)
		var gs []*Generation
		for range 3 {
			g, _ := start(t, m, Request{Prompt: prompt, MaxTokens: 30, NoCache: true})
			gs = append(gs, g)
		}
		for range 40 {
			left := slices.DeleteFunc(slices.Clone(gs), func(g *Generation) bool { return g.ended })
			if len(left) == 0 {
				break
			}
			StepTogether(left)
		}
		for i, g := range gs {
			var fault *mlx.Error
			if _, err := g.Result(); !errors.As(err, &fault) {
				t.Errorf("generation %d: %v", i, err)
			}
		}
		net.crash = 0
		g, rec := start(t, m, Request{Prompt: prompt, MaxTokens: 6})
		finish(t, g)
		if text, _ := want(prompt, 6); rec.text != text {
			t.Errorf("after a fault: %q, want %q", rec.text, text)
		}
		m.Prefixes.Clear()
		if net.open != 0 {
			t.Errorf("%d caches open", net.open)
		}
	})
}

// While one reads a long prompt the others go on, a token for each chunk.
func TestTogetherDoesNotWaitForPrompts(t *testing.T) {
	do(t, func() {
		m := testModel(&cipher{})
		a, rec := start(t, m, Request{Prompt: prompt[:2], MaxTokens: 12, NoCache: true})
		for range 3 {
			a.Step()
		}
		before := len(rec.text)
		b, _ := start(t, m, Request{Prompt: slices.Repeat(prompt, 4), MaxTokens: 2, NoCache: true})
		for range 5 { // begin, then chunks of 4
			StepTogether([]*Generation{a, b})
		}
		if got := len(rec.text) - before; got < 4 {
			t.Errorf("%d tokens beside a prompt, not one for each chunk: %s", got, fmt.Sprint(b.seq.Tokens))
		}
		for _, g := range []*Generation{a, b} {
			finish(t, g)
		}
	})
}
