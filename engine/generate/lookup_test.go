package generate

import (
	"math/rand/v2"
	"slices"
	"testing"

	"qwill/engine/mlx"
	"qwill/engine/proto"
)

// copyist repeats the prompt with a change now and then: after an 8 it goes on
// elsewhere.
type copyist struct{ cipher }

func (n *copyist) Forward(ids mlx.Array, c Cache) mlx.Array {
	k := c.(*tape)
	in := ids.Int32s()
	n.chunks = append(n.chunks, len(in))
	rows := make([]float32, 0, len(in)*vocabulary)
	for _, id := range in {
		n.read++
		k.tokens = append(k.tokens, int(id))
		row := make([]float32, vocabulary)
		for i := range row {
			row[i] = float32(-i) / 8
		}
		row[copied(k.tokens)] = 9
		rows = append(rows, row...)
	}
	return thread.FromFloat32(rows, len(in), vocabulary)
}

func (n *copyist) ForwardBatch(ids mlx.Array, cs []Cache) mlx.Array { return oneByOne(n, ids, cs) }

const original = 24

// copied is the token that follows: the one 24 before it, but every 7th another.
func copied(tokens []int) int {
	n := len(tokens)
	if n%7 == 0 || n < original {
		return next(tokens)
	}
	return tokens[n-original]
}

func (n *copyist) NewCache() (Cache, error) { n.open++; return &tape{net: &n.cipher}, nil }

func copyModel(n *copyist) *Model {
	m := testModel(&n.cipher)
	m.Net, m.Prefixes.New, m.Context = n, n.NewCache, 400
	return m
}

// With guesses everything is as without them, wherever the reply ends, and the
// network runs less often.
func TestLookupChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	text := make([]int, original)
	for i := range text {
		text[i] = r.IntN(vocabulary)
	}
	cases := map[string]func(m *Model, r *Request){
		"length":      func(_ *Model, r *Request) { r.MaxTokens = 100 },
		"short":       func(_ *Model, r *Request) { r.MaxTokens = 1 + len(r.Prompt)%5 },
		"end of turn": func(m *Model, r *Request) { r.MaxTokens = 90; m.EOS[text[17]] = true },
		"ignore end":  func(m *Model, r *Request) { r.MaxTokens = 60; r.IgnoreEOS = true; m.EOS[text[17]] = true },
		"stop string": func(_ *Model, r *Request) {
			r.MaxTokens = 200
			r.Stop = []string{string([]byte{byte('a' + text[12]), byte('a' + text[13])})}
		},
		"figures":  func(_ *Model, r *Request) { r.MaxTokens = 50; r.Logprobs = 3 },
		"no cache": func(_ *Model, r *Request) { r.MaxTokens = 50; r.NoCache = true },
		"full":     func(m *Model, _ *Request) { m.Context = 90 },
	}
	for name, edit := range cases {
		t.Run(name, func(t *testing.T) {
			do(t, func() {
				var texts [2]string
				var results [2]proto.Result
				var tokens [2][]proto.Token
				var steps [2]int
				for i := range 2 {
					net := &copyist{}
					m := copyModel(net)
					req := Request{Prompt: text, Lookup: i == 1}
					edit(m, &req)
					g, rec := start(t, m, req)
					results[i] = finish(t, g)
					texts[i], tokens[i], steps[i] = rec.text, rec.tokens, len(net.chunks)
					for _, n := range net.chunks {
						if n > mostDrafted+1 {
							t.Errorf("%d rows at once", n)
						}
					}
					// What is kept is what was said: the next turn goes on from it.
					second := append(append(slices.Clone(text), follow(text, results[i].CompletionTokens)...), 1, 2, 3)
					if len(second) < m.Context {
						m.EOS = map[int]bool{}
						g, rec = start(t, m, Request{Prompt: second, MaxTokens: 5})
						finish(t, g)
						want := ""
						for _, id := range follow(second, 5) {
							if !(letters{}).IsSpecial(id) {
								want += string(rune('a' + id))
							}
						}
						if rec.text != want {
							t.Errorf("second turn %q, want %q", rec.text, want)
						}
					}
					m.Prefixes.Clear()
					if net.open != 0 {
						t.Errorf("%d caches open", net.open)
					}
				}
				a, b := results[0], results[1]
				if texts[0] != texts[1] || a.Finish != b.Finish || a.CompletionTokens != b.CompletionTokens {
					t.Errorf("%q %+v with guesses, without %q %+v", texts[1], b, texts[0], a)
				}
				if !slices.EqualFunc(tokens[0], tokens[1], func(x, y proto.Token) bool { return x.ID == y.ID && *x.Logprob == *y.Logprob }) {
					t.Error("figures differ")
				}
				if a.CompletionTokens >= 50 && (b.Accepted < 20 || steps[1] > steps[0]*3/4) {
					t.Errorf("%d of %d guesses came, %d runs instead of %d", b.Accepted, b.Drafted, steps[1], steps[0])
				}
			})
		})
	}
}

// follow is what the copyist writes after tokens.
func follow(tokens []int, n int) []int {
	seq := slices.Clone(tokens)
	for range n {
		seq = append(seq, copied(seq))
	}
	return seq[len(tokens):]
}

// Where nothing repeats, guessing costs next to nothing: it pauses.
func TestLookupPauses(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	prompt := make([]int, 600)
	for i := range prompt {
		prompt[i] = r.IntN(12) // pairs repeat, what follows them does not
	}
	l := newLookup(prompt)
	rows, waits := 0, 0
	const tokens = 1000
	for range tokens {
		was := l.ready()
		l.push(r.IntN(12))
		if was {
			if d := l.draft(mostDrafted); len(d) > 0 {
				rows += len(d)
				l.learn(len(d), 0)
			} else {
				waits++
				l.waited()
			}
		}
	}
	if rows == 0 {
		t.Error("nothing was guessed: the test shows nothing")
	}
	if cost := rowCost*float64(rows) + waitCost*float64(waits); cost > 0.02*tokens {
		t.Errorf("%d rows and %d waits in vain for %d tokens", rows, waits, tokens)
	}
}

// After a changed, a missing and a new token the copy is found again.
func TestLookupFindsTheCopyAgain(t *testing.T) {
	for name, reply := range map[string][]int{
		"changed": {1, 2, 3, 99, 5},
		"missing": {1, 2, 3, 5, 6},
		"new":     {1, 2, 3, 99, 4},
	} {
		l := newLookup([]int{50, 1, 2, 3, 4, 5, 6, 7, 8, 9, 51})
		for _, id := range reply {
			l.push(id)
		}
		want := reply[len(reply)-1] + 1
		if d := l.draft(3); len(d) == 0 || d[0] != want {
			t.Errorf("%s: guess %v, want %d first", name, d, want)
		}
	}
}

// Wherever the context ends nothing is read beyond it, and the reply is what it
// is without guesses.
func TestLookupStaysInsideTheContext(t *testing.T) {
	text := slices.Repeat([]int{1, 5, 2, 9, 4, 3, 7, 6}, original/8)
	drafted := 0
	for room := 1; room <= 40; room++ {
		do(t, func() {
			var texts [2]string
			for i := range 2 {
				net := &copyist{}
				m := copyModel(net)
				m.Context = len(text) + room
				g, rec := start(t, m, Request{Prompt: text, Lookup: i == 1})
				for !g.Step() {
					if g.seq != nil && g.seq.KV.Len() > m.Context {
						t.Fatalf("%d tokens in a context of %d", g.seq.KV.Len(), m.Context)
					}
				}
				r, err := g.Result()
				if err != nil || r.CompletionTokens != room || r.Finish != proto.FinishLength {
					t.Errorf("room for %d: %+v %v", room, r, err)
				}
				drafted += r.Drafted
				texts[i] = rec.text
				m.Prefixes.Clear()
			}
			if texts[0] != texts[1] {
				t.Errorf("room for %d: %q with guesses, %q without", room, texts[1], texts[0])
			}
		})
	}
	if drafted == 0 {
		t.Error("nothing was guessed: the test shows nothing")
	}
}

// A generation that is cancelled while guesses are held leaves only what was
// said for the next one.
func TestLookupCancelled(t *testing.T) {
	text := slices.Repeat([]int{1, 5, 2, 9, 4, 3, 7, 6}, original/8)
	held := 0
	for steps := range 60 {
		do(t, func() {
			net := &copyist{}
			m := copyModel(net)
			g, rec := start(t, m, Request{Prompt: text, MaxTokens: 40, Lookup: true})
			for range steps {
				if g.Step() {
					break
				}
			}
			if g.held.logits.OK() {
				held++
			}
			g.Cancel()
			g.Step()
			r, err := g.Result()
			if err != nil || r.Finish != proto.FinishCancelled && r.CompletionTokens < 40 {
				t.Fatalf("after %d steps: %+v %v", steps, r, err)
			}
			said := follow(text, r.CompletionTokens)
			g, rec = start(t, m, Request{Prompt: append(append(slices.Clone(text), said...), 2), MaxTokens: 6})
			finish(t, g)
			want := ""
			for _, id := range follow(append(append(slices.Clone(text), said...), 2), 6) {
				if !(letters{}).IsSpecial(id) {
					want += string(rune('a' + id))
				}
			}
			if rec.text != want {
				t.Errorf("after %d steps and a cancellation: %q, want %q", steps, rec.text, want)
			}
			m.Prefixes.Clear()
			if net.open != 0 {
				t.Errorf("%d caches open", net.open)
			}
		})
	}
	if held == 0 {
		t.Error("no cancellation met a guess")
	}
}
