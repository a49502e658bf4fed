package load

import (
	"encoding/json"
	"fmt"

	"qwill/engine/quant"
	"qwill/engine/safetensors"
)

func stringsOf(data []byte) []string {
	var s []string
	_ = json.Unmarshal(data, &s) // anything else is no list of names
	return s
}

// Matrix is a weight [Rows, Cols] as stored: dense, or affine with scales and
// biases.
type Matrix struct {
	Module         string // such as "model.layers.0.mlp.up_proj"
	Rows, Cols     int
	Weight         safetensors.Located
	Form           *quant.Affine // nil: dense
	Scales, Biases safetensors.Located
}

// Vector is a norm's weight.
type Vector struct {
	Name   string
	Weight safetensors.Located
}

// module is one weight an architecture has.
type module struct {
	name       string
	rows, cols int // cols 0: a vector
}

// modules lists what a config's weights are. The names are those of
// transformers and of mlx-lm.
func (c *Config) modules() []module {
	q, kv := c.Heads*c.HeadDim, c.KVHeads*c.HeadDim
	out := make([]module, 0, c.Layers*11+3)
	out = append(out, module{"model.embed_tokens", c.Vocab, c.Hidden})
	for i := range c.Layers {
		p := fmt.Sprintf("model.layers.%d.", i)
		out = append(out,
			module{p + "input_layernorm", c.Hidden, 0},
			module{p + "self_attn.q_proj", q, c.Hidden},
			module{p + "self_attn.k_proj", kv, c.Hidden},
			module{p + "self_attn.v_proj", kv, c.Hidden},
			module{p + "self_attn.o_proj", c.Hidden, q},
			module{p + "post_attention_layernorm", c.Hidden, 0},
			module{p + "mlp.gate_proj", c.Intermediate, c.Hidden},
			module{p + "mlp.up_proj", c.Intermediate, c.Hidden},
			module{p + "mlp.down_proj", c.Hidden, c.Intermediate})
		if c.QKNorm {
			out = append(out, module{p + "self_attn.q_norm", c.HeadDim, 0}, module{p + "self_attn.k_norm", c.HeadDim, 0})
		}
	}
	out = append(out, module{"model.norm", c.Hidden, 0})
	if !c.Tied {
		out = append(out, module{"lm_head", c.Vocab, c.Hidden})
	}
	return out
}
