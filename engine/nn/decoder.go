// Package nn holds the layers that architectures are assembled from.
package nn

import (
	"qwill/engine/kv"
	"qwill/engine/mlx"
)

// Layer is one pre-norm transformer block: grouped-query attention with rotary
// positions, then a gated MLP.
type Layer struct {
	AttentionNorm mlx.Array // [hidden]
	Q, K, V, O    mlx.Weight
	QNorm, KNorm  mlx.Array // [head dim], RMSNorm of each head (Qwen3), or absent
	MLPNorm       mlx.Array // [hidden]
	Gate, Up      mlx.Weight
	Down          mlx.Weight
}

// Decoder is a stack of layers between an embedding and a head.
type Decoder struct {
	Thread *mlx.Thread
	Mode   mlx.Mode

	Heads, KVHeads, HeadDim int
	Eps                     float32
	InvFreq                 mlx.Array // [head dim / 2], radians a position
	Scale                   float32   // of the attention scores

	Embed  mlx.Weight // [vocabulary, hidden]
	Layers []Layer
	Norm   mlx.Array  // [hidden]
	Head   mlx.Weight // [vocabulary, hidden]; the embedding itself where they are tied
}

// NewCache makes an empty cache for one sequence.
func (d *Decoder) NewCache() *kv.Cache {
	return kv.New(d.Thread, mlx.Float32, len(d.Layers), d.KVHeads, d.HeadDim)
}

// Forward reads ids [L] (any integer type; on the device, so that a sampled
// token need not come to the host first) after what c holds, appends to c, and
// gives the normalised hidden states [L, hidden].
func (d *Decoder) Forward(ids mlx.Array, c *kv.Cache) mlx.Array {
	length := ids.Dim(0)
	c.Reserve(length)
	offset := c.Len()
	x := d.run(ids, func(i int, l *Layer, q, k, v mlx.Array) mlx.Array {
		return mlx.AttentionBlock(q, k, v, c.Layer(i), l.QNorm, l.KNorm, d.Eps, d.InvFreq, offset, d.Scale)
	})
	c.Advance(length)
	return x
}

// ForwardBatch reads one token of each of several sequences: ids [B] after what
// cs hold, one cache each. It appends to them and gives the hidden states
// [B, hidden]. The weights are read once for all.
func (d *Decoder) ForwardBatch(ids mlx.Array, cs []*kv.Cache) mlx.Array {
	for _, c := range cs {
		c.Reserve(1)
	}
	x := d.run(ids, func(i int, l *Layer, q, k, v mlx.Array) mlx.Array {
		rows := make([]mlx.Array, len(cs))
		for b, c := range cs {
			row := func(a mlx.Array) mlx.Array { return mlx.Slice(a, []int{b, 0}, []int{b + 1, a.Dim(1)}) }
			rows[b] = mlx.AttentionBlock(row(q), row(k), row(v), c.Layer(i), l.QNorm, l.KNorm, d.Eps, d.InvFreq, c.Len(), d.Scale)
		}
		return mlx.Concatenate(rows, 0)
	})
	for _, c := range cs {
		c.Advance(1)
	}
	return x
}

// Pack reads several whole sequences side by side: ids [sum of lengths] holds
// them one after another, none empty, and so does the result [sum, hidden]. The
// layers see all rows at once; in the attention each sequence sees itself alone,
// at positions of its own, so that no padding is needed. Nothing is kept.
func (d *Decoder) Pack(ids mlx.Array, lengths []int) mlx.Array {
	return d.run(ids, func(_ int, l *Layer, q, k, v mlx.Array) mlx.Array {
		out := make([]mlx.Array, len(lengths))
		at := 0
		for i, n := range lengths {
			rows := func(a mlx.Array) mlx.Array {
				if len(lengths) == 1 {
					return a
				}
				return mlx.Slice(a, []int{at, 0}, []int{at + n, a.Dim(1)})
			}
			c := d.Thread.NewKV(mlx.Float32, d.KVHeads, n, d.HeadDim)
			out[i] = mlx.AttentionBlock(rows(q), rows(k), rows(v), c, l.QNorm, l.KNorm, d.Eps, d.InvFreq, 0, d.Scale)
			c.K.Free() // a layer's keys and values need not outlive it
			c.V.Free()
			at += n
		}
		if len(out) == 1 {
			return out[0]
		}
		return mlx.Concatenate(out, 0)
	})
}

// run computes the layers over ids [L]; attend is their attention, without the
// output matrix.
func (d *Decoder) run(ids mlx.Array, attend func(i int, l *Layer, q, k, v mlx.Array) mlx.Array) mlx.Array {
	h := mlx.Embed(ids, d.Embed)
	x := mlx.RMSNorm(h, d.Layers[0].AttentionNorm, d.Eps)
	for i := range d.Layers {
		l := &d.Layers[i]
		qkv := mlx.Linears(x, d.Mode, l.Q, l.K, l.V)
		a := attend(i, l, qkv[0], qkv[1], qkv[2])
		a = mlx.Linear(a, l.O, mlx.Array{}, d.Mode)
		h, x = mlx.AddRMSNorm(a, h, l.MLPNorm, d.Eps)
		m := mlx.MLP(x, l.Gate, l.Up, l.Down, d.Mode)
		next := d.Norm
		if i+1 < len(d.Layers) {
			next = d.Layers[i+1].AttentionNorm
		}
		h, x = mlx.AddRMSNorm(m, h, next, d.Eps)
	}
	return x
}

// Logits are float32 [L, vocabulary] of hidden states [L, hidden].
func (d *Decoder) Logits(hidden mlx.Array) mlx.Array {
	return mlx.Linear(hidden, d.Head, mlx.Array{}, d.Mode)
}
