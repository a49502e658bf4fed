package generate

import (
	"math"
	"sort"
	"strings"

	"qwill/engine/mlx"
	"qwill/engine/proto"
)

// probs are log-probabilities on their way, of L positions.
type probs struct {
	chosen mlx.Array // [L, 1] of the target tokens
	ids    mlx.Array // [L, n] the likeliest tokens, in no order
	best   mlx.Array // [L, n] theirs
}

// logprobs takes the log-probabilities of targets [L, 1] and of the n likeliest
// tokens from logits [L, vocabulary].
func logprobs(logits, targets mlx.Array, n int) probs {
	norm := mlx.LogSumExp(logits, -1, true)
	p := probs{chosen: mlx.Subtract(mlx.TakeAlongAxis(logits, targets, 1), norm)}
	if n = min(n, logits.Dim(1)); n > 0 {
		order := mlx.ArgPartition(mlx.Negative(logits), n-1, 1)
		p.ids = mlx.AsType(mlx.Slice(order, []int{0, 0}, []int{logits.Dim(0), n}), mlx.Int32)
		p.best = mlx.Subtract(mlx.TakeAlongAxis(logits, p.ids, 1), norm)
	}
	return p
}

func (p probs) arrays() []mlx.Array {
	var all []mlx.Array
	for _, a := range []mlx.Array{p.chosen, p.ids, p.best} {
		if a.OK() {
			all = append(all, a)
		}
	}
	return all
}

// read gives the positions' figures: each token's own and its rivals, likeliest
// first.
func (p probs) read() (own []float32, top [][]proto.Token) {
	own = p.chosen.Float32s()
	top = make([][]proto.Token, len(own))
	if !p.ids.OK() {
		return own, top
	}
	n := p.ids.Dim(1)
	ids, best := p.ids.Int32s(), p.best.Float32s()
	for i := range own {
		for j := i * n; j < (i+1)*n; j++ {
			top[i] = append(top[i], proto.Token{ID: int(ids[j]), Logprob: natural(best[j])})
		}
		sort.Slice(top[i], func(a, b int) bool {
			x, y := top[i][a], top[i][b]
			return *x.Logprob > *y.Logprob || *x.Logprob == *y.Logprob && x.ID < y.ID
		})
	}
	return own, top
}

// natural is a log-probability as the wire carries it: JSON has no infinity, so
// an impossible token has -9999, as elsewhere.
func natural(v float32) *float64 {
	f := max(-9999, float64(v))
	return &f
}

// describe fills in what a token is.
func (m *Model) describe(t proto.Token) proto.Token {
	t.Bytes = m.Tokens.TokenBytes(t.ID)
	t.Text = strings.ToValidUTF8(string(t.Bytes), "\uFFFD")
	for i := range t.Top {
		t.Top[i] = m.describe(t.Top[i])
	}
	return t
}

// detail gives what the caller wants to know of a token, nil when nothing.
func (g *Generation) detail(id int, d *drawn) *proto.Token {
	if g.r.Logprobs == 0 && !g.r.Echo {
		return nil
	}
	t := proto.Token{ID: id}
	if g.r.Logprobs > 0 {
		own, top := d.probs.read()
		t.Logprob, t.Top = natural(own[0]), top[0]
	}
	t = g.m.describe(t)
	return &t
}

// echoFloats bounds the logits computed at once for an echo.
const echoFloats = 8 << 20

// echo reports the prompt's own tokens. Without log-probabilities all of them,
// at once; with them the first at the start, and then, for the hidden states of
// the chunk at position at, the tokens that follow each.
func (g *Generation) echo(at int, hidden *mlx.Array) {
	const some = 256
	send := func(tokens []proto.Token) {
		for len(tokens) > 0 {
			n := min(some, len(tokens))
			g.r.Emit(proto.Event{ID: g.r.ID, Tokens: tokens[:n:n]})
			tokens = tokens[n:]
		}
	}
	if hidden == nil {
		prompt := g.r.Prompt
		if g.r.Logprobs > 0 {
			prompt = prompt[:1]
		}
		var tokens []proto.Token
		for _, id := range prompt {
			tokens = append(tokens, g.m.describe(proto.Token{ID: id, Prompt: true}))
		}
		send(tokens)
		return
	}
	t := g.m.Thread
	rows := min(hidden.Dim(0), len(g.r.Prompt)-1-at) // the last position predicts the reply
	batch := max(1, echoFloats/g.m.Vocabulary)
	for from := 0; from < rows; from += batch {
		s := t.Enter()
		to := min(rows, from+batch)
		logits := g.m.Net.Logits(mlx.Slice(*hidden, []int{from, 0}, []int{to, hidden.Dim(1)}))
		targets := g.r.Prompt[at+from+1 : at+to+1]
		own, top := logprobs(logits, mlx.Reshape(t.FromInts(targets), len(targets), 1), g.r.Logprobs-1).read()
		var tokens []proto.Token
		for i, id := range targets {
			if math.IsNaN(float64(own[i])) {
				panic(errNotFinite)
			}
			tokens = append(tokens, g.m.describe(proto.Token{ID: id, Logprob: natural(own[i]), Top: top[i], Prompt: true}))
		}
		s.Close()
		send(tokens)
	}
}
