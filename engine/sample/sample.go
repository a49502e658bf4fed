// Package sample draws tokens from logits, as a graph on the device: the token
// is an array that feeds the next step before anybody has read it.
//
// The order is that of the transformers library and of vLLM, which the
// settings Qwen publishes were made with: repetition penalty, presence
// penalty, temperature, top-k, top-p, min-p, draw. (mlx-lm filters before it
// applies the temperature.) Top-k comes first in fact, since the temperature
// does not change the ranking, so that later steps work on k elements.
//
// A draw inverts the distribution's cumulative sum at a number that depends
// only on (seed, position): the same seed gives the same text, whatever was
// cached or paused, and no random state is hidden anywhere.
package sample

import (
	"fmt"
	"math"

	"qwill/engine/mlx"
)

// Settings are the decoding settings.
type Settings struct {
	Temperature       float64 // >= 0; 0 takes the likeliest token
	TopK              int     // >= 0; 0 is off
	TopP              float64 // (0, 1]; 1 is off
	MinP              float64 // [0, 1); 0 is off
	PresencePenalty   float64 // taken off tokens of the reply; 0 is off
	RepetitionPenalty float64 // > 0, divides tokens of prompt and reply; 1 is off
	Seed              uint64
}

// check names the first setting that cannot be used.
func (s Settings) check() error {
	for _, c := range []struct {
		ok    bool
		name  string
		value any
	}{
		{s.Temperature >= 0 && !math.IsInf(s.Temperature, 1), "temperature", s.Temperature},
		{s.TopK >= 0, "top_k", s.TopK},
		{s.TopP > 0 && s.TopP <= 1, "top_p", s.TopP},
		{s.MinP >= 0 && s.MinP < 1, "min_p", s.MinP},
		{!math.IsNaN(s.PresencePenalty) && !math.IsInf(s.PresencePenalty, 0), "presence_penalty", s.PresencePenalty},
		{s.RepetitionPenalty > 0 && !math.IsInf(s.RepetitionPenalty, 1), "repetition_penalty", s.RepetitionPenalty},
	} {
		if !c.ok {
			return fmt.Errorf("sampling: %s cannot be %v", c.name, c.value)
		}
	}
	return nil
}

// Sampler draws the tokens of one reply. It is used on the MLX thread.
type Sampler struct {
	s        Settings
	t        *mlx.Thread
	position uint64     // draws made
	own      *mlx.Scope // of the two below
	seen     mlx.Array  // [1, vocabulary] bool: in prompt or reply; absent without repetition penalty
	written  mlx.Array  // [1, vocabulary] bool: in the reply; absent without presence penalty
}

// New makes a sampler for logits over a vocabulary; prompt counts for the
// repetition penalty.
func New(t *mlx.Thread, s Settings, vocabulary int, prompt []int) (*Sampler, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	p := &Sampler{s: s, t: t, own: t.NewScope()}
	if s.RepetitionPenalty != 1 {
		mask := make([]byte, vocabulary)
		for _, id := range prompt {
			if id >= 0 && id < vocabulary {
				mask[id] = 1
			}
		}
		p.seen = t.FromBytes(mlx.Bool, mask, 1, vocabulary)
		p.own.Adopt(p.seen)
	}
	if s.PresencePenalty != 0 {
		p.written = t.Zeros(mlx.Bool, 1, vocabulary)
		p.own.Adopt(p.written)
	}
	return p, nil
}

// Close frees the sampler's arrays.
func (p *Sampler) Close() { p.own.Close() }

// Sample draws the next token, [1] int32, from logits [1, vocabulary]. last is
// the token before it, which may not have been computed yet; absent for the
// first draw of a reply. Logits that are not finite give some token: whoever
// reads it checks them (see [Finite]).
func (p *Sampler) Sample(logits, last mlx.Array) mlx.Array {
	logits = p.penalize(logits, last)
	u := uniform(p.s.Seed, p.position)
	p.position++
	if p.s.Temperature == 0 {
		return mlx.AsType(mlx.ArgMax(logits, -1, false), mlx.Int32)
	}
	var ids mlx.Array
	if k := p.s.TopK; k > 0 && k < logits.Dim(1) {
		logits, ids = mlx.TopK(logits, k)
	}
	at := mlx.ExpandDims(draw(p.s, logits, u), 1)
	if !ids.OK() {
		return mlx.Reshape(at, 1)
	}
	return mlx.Reshape(mlx.TakeAlongAxis(ids, at, 1), 1)
}

// draw is the index [rows] int32 of one element of each row of logits
// [rows, n].
func draw(s Settings, logits mlx.Array, u float64) mlx.Array {
	// Against the largest, so that a small temperature does not overflow.
	logits = mlx.Subtract(logits, mlx.Max(logits, -1, true))
	logits = mlx.DivideScalar(logits, math.Max(s.Temperature, 1e-6))
	if s.TopP < 1 {
		logits = mlx.TopP(logits, float32(s.TopP))
	}
	probs := mlx.Exp(logits) // of the likeliest: 1
	if s.MinP > 0 {
		keep := mlx.AsType(mlx.Not(mlx.LessScalar(probs, s.MinP)), mlx.Float32)
		probs = mlx.Multiply(probs, keep)
	}
	// The first element whose running sum exceeds u of the whole. Elements of
	// probability 0 do not move the sum, so they are never first.
	n := logits.Dim(1)
	sum := mlx.CumSum(probs, 1, false, true)
	total := mlx.Slice(sum, []int{0, n - 1}, []int{sum.Dim(0), n})
	before := mlx.AsType(mlx.LessEqual(sum, mlx.MultiplyScalar(total, u)), mlx.Int32)
	return mlx.Sum(before, 1, false)
}

// penalize makes tokens that were there before less likely.
func (p *Sampler) penalize(logits, last mlx.Array) mlx.Array {
	mark := func(mask mlx.Array) {
		if last.OK() {
			yes := p.t.Full(mlx.Bool, 1, 1, 1)
			mask.Replace(mlx.PutAlongAxis(mask, mlx.Reshape(last, 1, 1), yes, 1))
		}
	}
	if p.seen.OK() {
		mark(p.seen)
		r := p.s.RepetitionPenalty
		less := mlx.Where(mlx.GreaterScalar(logits, 0), mlx.DivideScalar(logits, r), mlx.MultiplyScalar(logits, r))
		logits = mlx.Where(p.seen, less, logits)
	}
	if p.written.OK() {
		mark(p.written)
		off := mlx.MultiplyScalar(mlx.AsType(p.written, mlx.Float32), p.s.PresencePenalty)
		logits = mlx.Subtract(logits, off)
	}
	return logits
}

// Finite is whether all of an array's elements are finite, as one boolean. A
// damaged model computes NaN, and any token drawn from that is garbage.
func Finite(a mlx.Array) mlx.Array {
	return mlx.All(mlx.IsFinite(mlx.Reshape(a, -1)), 0, false)
}

// uniform is a number in [0, 1) of 23 bits, so that its product with a float32
// stays below that float32. The mixing is SplitMix64's (Steele, Lea and Flood,
// 2014).
func uniform(seed, position uint64) float64 {
	z := mix(mix(seed) + position)
	return float64(z>>41) / (1 << 23)
}

func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
