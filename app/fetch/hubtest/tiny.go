package hubtest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
)

// Tiny gives the files of a whole, very small Qwen3 in MLX form, which the
// engine runs: 2 layers of width 128 with random weights (bf16) and one token
// for each byte. What it writes is noise. As the official ones it has no
// generation_config.json.
func Tiny() map[string][]byte {
	const vocab, hidden, layers, heads, kv, head, inner = 259, 128, 2, 4, 2, 32, 256
	type tensor struct {
		shape []int
		scale float64 // 0: all ones
	}
	tensors := map[string]tensor{
		"model.embed_tokens.weight": {[]int{vocab, hidden}, 0.5},
		"model.norm.weight":         {[]int{hidden}, 0},
	}
	for _, l := range []string{"0", "1"} {
		p := "model.layers." + l + "."
		for name, t := range map[string]tensor{
			"input_layernorm.weight": {[]int{hidden}, 0}, "post_attention_layernorm.weight": {[]int{hidden}, 0},
			"self_attn.q_norm.weight": {[]int{head}, 0}, "self_attn.k_norm.weight": {[]int{head}, 0},
			"self_attn.q_proj.weight": {[]int{heads * head, hidden}, 0.1}, "self_attn.k_proj.weight": {[]int{kv * head, hidden}, 0.1},
			"self_attn.v_proj.weight": {[]int{kv * head, hidden}, 0.1}, "self_attn.o_proj.weight": {[]int{hidden, heads * head}, 0.1},
			"mlp.gate_proj.weight": {[]int{inner, hidden}, 0.1}, "mlp.up_proj.weight": {[]int{inner, hidden}, 0.1}, "mlp.down_proj.weight": {[]int{hidden, inner}, 0.1},
		} {
			tensors[p+name] = t
		}
	}
	header, data := object{"__metadata__": object{"format": "mlx"}}, []byte(nil)
	r := rand.New(rand.NewPCG(3, 4))
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		t := tensors[name]
		n := 1
		for _, d := range t.shape {
			n *= d
		}
		from := len(data)
		for range n {
			v := 1.0
			if t.scale > 0 {
				v = r.NormFloat64() * t.scale
			}
			data = binary.LittleEndian.AppendUint16(data, uint16(math.Float32bits(float32(v))>>16))
		}
		header[name] = object{"dtype": "BF16", "shape": t.shape, "data_offsets": []int{from, len(data)}}
	}
	head2 := marshal(header)
	for len(head2)%8 != 0 {
		head2 = append(head2, ' ')
	}
	weights := binary.LittleEndian.AppendUint64(nil, uint64(len(head2)))
	weights = append(append(weights, head2...), data...)

	words := object{}
	for b := range 256 {
		words[string(byteRune(b))] = b
	}
	special := func(id int, s string) object {
		return object{"id": id, "content": s, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}
	}
	byteLevel := object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false}
	tokenizer := object{"version": "1.0", "truncation": nil, "padding": nil,
		"added_tokens": []object{special(256, "<|endoftext|>"), special(257, "<|im_start|>"), special(258, "<|im_end|>")},
		"normalizer":   object{"type": "NFC"},
		"pre_tokenizer": object{"type": "Sequence", "pretokenizers": []object{
			{"type": "Split", "pattern": object{"Regex": `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`}, "behavior": "Isolated", "invert": false},
			byteLevel}},
		"post_processor": byteLevel, "decoder": byteLevel,
		"model": object{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": "", "end_of_word_suffix": "",
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": words, "merges": []string{}},
	}
	template := "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}{%- endfor %}" +
		"{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}"
	return map[string][]byte{
		"config.json": marshal(object{"architectures": []string{"Qwen3ForCausalLM"}, "model_type": "qwen3", "hidden_size": hidden, "num_hidden_layers": layers,
			"num_attention_heads": heads, "num_key_value_heads": kv, "head_dim": head, "intermediate_size": inner, "vocab_size": vocab,
			"max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "rope_scaling": nil, "hidden_act": "silu", "attention_bias": false,
			"tie_word_embeddings": true, "torch_dtype": "bfloat16", "bos_token_id": 256, "eos_token_id": 258}),
		"tokenizer.json": marshal(tokenizer),
		"tokenizer_config.json": marshal(object{"chat_template": template, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
			"model_max_length": 2048, "tokenizer_class": "Qwen2Tokenizer"}),
		"model.safetensors": weights,
		"LICENSE":           []byte("Apache License\nVersion 2.0, January 2004\n"),
		"README.md":         []byte("# A very small Qwen3\n"),
		".gitattributes":    []byte("*.safetensors filter=lfs diff=lfs merge=lfs -text\n"),
	}
}

func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSpace(b.Bytes())
}

// byteRune is how byte-level tokenizers write a byte (GPT-2's bytes_to_unicode).
func byteRune(b int) rune {
	plain := func(b int) bool { return b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae && b <= 0xff }
	if plain(b) {
		return rune(b)
	}
	n := 0
	for c := range b {
		if !plain(c) {
			n++
		}
	}
	return rune(256 + n)
}
