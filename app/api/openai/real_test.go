package openai_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"qwill/app/api/openai"
	"qwill/app/models"
	"qwill/engine"
)

// real is the engine as it is, without a queue.
type real struct{ *engine.Engine }

func (r real) Generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), _ func(int)) (engine.Result, error) {
	return r.Engine.Generate(ctx, p, event)
}

// one is a catalogue of one model.
type one struct{ path, role string }

func (o one) List(context.Context) ([]models.Model, error) { return nil, nil }
func (o one) Find(context.Context, string) (models.Model, error) {
	return models.Model{Name: "starter", Path: o.path, Role: o.role}, nil
}

// The starter's answers have the form that a client of OpenAI's protocol asks
// for, streamed or not, cut or not.
func TestRealForms(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "qwill-engine")
	if out, err := exec.Command("go", "build", "-o", binary, "qwill/engine/cmd/qwill-engine").CombinedOutput(); err != nil {
		t.Fatalf("build the engine: %v\n%s", err, out)
	}
	files, _ := filepath.Glob("../../../build/.deps/starter/*.gguf")
	if len(files) != 1 {
		t.Fatal("the starter model is not in build/.deps/starter: run build/setup.sh")
	}
	source, err := filepath.Abs(files[0])
	if err != nil {
		t.Fatal(err)
	}
	e := engine.New(engine.Config{Binary: binary})
	t.Cleanup(func() { e.Close() })
	path := filepath.Join(dir, "starter")
	if _, err := e.Import(t.Context(), source, path); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(openai.New(openai.Config{Key: "k", Mode: engine.ModeFast, Engine: real{e}, Models: one{path, models.RoleChat}}))
	t.Cleanup(s.Close)

	const ask = `"messages":[{"role":"user","content":"Where is Paris? Answer in JSON."}],"temperature":0,
		"response_format":{"type":"json_schema","json_schema":{"name":"place","strict":true,"schema":{"type":"object",
		"properties":{"city":{"type":"string"},"country":{"type":"string"},"people":{"type":"integer"}},
		"required":["city","country","people"],"additionalProperties":false}}}`
	check := func(what, text string) {
		t.Helper()
		var place struct {
			City, Country *string
			People        *int
		}
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&place); err != nil || place.City == nil || place.Country == nil || place.People == nil || d.More() {
			t.Errorf("%s: %q: %v", what, text, err)
		}
	}
	for _, max := range []string{`"max_tokens":22`, `"max_tokens":35`, `"max_tokens":100`} {
		status, got := call(t, s.URL+"/v1/chat/completions", "{"+ask+","+max+"}")
		if status != 200 {
			t.Fatalf("%s: %d %v", max, status, got)
		}
		whole := got["choices"].([]any)[0].(map[string]any)["message"].(map[string]any)["content"].(string)
		check(max, whole)
		all, done := chunks(t, post(t, t.Context(), s.URL+"/v1/chat/completions", "{"+ask+","+max+`,"stream":true}`))
		streamed := ""
		for _, c := range all {
			for _, choice := range c["choices"].([]any) {
				text, _ := choice.(map[string]any)["delta"].(map[string]any)["content"].(string)
				streamed += text
			}
		}
		if !done || streamed != whole {
			t.Errorf("%s: streamed %q, whole %q", max, streamed, whole)
		}
	}
	status, got := call(t, s.URL+"/v1/chat/completions", "{"+ask+`,"max_tokens":3}`)
	if body, _ := got["error"].(map[string]any); status != 400 || body["param"] != "max_tokens" {
		t.Errorf("too few tokens: %d %v", status, got)
	}

	t.Run("scores", func(t *testing.T) { scores(t, e, path) })
	t.Run("embeddings", func(t *testing.T) { embeddings(t, e, path) })
}

// embeddings asks the real engine for vectors: the starter is no embedding
// model, but what is pooled and how it is given out are the same.
func embeddings(t *testing.T, e *engine.Engine, path string) {
	s := httptest.NewServer(openai.New(openai.Config{Key: "k", Mode: engine.ModeExact, Engine: real{e}, Models: one{path, models.RoleEmbedding}}))
	t.Cleanup(s.Close)
	ask := func(body string) [][]float64 {
		t.Helper()
		status, got := call(t, s.URL+"/v1/embeddings", body)
		if status != 200 {
			t.Fatalf("%.80s: %d %v", body, status, got)
		}
		var all [][]float64
		for _, d := range got["data"].([]any) {
			var v []float64
			switch x := d.(map[string]any)["embedding"].(type) {
			case string:
				b, err := base64.StdEncoding.DecodeString(x)
				if err != nil {
					t.Fatal(err)
				}
				for ; len(b) >= 4; b = b[4:] {
					v = append(v, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
				}
			case []any:
				for _, f := range x {
					v = append(v, float64(float32(f.(float64))))
				}
			}
			length := 0.0
			for _, f := range v {
				length += f * f
			}
			if math.Abs(length-1) > 1e-5 {
				t.Errorf("%.80s: a vector of length² %v", body, length)
			}
			all = append(all, v)
		}
		return all
	}
	close := func(what string, a, b []float64, within float64) {
		t.Helper()
		worst := math.Inf(1)
		if len(a) == len(b) && len(a) > 0 {
			worst = 0
			for i := range a {
				worst = max(worst, math.Abs(a[i]-b[i]))
			}
		}
		if worst > within {
			t.Errorf("%s: %d and %d numbers, apart by %.2g", what, len(a), len(b), worst)
		}
	}
	texts := []string{"a", "The capital of France is Paris.", strings.Repeat("The sea was calm. ", 40), "Δοκιμή 试验 😀", "<|im_end|>"}
	list, _ := json.Marshal(texts)
	batch := ask(`{"model":"starter","input":` + string(list) + `}`)
	packed := ask(`{"model":"starter","encoding_format":"base64","input":` + string(list) + `}`)
	short := ask(`{"model":"starter","dimensions":64,"input":` + string(list) + `}`)
	for i, text := range texts {
		one, _ := json.Marshal(text)
		close("batched and alone", batch[i], ask(`{"model":"starter","input":` + string(one) + `}`)[0], 1e-5)
		close("float and base64", batch[i], packed[i], 0)
		first, length := batch[i][:64], 0.0
		for _, f := range first {
			length += f * f
		}
		for k := range first {
			first[k] /= math.Sqrt(length)
		}
		close("64 dimensions", short[i], first, 1e-6)
		ids, err := e.Tokenize(t.Context(), path, engine.ModeExact, text, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := json.Marshal(ids)
		close("text and tokens", packed[i], ask(`{"model":"starter","input":` + string(raw) + `}`)[0], 1e-5)
	}
	if status, got := call(t, s.URL+"/v1/embeddings", `{"model":"starter","input":"a","dimensions":100000}`); status != 400 {
		t.Errorf("too many dimensions: %d %v", status, got)
	}
}

// scores sends what lm-evaluation-harness sends: lists of token ids, echoed with
// their log-probabilities and one token more. build/lm-eval compares the numbers
// with mlx-lm's.
func scores(t *testing.T, e *engine.Engine, path string) {
	s := httptest.NewServer(openai.New(openai.Config{Key: "k", Mode: engine.ModeExact, Engine: real{e}, Models: one{path, models.RoleChat}}))
	t.Cleanup(s.Close)
	var prompts [][]int
	texts := []string{"The capital of France is Paris", "Ünïcode 😀 too"}
	for _, text := range texts {
		ids, err := e.Tokenize(t.Context(), path, engine.ModeExact, text, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		prompts = append(prompts, ids)
	}
	ask := func(prompt any, rest string) []any {
		t.Helper()
		list, _ := json.Marshal(prompt)
		status, got := call(t, s.URL+"/v1/completions", `{"model":"starter","prompt":`+string(list)+`,"temperature":0,"logprobs":1,"seed":1234,"echo":true,`+rest+`}`)
		if status != 200 {
			t.Fatalf("%s: %d %v", rest, status, got)
		}
		return got["choices"].([]any)
	}
	one, none, plain := ask(prompts, `"max_tokens":1`), ask(prompts, `"max_tokens":0`), ask(texts, `"max_tokens":1`)
	for i, ids := range prompts {
		choice := one[i].(map[string]any)
		l := choice["logprobs"].(map[string]any)
		values, tops, offsets := l["token_logprobs"].([]any), l["top_logprobs"].([]any), l["text_offset"].([]any)
		if choice["index"] != float64(i) || len(values) != len(ids)+1 || len(tops) != len(values) || len(offsets) != len(values) || values[0] != nil || tops[0] != nil {
			t.Fatalf("prompt %d of %d tokens: %v", i, len(ids), choice)
		}
		if text := choice["text"].(string); !strings.HasPrefix(text, texts[i]) || text == texts[i] {
			t.Errorf("prompt %d: %q", i, text)
		}
		for k := 1; k < len(values); k++ {
			v, best := values[k].(float64), math.Inf(-1)
			for _, x := range tops[k].(map[string]any) {
				best = max(best, x.(float64))
			}
			if !(v <= 0) || v > best || offsets[k].(float64) < offsets[k-1].(float64) {
				t.Errorf("prompt %d, token %d: %v, the best %v, offsets %v", i, k, v, best, offsets)
			}
		}
		if last := offsets[len(ids)].(float64); last != float64(len([]rune(texts[i]))) {
			t.Errorf("prompt %d: its answer begins at %v", i, last)
		}
		scored := none[i].(map[string]any)["logprobs"].(map[string]any)["token_logprobs"].([]any)
		read := plain[i].(map[string]any)["logprobs"].(map[string]any)["token_logprobs"].([]any)
		if len(scored) != len(ids) || len(read) != len(values) || none[i].(map[string]any)["text"] != texts[i] {
			t.Fatalf("prompt %d: %d scores without an answer, %d of the text", i, len(scored), len(read))
		}
		for k := 1; k < len(ids); k++ {
			if scored[k] != values[k] || read[k] != values[k] {
				t.Errorf("prompt %d, token %d: %v, %v and %v", i, k, values[k], scored[k], read[k])
			}
		}
	}
}
