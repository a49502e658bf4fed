// Package llama is the Llama architecture (Touvron et al., arXiv 2302.13971):
// pre-norm blocks of grouped-query attention with rotary positions and SwiGLU.
package llama

import (
	"fmt"

	"qwill/engine/load"
	"qwill/engine/nn"
)

// New assembles the network of c with the weights of w.
func New(w nn.Source, c *load.Config) *nn.Decoder {
	d := &nn.Decoder{
		Heads: c.Heads, KVHeads: c.KVHeads, HeadDim: c.HeadDim, Eps: float32(c.Eps), Scale: float32(c.Scale()),
		Embed: w.Matrix("model.embed_tokens"),
		Norm:  w.Vector("model.norm"),
	}
	d.Head = d.Embed
	if !c.Tied {
		d.Head = w.Matrix("lm_head")
	}
	for i := range c.Layers {
		d.Layers = append(d.Layers, Layer(w, fmt.Sprintf("model.layers.%d.", i)))
	}
	return d
}

// Layer reads the block whose modules begin with prefix. Architectures that add
// to Llama's block start from it.
func Layer(w nn.Source, prefix string) nn.Layer {
	return nn.Layer{
		AttentionNorm: w.Vector(prefix + "input_layernorm"),
		Q:             w.Matrix(prefix + "self_attn.q_proj"),
		K:             w.Matrix(prefix + "self_attn.k_proj"),
		V:             w.Matrix(prefix + "self_attn.v_proj"),
		O:             w.Matrix(prefix + "self_attn.o_proj"),
		MLPNorm:       w.Vector(prefix + "post_attention_layernorm"),
		Gate:          w.Matrix(prefix + "mlp.gate_proj"),
		Up:            w.Matrix(prefix + "mlp.up_proj"),
		Down:          w.Matrix(prefix + "mlp.down_proj"),
	}
}
