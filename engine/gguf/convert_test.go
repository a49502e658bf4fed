package gguf

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qwill/engine/load"
	"qwill/engine/proto"
	"qwill/engine/tokenizer"
)

func fixtures(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/*.gguf")
	if err != nil || len(found) < 2 {
		t.Fatalf("fixtures: %v, %v", found, err)
	}
	return found
}

// TestReference compares this package's idea of the formats, on which the tests
// below stand, with what gguf's own dequantize gave.
func TestReference(t *testing.T) {
	for _, path := range fixtures(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(path, ".gguf") + ".f32")
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(strings.NewReader(string(data)), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[Type]bool{}
		for _, x := range f.Tensors {
			kinds[x.Type] = true
			for i, got := range reference(x.Type, data[x.Offset:x.Offset+x.Bytes]) {
				if w := math.Float32frombits(binary.LittleEndian.Uint32(want)); got != w {
					t.Fatalf("%s, %s element %d: %v, gguf has %v", path, x.Name, i, got, w)
				}
				want = want[4:]
			}
		}
		if len(want) != 0 || len(kinds) < 4 {
			t.Errorf("%s: %d bytes left over, types %v", path, len(want), kinds)
		}
	}
}

func TestConvertIsLossless(t *testing.T) {
	wide := false
	for _, path := range fixtures(t) {
		target := filepath.Join(t.TempDir(), "model")
		if _, err := Convert(context.Background(), path, target, nil); err != nil {
			t.Fatal(err)
		}
		equal(t, path, target, 1)
		c, err := load.Open(target)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.Matrices {
			wide = wide || m.Form != nil && m.Scales.Dtype == "F32"
		}
	}
	if !wide {
		t.Error("no fixture needs float32 scales")
	}
}

func TestConvertedFolder(t *testing.T) {
	target := filepath.Join(t.TempDir(), "deep", "model")
	result, err := Convert(context.Background(), "testdata/qwen3-q8_0.gguf", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := load.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	if g := c.Config; g.ModelType != "qwen3" || g.Tied || g.HeadDim != 32 || g.Heads != 4 || g.KVHeads != 2 || g.Context != 256 || !slices.Equal(g.EOS, []int{0}) {
		t.Errorf("config %+v", g)
	}
	if result.Tensors != 14 {
		t.Errorf("%d tensors", result.Tensors)
	}
	tok, err := tokenizer.Load(target)
	if err != nil {
		t.Fatal(err)
	}
	if got := tok.Encode("hello w<think><|end|>", true); len(got) != 4 || string(tok.Decode(got[:2])) != "hello w" || got[3] != 0 {
		t.Errorf("encoded as %v", got)
	}
	if id, ok := tok.ID("<think>"); !ok || tok.IsSpecial(id) {
		t.Errorf("<think> is %d, %v", id, ok)
	}
	var tc struct {
		Template string `json:"chat_template"`
		EOS      string `json:"eos_token"`
	}
	data, err := os.ReadFile(filepath.Join(target, "tokenizer_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	if json.Unmarshal(data, &tc) != nil || !strings.Contains(tc.Template, "m.content") || tc.EOS != "<|end|>" {
		t.Errorf("tokenizer_config.json %s", data)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(target), ".*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// A second import to the same place touches nothing.
	var pe *proto.Error
	if _, err := Convert(context.Background(), "testdata/llama-mixed.gguf", target, nil); !errors.As(err, &pe) || pe.Code != proto.CodeInvalid {
		t.Errorf("over an existing folder: %v", err)
	}
	if again, err := load.Open(target); err != nil || again.Config.ModelType != "qwen3" {
		t.Errorf("the first import is gone: %v", err)
	}
}

func TestConvertFails(t *testing.T) {
	good, err := os.ReadFile("testdata/llama-mixed.gguf")
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) []byte {
		if len(old) != len(new) || !strings.Contains(string(good), old) {
			t.Fatalf("cannot replace %q by %q", old, new)
		}
		return []byte(strings.Replace(string(good), old, new, 1))
	}
	for _, c := range []struct {
		name           string
		data           []byte
		field, message string
	}{
		{"empty", nil, "", "not a GGUF file"},
		{"other file", []byte("PK\x03\x04 something else"), "", "not a GGUF file"},
		{"truncated", good[:len(good)-1], "output_norm.weight", "cut short"},
		{"truncated metadata", good[:3000], "", "tokenizer.ggml"},
		{"architecture", replace("llama", "gemma"), "general.architecture", `"gemma" is not supported yet`},
		{"pre-tokenizer", replace("smollm", "snowln"), "tokenizer.ggml.pre", `"snowln" is not supported`},
		{"tokenizer", replace("gpt2", "bert"), "tokenizer.ggml.model", `"bert" is not supported`},
		{"merge", replace("he ll", "he lx"), "tokenizer.ggml.merges", `"he lx"`},
		{"unknown tensor", replace("blk.0.ffn_up.weight", "blk.0.ffn_xy.weight"), "blk.0.ffn_xy.weight", "not known in a llama model"},
		{"scaled rope", replace("token_embd.weight", "rope_freqs.weight"), "rope_freqs.weight", "take the model in MLX form"},
		{"bias", replace("blk.0.attn_q.weight", "blk.0.attn_q.biases"), "blk.0.attn_q.biases", "only weights are"},
		{"missing tensor", replace("blk.0.ffn_up.weight", "blk.1.ffn_up.weight"), "model.layers.0.mlp.up_proj.weight", "is missing"},
		{"no embedding", replace("token_embd.weight", "blk.0.attn_q.wei2"), "blk.0.attn_q.wei2", "only weights are"},
	} {
		dir := t.TempDir()
		source := filepath.Join(dir, "source.gguf")
		if err := os.WriteFile(source, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Convert(context.Background(), source, filepath.Join(dir, "model"), nil)
		var e *proto.Error
		if !errors.As(err, &e) || e.Code != proto.CodeModel || e.File != source || e.Field != c.field || e.Hint == "" || !strings.Contains(e.Message, c.message) {
			t.Errorf("%s: error %#v, want field %q, text %q", c.name, err, c.field, c.message)
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("%s: left behind %v", c.name, left)
		}
	}
}

func TestConvertCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	_, err := Convert(ctx, "testdata/llama-mixed.gguf", filepath.Join(dir, "model"), func(done, total int64) { cancel() })
	if err == nil {
		_, err = Convert(ctx, "testdata/llama-mixed.gguf", filepath.Join(dir, "again"), nil)
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
		t.Errorf("left behind %v", left)
	}
}

// TestWorkFolderIsHidden looks at the parent while a conversion runs: until it is
// done there is one hidden folder, which keeps a hidden target's prefix.
func TestWorkFolderIsHidden(t *testing.T) {
	for target, prefix := range map[string]string{"model": ".model.", ".partial-7-model": ".partial-7-model."} {
		dir, seen := t.TempDir(), 0
		_, err := Convert(context.Background(), "testdata/llama-mixed.gguf", filepath.Join(dir, target), func(done, total int64) {
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 1 || !strings.HasPrefix(entries[0].Name(), prefix) {
				t.Errorf("%v, %v lie there, want one %s…", entries, err, prefix)
			}
			seen++
		})
		if err != nil || seen == 0 {
			t.Errorf("%s: %v after %d looks", target, err, seen)
		}
	}
}

// TestTimes128 tries every float16 that may be multiplied.
func TestTimes128(t *testing.T) {
	for h := range uint32(1 << 16) {
		x := uint16(h)
		if !finite16(x) {
			continue
		}
		if got, want := math.Float32frombits(bits32(x, 7)), 128*half(x); got != want {
			t.Fatalf("bits32(%04x, 7) is %v, want %v", x, got, want)
		}
		if got, want := math.Float32frombits(bits32(x, 0)), half(x); got != want {
			t.Fatalf("bits32(%04x, 0) is %v, want %v", x, got, want)
		}
		if x&0x7fff < 0x6000 {
			if got, want := half(times128(x)), 128*half(x); got != want {
				t.Fatalf("times128(%04x) is %v, want %v", x, got, want)
			}
		}
	}
}
