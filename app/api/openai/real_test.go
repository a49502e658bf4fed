package openai_test

import (
	"context"
	"encoding/json"
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
type one struct{ path string }

func (o one) List(context.Context) ([]models.Model, error) { return nil, nil }
func (o one) Find(context.Context, string) (models.Model, error) {
	return models.Model{Name: "starter", Path: o.path}, nil
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
	s := httptest.NewServer(openai.New(openai.Config{Key: "k", Mode: engine.ModeFast, Engine: real{e}, Models: one{path}}))
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
}
