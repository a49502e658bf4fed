// Package qwen3 is the dense Qwen3 architecture (arXiv 2505.09388): Llama's
// blocks, with an RMSNorm of every query and key head before the rotation, and
// a head dimension that does not follow from the hidden size.
package qwen3

import (
	"fmt"

	"qwill/engine/load"
	"qwill/engine/models/llama"
	"qwill/engine/nn"
)

// New assembles the network of c with the weights of w.
func New(w nn.Source, c *load.Config) *nn.Decoder {
	d := llama.New(w, c)
	for i := range d.Layers {
		attention := fmt.Sprintf("model.layers.%d.self_attn.", i)
		d.Layers[i].QNorm = w.Vector(attention + "q_norm")
		d.Layers[i].KNorm = w.Vector(attention + "k_norm")
	}
	return d
}
