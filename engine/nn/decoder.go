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

	h := mlx.Embed(ids, d.Embed)
	x := mlx.RMSNorm(h, d.Layers[0].AttentionNorm, d.Eps)
	for i := range d.Layers {
		l := &d.Layers[i]
		qkv := mlx.Linears(x, d.Mode, l.Q, l.K, l.V)
		a := mlx.AttentionBlock(qkv[0], qkv[1], qkv[2], c.Layer(i), l.QNorm, l.KNorm, d.Eps, d.InvFreq, offset, d.Scale)
		a = mlx.Linear(a, l.O, mlx.Array{}, d.Mode)
		h, x = mlx.AddRMSNorm(a, h, l.MLPNorm, d.Eps)
		m := mlx.MLP(x, l.Gate, l.Up, l.Down, d.Mode)
		next := d.Norm
		if i+1 < len(d.Layers) {
			next = d.Layers[i+1].AttentionNorm
		}
		h, x = mlx.AddRMSNorm(m, h, next, d.Eps)
	}
	c.Advance(length)
	return x
}

// Logits are float32 [L, vocabulary] of hidden states [L, hidden].
func (d *Decoder) Logits(hidden mlx.Array) mlx.Array {
	return mlx.Linear(hidden, d.Head, mlx.Array{}, d.Mode)
}
