package gguf

import (
	"fmt"
	"math"
	"strings"
)

// object is a JSON object to be written.
type object map[string]any

// limit is above any width or count of a real model; the folder's own checks
// are stricter.
const limit = 1 << 24

// config makes a config.json from the metadata, but for the quantization.
func (m *meta) config(f *File) object {
	heads := m.own("attention.head_count", limit)
	hidden := m.own("embedding_length", limit)
	kv := heads
	if m.has(m.arch + ".attention.head_count_kv") {
		kv = m.own("attention.head_count_kv", limit)
	}
	dim := hidden / max(heads, 1)
	if m.has(m.arch + ".attention.key_length") {
		dim = m.own("attention.key_length", limit)
		if v := m.arch + ".attention.value_length"; m.has(v) && m.own("attention.value_length", limit) != dim {
			m.fail(v, "keys and values of different lengths are not supported")
		}
	}
	if k := m.arch + ".rope.dimension_count"; m.has(k) && m.own("rope.dimension_count", limit) != dim {
		m.fail(k, "a rotary embedding of only a part of the head is not supported")
	}
	base := 10000.0
	if k := m.arch + ".rope.freq_base"; m.has(k) {
		base = m.float(k)
	}
	embedding, tied := f.tensor("token_embd.weight"), f.tensor("output.weight") == nil
	if embedding == nil {
		m.fail("token_embd.weight", "this tensor is missing")
		return nil
	}
	c := object{
		"model_type":              m.arch,
		"architectures":           []string{map[string]string{"llama": "LlamaForCausalLM", "qwen3": "Qwen3ForCausalLM"}[m.arch]},
		"hidden_size":             hidden,
		"num_hidden_layers":       m.own("block_count", limit),
		"intermediate_size":       m.own("feed_forward_length", limit),
		"num_attention_heads":     heads,
		"num_key_value_heads":     kv,
		"head_dim":                dim,
		"vocab_size":              embedding.Rows(),
		"max_position_embeddings": m.own("context_length", math.MaxInt32),
		"rms_norm_eps":            m.float(m.arch + ".attention.layer_norm_rms_epsilon"),
		"rope_theta":              base,
		"rope_scaling":            m.scaling(),
		"tie_word_embeddings":     tied,
		"hidden_act":              "silu",
		"attention_bias":          false,
	}
	for key, name := range map[string]string{"tokenizer.ggml.bos_token_id": "bos_token_id", "tokenizer.ggml.eos_token_id": "eos_token_id"} {
		if m.has(key) {
			c[name] = m.integer(key, 0, embedding.Rows()-1)
		}
	}
	return c
}

// scaling is the "rope_scaling" object, nil for none.
func (m *meta) scaling() any {
	key := m.arch + ".rope.scaling.type"
	if !m.has(key) {
		return nil
	}
	kind := m.text(key)
	switch kind {
	case "none":
		return nil
	case "linear":
		return object{"rope_type": "linear", "factor": m.float(m.arch + ".rope.scaling.factor")}
	case "yarn":
		return object{
			"rope_type": "yarn", "factor": m.float(m.arch + ".rope.scaling.factor"),
			"original_max_position_embeddings": m.own("rope.scaling.original_context_length", math.MaxInt32),
		}
	}
	m.fail(key, "%.40q is not supported: none, linear and yarn are", kind)
	return nil
}

// quantization is the "quantization" object: the commonest form, and an entry
// for every matrix that has another.
func quantization(tensors []named) object {
	count := map[Type]int64{}
	for _, t := range tensors {
		if _, ok := t.Type.affine(); ok && t.matrix {
			count[t.Type] += t.Bytes
		}
	}
	if len(count) == 0 {
		return nil
	}
	most := Q4_1
	if count[Q8_0] > count[Q4_1] {
		most = Q8_0
	}
	form, _ := most.affine()
	q := object{"group_size": form.GroupSize, "bits": form.Bits}
	for _, t := range tensors {
		if a, ok := t.Type.affine(); t.matrix && t.Type != most {
			if ok {
				q[t.module] = object{"group_size": a.GroupSize, "bits": a.Bits}
			} else {
				q[t.module] = false
			}
		}
	}
	return q
}

// named is a tensor with its place in an MLX folder.
type named struct {
	Tensor
	module string // such as "model.layers.0.mlp.up_proj"
	matrix bool
	rows   func(i int64) int64 // order of the rows, nil: as stored
}

var moduleNames = map[string]string{
	"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
	"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
	"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
	"ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}

// place finds a tensor's module. llama.cpp stores the q and k rows of "llama"
// with the two halves of each head interleaved; they go back to halves.
func (m *meta) place(t Tensor) (named, error) {
	n := named{Tensor: t, matrix: len(t.Dims) == 2}
	base, ok := strings.CutSuffix(t.Name, ".weight")
	switch {
	case !ok:
		return n, &TensorError{t.Name, "not supported: only weights are"}
	case base == "rope_freqs":
		return n, &TensorError{t.Name, "scaled rotary embeddings are read from MLX folders only; take the model in MLX form"}
	case base == "token_embd":
		n.module = "model.embed_tokens"
	case base == "output":
		n.module = "lm_head"
	case base == "output_norm":
		n.module = "model.norm"
	default:
		var layer int
		rest, found := strings.CutPrefix(base, "blk.")
		number, kind, cut := strings.Cut(rest, ".")
		if _, err := fmt.Sscanf(number, "%d", &layer); !found || !cut || err != nil || moduleNames[kind] == "" || fmt.Sprint(layer) != number {
			return n, &TensorError{t.Name, fmt.Sprintf("not known in a %s model", m.arch)}
		}
		n.module = fmt.Sprintf("model.layers.%d.%s", layer, moduleNames[kind])
		if m.arch == "llama" && n.matrix && (kind == "attn_q" || kind == "attn_k") {
			count := "attention.head_count"
			if kind == "attn_k" && m.has(m.arch+".attention.head_count_kv") {
				count = "attention.head_count_kv"
			}
			heads := m.own(count, limit)
			if m.err != nil || t.Rows()%(2*heads) != 0 {
				return n, &TensorError{t.Name, fmt.Sprintf("%d rows do not divide into %d heads", t.Rows(), heads)}
			}
			n.rows = halves(t.Rows() / heads)
		}
	}
	if n.matrix {
		return n, nil
	}
	if len(t.Dims) != 1 || t.Type.dense() == "" {
		return n, &TensorError{t.Name, fmt.Sprintf("%v of dimensions %v is not supported", t.Type, t.Dims)}
	}
	return n, nil
}

// halves maps row i of a head whose first half comes first to its row where
// the halves alternate.
func halves(dim int64) func(i int64) int64 {
	return func(i int64) int64 {
		head, r := i/dim, i%dim
		return head*dim + r%(dim/2)*2 + r/(dim/2)
	}
}

func (f *File) tensor(name string) *Tensor {
	for i := range f.Tensors {
		if f.Tensors[i].Name == name {
			return &f.Tensors[i]
		}
	}
	return nil
}
