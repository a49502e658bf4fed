package generate

import (
	"runtime/debug"

	"qwill/engine/mlx"
)

// MostTogether is how many generations take a step together: as many rows as are
// each computed as if alone (kFewRows in engine/mlx/kernels), less one.
const MostTogether = 8

// StepTogether does a step of several generations of one model, in which the
// weights are read once for all that decode. One of them at most reads a chunk of
// its prompt, so that the others wait for no more than that. It reports which have
// ended. A fault in what they share ends all that took part.
func StepTogether(gs []*Generation) (ended []bool) {
	ended = make([]bool, len(gs))
	var decoding []int
	prefilled := false
	for i, g := range gs {
		switch {
		case g.seq != nil && g.ahead != nil:
			decoding = append(decoding, i)
		case g.seq == nil || !prefilled:
			prefilled = prefilled || g.seq != nil
			ended[i] = g.guarded(g.Step)
		}
	}
	if len(decoding) == 1 {
		i := decoding[0]
		ended[i] = gs[i].guarded(gs[i].Step)
		return ended
	}
	var reading []*Generation
	var tokens []mlx.Array
	var caches []Cache
	for _, i := range decoding {
		g := gs[i]
		if ended[i] = g.guarded(g.resume); !ended[i] && g.reads() {
			reading = append(reading, g)
			tokens = append(tokens, g.ahead.token)
			caches = append(caches, g.seq.KV)
		}
	}
	if len(decoding) == 0 {
		return ended
	}
	s := gs[decoding[0]].m.Thread.Enter()
	defer s.Close()
	logits := map[*Generation]mlx.Array{}
	if len(reading) > 0 {
		net := reading[0].m.Net
		if err := try(func() {
			all := net.Logits(net.ForwardBatch(mlx.Concatenate(tokens, 0), caches))
			for b, g := range reading {
				logits[g] = mlx.Slice(all, []int{b, 0}, []int{b + 1, all.Dim(1)})
			}
		}); err != nil {
			for _, g := range reading {
				g.failed(err) // what its cache holds is not known
			}
		}
	}
	for _, i := range decoding {
		if g := gs[i]; !ended[i] {
			ended[i] = g.guarded(func() bool { return g.ended || g.follows(logits[g]) })
		}
	}
	return ended
}

// guarded runs f; a panic ends the generation.
func (g *Generation) guarded(f func() bool) (ended bool) {
	if err := try(func() { ended = f() }); err != nil {
		return g.failed(err)
	}
	return ended
}

// try gives a panic as an error. MLX reports failures as panics whose value is
// one.
func try(f func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *mlx.Error:
			err = r
		default:
			err = &mlx.PanicError{Value: r, Stack: string(debug.Stack())}
		}
	}()
	f()
	return nil
}
