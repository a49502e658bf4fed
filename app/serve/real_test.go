package serve_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"qwill/app/serve"
	"qwill/engine"
	"qwill/engine/proto"
)

// machine is the real engine on a machine of some memory; it notes what is
// opened and closed.
type machine struct {
	*engine.Engine
	memory int64 // bytes; 0: as it is

	mu  sync.Mutex
	log []string
}

func (m *machine) Start(ctx context.Context) (engine.HelloResult, error) {
	hello, err := m.Engine.Start(ctx)
	if m.memory > 0 {
		hello.MemoryByte = m.memory
	}
	return hello, err
}

func (m *machine) note(what, path string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, what+" "+filepath.Base(path))
}

func (m *machine) Open(ctx context.Context, path string, mode engine.Mode, progress func(engine.LoadProgress)) (engine.ModelInfo, error) {
	m.note("open", path)
	return m.Engine.Open(ctx, path, mode, progress)
}

func (m *machine) CloseModel(ctx context.Context, path string, mode engine.Mode) error {
	m.note("close", path)
	return m.Engine.CloseModel(ctx, path, mode)
}

func (m *machine) journal() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.log, ", ")
}

// Two real models, the starter for chats and a tiny one for suggestions, answer
// in turns from one process without being loaded twice.
func TestTwoRealModels(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "qwill-engine")
	if out, err := exec.Command("go", "build", "-o", program, "qwill/engine/cmd/qwill-engine").CombinedOutput(); err != nil {
		t.Fatalf("build the engine: %v\n%s", err, out)
	}
	files, _ := filepath.Glob("../../build/.deps/starter/*.gguf")
	if len(files) != 1 {
		t.Fatal("the starter model is not in build/.deps/starter: run build/setup.sh")
	}
	source, err := filepath.Abs(files[0])
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(engine.Config{Binary: program})
	t.Cleanup(func() { e.Close() })
	starter, tiny := filepath.Join(dir, "starter"), filepath.Join(dir, "tiny")
	if _, err := e.Import(t.Context(), source, starter); err != nil {
		t.Fatal(err)
	}
	tinyModel(t, starter, tiny)

	m := &machine{Engine: e}
	s := serve.New(m, serve.Options{})
	defer s.Close()
	zero := 0.0
	ask := func(generate func(context.Context, engine.GenerateParams, func(engine.Event), func(int)) (engine.Result, error), path string) error {
		t.Helper()
		text := ""
		_, err := generate(t.Context(), engine.GenerateParams{Path: path, Mode: engine.ModeFast, Text: "The capital of France is", MaxTokens: 4,
			Sampling: engine.Sampling{Temperature: &zero}}, func(e engine.Event) { text += e.Text + e.Reasoning }, nil)
		if err == nil && path == starter && !strings.Contains(text, "Paris") {
			t.Errorf("the starter wrote %q", text)
		}
		return err
	}
	for range 3 {
		if err := ask(s.Generate, starter); err != nil {
			t.Fatal(err)
		}
		if err := ask(s.Beside().Generate, tiny); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := m.journal(), "open starter, open tiny"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}

	if err := s.ForgetAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Now with memory for the one or the other.
	less := &machine{Engine: e, memory: 600 << 20}
	s2 := serve.New(less, serve.Options{})
	defer s2.Close()
	if err := ask(s2.Generate, starter); err != nil {
		t.Fatal(err)
	}
	var pe *proto.Error
	if err := ask(s2.Beside().Generate, tiny); !errors.As(err, &pe) || pe.Code != proto.CodeMemory {
		t.Errorf("beside without memory: %v", err)
	}
	if err := ask(s2.Beside().Generate, starter); err != nil { // the small one and the main one in one
		t.Error(err)
	}
	if got, want := less.journal(), "open starter"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// tinyModel makes a model of one layer and random weights, with another's
// vocabulary.
func tinyModel(t *testing.T, like, dir string) {
	t.Helper()
	const wide, heads, hidden, vocabulary = 64, 2, 128, 49152
	config := map[string]any{"model_type": "llama", "hidden_size": wide, "num_attention_heads": heads, "num_key_value_heads": heads,
		"head_dim": wide / heads, "intermediate_size": hidden, "num_hidden_layers": 1, "vocab_size": vocabulary, "rms_norm_eps": 1e-5,
		"rope_theta": 10000.0, "tie_word_embeddings": true, "max_position_embeddings": 512, "hidden_act": "silu"}
	shapes := map[string][]int{"model.embed_tokens.weight": {vocabulary, wide}, "model.norm.weight": {wide}}
	for name, shape := range map[string][]int{
		"input_layernorm": {wide}, "post_attention_layernorm": {wide},
		"self_attn.q_proj": {wide, wide}, "self_attn.k_proj": {wide, wide}, "self_attn.v_proj": {wide, wide}, "self_attn.o_proj": {wide, wide},
		"mlp.gate_proj": {hidden, wide}, "mlp.up_proj": {hidden, wide}, "mlp.down_proj": {wide, hidden},
	} {
		shapes["model.layers.0."+name+".weight"] = shape
	}
	var data bytes.Buffer
	random := rand.New(rand.NewPCG(1, 2))
	header := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		n, begin := 1, data.Len()
		for _, d := range shapes[name] {
			n *= d
		}
		for range n { // about ±0.01 in half precision
			data.Write(binary.LittleEndian.AppendUint16(nil, uint16(0x2000+random.IntN(0x200)|random.IntN(2)<<15)))
		}
		header[name] = map[string]any{"dtype": "F16", "shape": shapes[name], "data_offsets": []int{begin, data.Len()}}
	}
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	encode := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write("config.json", encode(config))
	head := encode(header)
	write("model.safetensors", slices.Concat(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head, data.Bytes()))
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		b, err := os.ReadFile(filepath.Join(like, name))
		if err != nil {
			t.Fatal(err)
		}
		write(name, b)
	}
}
