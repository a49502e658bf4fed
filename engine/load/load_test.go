package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qwill/engine/proto"
	"qwill/engine/quant"
	"qwill/engine/safetensors"
)

type object = map[string]any

// config is a small qwen3 in which every width can be told from every other.
func config(changes object) object {
	c := object{
		"model_type": "qwen3", "hidden_size": 128, "num_hidden_layers": 2, "intermediate_size": 256,
		"num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 32, "vocab_size": 320,
		"rms_norm_eps": 1e-6, "rope_theta": 1e6, "max_position_embeddings": 65536, "tie_word_embeddings": true,
		"rope_scaling": nil, "use_qk_norm": true, "max_window_layers": 28, "qkv_bias": false,
		"auto_map": object{"AutoModel": "evil.py--Evil"}, "model_file": "evil.py",
	}
	for k, v := range changes {
		if v == remove {
			delete(c, k)
		} else {
			c[k] = v
		}
	}
	return c
}

var remove = &struct{ int }{}

// tensors makes what c needs, as zeros: quantized matrices where form is set.
func tensors(c *Config, form *quant.Affine) map[string]safetensors.Source {
	out := map[string]safetensors.Source{}
	add := func(name string, d safetensors.Dtype, shape ...int64) {
		out[name] = zeros(name, d, shape...)
	}
	for _, m := range c.modules() {
		switch {
		case m.cols == 0:
			add(m.name+".weight", safetensors.BF16, int64(m.rows))
		case form == nil || m.cols%form.GroupSize != 0: // dense, as mlx-lm leaves it
			add(m.name+".weight", safetensors.BF16, int64(m.rows), int64(m.cols))
		default:
			rows, cols := int64(m.rows), int64(m.cols)
			add(m.name+".weight", safetensors.U32, rows, form.Words(cols))
			add(m.name+".scales", safetensors.F16, rows, form.Groups(cols))
			add(m.name+".biases", safetensors.F16, rows, form.Groups(cols))
		}
	}
	return out
}

func zeros(name string, d safetensors.Dtype, shape ...int64) safetensors.Source {
	return safetensors.Source{Name: name, Dtype: d, Shape: shape, Write: func(w io.Writer) error {
		n := d.Size()
		for _, s := range shape {
			n *= s
		}
		_, err := w.Write(make([]byte, n))
		return err
	}}
}

func writeConfig(t *testing.T, dir string, c any) []byte {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return data
}

func writeWeights(t *testing.T, path string, all map[string]safetensors.Source) {
	t.Helper()
	var list []safetensors.Source
	for _, s := range all {
		list = append(list, s)
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, list, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// folder writes a checkpoint: weights that fit c with form, then changed.
func folder(t *testing.T, c object, form *quant.Affine, change func(map[string]safetensors.Source)) string {
	t.Helper()
	dir := t.TempDir()
	parsed, err := ParseConfig(writeConfig(t, dir, c))
	if err != nil {
		t.Fatal(err)
	}
	all := tensors(parsed, form)
	if change != nil {
		change(all)
	}
	writeWeights(t, filepath.Join(dir, "model.safetensors"), all)
	return dir
}

func TestOpen(t *testing.T) {
	dir := folder(t, config(nil), nil, nil)
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	// 320*128 + 2*(128*(192+64+64)+192*128 + 3*128*256 + 2*128 + 2*32) + 128
	if want := int64(40960 + 2*(40960+24576+98304+256+64) + 128); c.Parameters != want || c.WeightBytes != 2*want {
		t.Errorf("%d parameters in %d bytes, want %d in %d", c.Parameters, c.WeightBytes, want, 2*want)
	}
	if c.Quantization() != "bf16" || c.Config.Context != 65536 || !c.Config.QKNorm {
		t.Errorf("read %q, %+v", c.Quantization(), c.Config)
	}
	if _, ok := c.Matrices["lm_head"]; ok {
		t.Error("a tied model has a head of its own")
	}
}

func TestOpenQuantized(t *testing.T) {
	for _, key := range []string{"quantization", "quantization_config"} {
		for _, form := range []quant.Affine{{Bits: 4, GroupSize: 32}, {Bits: 4, GroupSize: 128}, {Bits: 8, GroupSize: 64}} {
			q := object{"bits": form.Bits, "group_size": form.GroupSize, "lm_head": false}
			dir := folder(t, config(object{key: q, "tie_word_embeddings": false}), &form, func(all map[string]safetensors.Source) {
				delete(all, "lm_head.scales")
				delete(all, "lm_head.biases")
				all["lm_head.weight"] = zeros("lm_head.weight", safetensors.F32, 320, 128)
				all["model.layers.0.self_attn.rotary_emb.inv_freq"] = zeros("model.layers.0.self_attn.rotary_emb.inv_freq", safetensors.F32, 16)
			})
			c, err := Open(dir)
			if err != nil {
				t.Errorf("%v: %v", form, err)
				continue
			}
			if m := c.Matrices["model.layers.1.mlp.down_proj"]; m.Form == nil || *m.Form != form || c.Matrices["lm_head"].Form != nil {
				t.Errorf("%v: read %+v", form, m)
			}
			if c.Quantization() != form.String() {
				t.Errorf("%v is described as %q", form, c.Quantization())
			}
		}
	}
}

// want checks that err is an engine error that names file and field.
func want(t *testing.T, name string, err error, file, field, message string) {
	t.Helper()
	var e *proto.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: error %v is not an engine error", name, err)
		return
	}
	if e.Code != proto.CodeModel || filepath.Base(e.File) != file || e.Field != field || !strings.Contains(e.Error(), message) || e.Hint == "" {
		t.Errorf("%s: error %q has code %d, file %q, field %q, hint %q; want file %q, field %q, text %q",
			name, e.Error(), e.Code, e.File, e.Field, e.Hint, file, field, message)
	}
}

func TestConfigFaults(t *testing.T) {
	dir := folder(t, config(nil), nil, nil)
	for _, c := range []struct {
		name    string
		change  object
		field   string
		message string
	}{
		{"heads 0", object{"num_attention_heads": 0}, "num_attention_heads", "0 is outside"},
		{"kv heads 0", object{"num_key_value_heads": 0}, "num_key_value_heads", "0 is outside"},
		{"kv does not divide", object{"num_key_value_heads": 4}, "num_key_value_heads", "4 does not divide num_attention_heads 6"},
		{"head_dim absent, heads do not divide", object{"head_dim": remove}, "head_dim", "does not divide hidden_size 128"},
		{"odd head_dim", object{"head_dim": 33}, "head_dim", "33 is not an even"},
		{"layers 10^9", object{"num_hidden_layers": 1000000000}, "num_hidden_layers", "1000000000 is outside"},
		{"layers 1e9", object{"num_hidden_layers": json.RawMessage("1e9")}, "num_hidden_layers", "1e9 is not an integer"},
		{"hidden 2^70", object{"hidden_size": json.RawMessage("1180591620717411303424")}, "hidden_size", "not an integer"},
		{"negative width", object{"intermediate_size": -1}, "intermediate_size", "-1 is outside"},
		{"string number", object{"hidden_size": "128"}, "hidden_size", "a string where a number"},
		{"missing", object{"num_hidden_layers": remove}, "num_hidden_layers", "missing"},
		{"null", object{"vocab_size": nil}, "vocab_size", "missing"},
		{"eps 0", object{"rms_norm_eps": 0}, "rms_norm_eps", "0 is outside"},
		{"eps negative", object{"rms_norm_eps": -1e-6}, "rms_norm_eps", "outside"},
		{"context 0", object{"max_position_embeddings": 0}, "max_position_embeddings", "0 is outside"},
		{"context 10^12", object{"max_position_embeddings": 1000000000000}, "max_position_embeddings", "outside"},
		{"theta 0", object{"rope_theta": 0}, "rope_theta", "0 is outside"},
		{"theta missing", object{"rope_theta": remove}, "rope_theta", "missing"},
		{"rope type", object{"rope_scaling": object{"rope_type": "longrope", "factor": 2}}, "rope_scaling.rope_type", `"longrope" is not supported`},
		{"rope factor", object{"rope_scaling": object{"type": "yarn"}}, "rope_scaling.factor", "missing"},
		{"rope factor 0", object{"rope_scaling": object{"type": "linear", "factor": 0}}, "rope_scaling.factor", "0 is outside"},
		{"rope scaling a list", object{"rope_scaling": []int{1}}, "rope_scaling", "an array"},
		{"tie a string", object{"tie_word_embeddings": "yes"}, "tie_word_embeddings", "a string where a boolean"},
		{"bias", object{"attention_bias": true}, "attention_bias", "not supported yet"},
		{"sliding window", object{"use_sliding_window": true}, "use_sliding_window", "not supported yet"},
		{"sliding layer", object{"layer_types": []string{"full_attention", "sliding_attention"}}, "layer_types", "sliding_attention"},
		{"activation", object{"hidden_act": "gelu"}, "hidden_act", `"gelu"`},
		{"eos outside", object{"eos_token_id": []int{1, 320}}, "eos_token_id", "320 is outside"},
		{"newer architecture", object{"model_type": "qwen3_5"}, "model_type", `"qwen3_5" is not supported yet`},
		{"no architecture", object{"model_type": remove}, "model_type", "missing"},
		{"bits 3", object{"quantization": object{"bits": 3, "group_size": 64}}, "quantization", "bits 3"},
		{"bits 5", object{"quantization": object{"bits": 5, "group_size": 64}}, "quantization", "bits 5"},
		{"mxfp4", object{"quantization": object{"bits": 4, "group_size": 32, "mode": "mxfp4"}}, "quantization.mode", "mxfp4"},
		{"layer override", object{"quantization": object{"bits": 4, "group_size": 64, "model.embed_tokens": object{"bits": 6, "group_size": 64}}}, "quantization.model.embed_tokens", "bits 6"},
	} {
		writeConfig(t, dir, config(c.change))
		_, err := Open(dir)
		want(t, c.name, err, "config.json", c.field, c.message)
	}
	for name, data := range map[string][]byte{
		"not JSON": []byte("{"), "empty": {}, "a list": []byte("[]"), "a key twice": []byte(`{"model_type":"qwen3","model_type":"llama"}`),
		"deep": []byte(`{"a":` + strings.Repeat("[", 1000000) + strings.Repeat("]", 1000000) + "}"), "50 MB": bytes.Repeat([]byte(" "), 50<<20),
	} {
		if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir)
		want(t, name, err, "config.json", "", "")
	}
	if err := os.Remove(filepath.Join(dir, "config.json")); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir)
	want(t, "no config", err, "config.json", "", "missing")
}

func TestConfigAccepts(t *testing.T) {
	for name, change := range map[string]object{
		"no head_dim":     {"head_dim": remove, "num_attention_heads": 4},
		"no kv heads":     {"num_key_value_heads": remove},
		"short context":   {"max_position_embeddings": 40960},
		"no context":      {"max_position_embeddings": remove},
		"yarn":            {"rope_scaling": object{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}},
		"linear":          {"rope_scaling": object{"type": "linear", "factor": 2}},
		"rope_parameters": {"rope_theta": remove, "rope_parameters": object{"rope_theta": 1e6, "rope_type": "default"}},
		"one eos":         {"eos_token_id": 3},
		"odd key":         {"qkv_bias": true},
		"sliding off":     {"use_sliding_window": false, "sliding_window": nil},
	} {
		data, err := json.Marshal(config(change))
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseConfig(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.HeadDim != 32 || c.Rope.Base != 1e6 || c.Heads%c.KVHeads != 0 {
			t.Errorf("%s: read %+v", name, c)
		}
	}
}

func TestWeightFaults(t *testing.T) {
	form := quant.Affine{Bits: 4, GroupSize: 64}
	quantized := config(object{"quantization": object{"bits": 4, "group_size": 64}})
	const up = "model.layers.1.mlp.up_proj"
	for _, c := range []struct {
		name    string
		config  object
		form    *quant.Affine
		change  func(map[string]safetensors.Source)
		field   string
		message string
	}{
		{"missing tensor", config(nil), nil, func(m map[string]safetensors.Source) { delete(m, up+".weight") }, up + ".weight", "is missing"},
		{"missing norm", config(nil), nil, func(m map[string]safetensors.Source) { delete(m, "model.norm.weight") }, "model.norm.weight", "is missing"},
		{"extra layer", config(nil), nil, func(m map[string]safetensors.Source) {
			m["model.layers.2.mlp.up_proj.weight"] = zeros("model.layers.2.mlp.up_proj.weight", safetensors.F32, 1)
		}, "model.layers.2.mlp.up_proj.weight", "not part of a qwen3 model"},
		{"a bias", config(object{"qkv_bias": true}), nil, func(m map[string]safetensors.Source) {
			m["model.layers.0.self_attn.q_proj.bias"] = zeros("model.layers.0.self_attn.q_proj.bias", safetensors.BF16, 192)
		}, "model.layers.0.self_attn.q_proj.bias", "not part of a qwen3 model"},
		{"vocabulary differs", config(nil), nil, func(m map[string]safetensors.Source) {
			m["model.embed_tokens.weight"] = zeros("model.embed_tokens.weight", safetensors.BF16, 300, 128)
		}, "model.embed_tokens.weight", "config.json needs [320, 128]"},
		{"norm of another width", config(nil), nil, func(m map[string]safetensors.Source) {
			m["model.layers.0.self_attn.q_norm.weight"] = zeros("model.layers.0.self_attn.q_norm.weight", safetensors.F32, 64)
		}, "model.layers.0.self_attn.q_norm.weight", "shape [32]"},
		{"integer weight", config(nil), nil, func(m map[string]safetensors.Source) {
			m[up+".weight"] = zeros(up+".weight", safetensors.I8, 256, 128)
		}, up + ".weight", "type I8 is not supported"},
		{"double weight", config(nil), nil, func(m map[string]safetensors.Source) {
			m[up+".weight"] = zeros(up+".weight", safetensors.F64, 256, 128)
		}, up + ".weight", "type F64 is not supported"},
		{"no scales", quantized, &form, func(m map[string]safetensors.Source) { delete(m, up+".scales") }, up + ".weight", `"` + up + `.scales" is missing`},
		{"no biases", quantized, &form, func(m map[string]safetensors.Source) { delete(m, up+".biases") }, up + ".weight", `"` + up + `.biases" is missing`},
		{"neither", quantized, &form, func(m map[string]safetensors.Source) {
			delete(m, up+".biases")
			delete(m, up+".scales")
		}, up + ".weight", "is missing"},
		{"other group size", quantized, &quant.Affine{Bits: 4, GroupSize: 32}, nil, "model.embed_tokens.weight", "scales has shape [320 4]"},
		{"other bits", quantized, &quant.Affine{Bits: 8, GroupSize: 64}, nil, "model.embed_tokens.weight", "weight has shape [320 32]"},
		{"integer scales", quantized, &form, func(m map[string]safetensors.Source) {
			m[up+".scales"] = zeros(up+".scales", safetensors.U8, 256, 2)
			m[up+".biases"] = zeros(up+".biases", safetensors.U8, 256, 2)
		}, up + ".weight", "scales are U8"},
		{"mixed scales", quantized, &form, func(m map[string]safetensors.Source) {
			m[up+".scales"] = zeros(up+".scales", safetensors.F32, 256, 2)
		}, up + ".weight", "scales are F32 and biases F16"},
		{"undeclared", config(nil), &form, nil, "model.embed_tokens.weight", "config.json does not say how"},
		{"override without scales", config(object{"quantization": object{"bits": 4, "group_size": 64, up: object{"bits": 8, "group_size": 64}}}), nil, nil, up + ".weight", "its weight is BF16"},
	} {
		_, err := Open(folder(t, c.config, c.form, c.change))
		want(t, c.name, err, "model.safetensors", c.field, c.message)
	}
}

func TestStrayHead(t *testing.T) {
	dir := folder(t, config(nil), nil, func(m map[string]safetensors.Source) {
		m["lm_head.weight"] = zeros("lm_head.weight", safetensors.BF16, 320, 128)
	})
	if _, err := Open(dir); err != nil {
		t.Error(err)
	}
}

func TestHeaderFaultsAreNamed(t *testing.T) {
	dir := folder(t, config(nil), nil, nil)
	path := filepath.Join(dir, "model.safetensors")
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, st.Size()-100); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	var e *proto.Error
	if !errors.As(err, &e) || e.File != path || e.Field == "" || !strings.Contains(e.Message, "cut short") {
		t.Errorf("truncated: %v", err)
	}
	if err := os.WriteFile(path, []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	want(t, "html", err, "model.safetensors", "", "too few")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	want(t, "no weights", err, "model.safetensors", "", "missing")
	if err := os.WriteFile(filepath.Join(dir, safetensors.IndexName), []byte(`{"weight_map":{"a":"../../x.safetensors"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	want(t, "escaping shard", err, safetensors.IndexName, "", "../../x.safetensors")
}

func FuzzConfig(f *testing.F) {
	add := func(change object) {
		data, err := json.Marshal(config(change))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, change := range []object{
		nil, {"model_type": "llama"}, {"rope_scaling": object{"rope_type": "llama3", "factor": 8}},
		{"rope_scaling": object{"type": "yarn", "factor": 4, "mscale": 0.7}}, {"quantization": object{"bits": 4, "group_size": 64}},
		{"eos_token_id": []int{1, 2}}, {"layer_types": []string{"full_attention"}},
	} {
		add(maps.Clone(change))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil {
			return
		}
		if c.Heads < 1 || c.Heads%c.KVHeads != 0 || c.HeadDim%2 != 0 || c.Layers > maxLayers || len(c.modules()) > maxLayers*11+3 {
			t.Fatalf("accepted %+v", c)
		}
		for _, x := range c.InvFreq() {
			if !(x >= 0) {
				t.Fatalf("frequency %v of %+v", x, c.Rope)
			}
		}
		if !(c.Scale() > 0) {
			t.Fatalf("scale %v of %+v", c.Scale(), c.Rope)
		}
	})
}
