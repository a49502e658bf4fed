package openai_test

import (
	"fmt"
	"strings"
	"testing"

	"qwill/engine"
)

func TestEmbeddings(t *testing.T) {
	s, f := setup(t)
	for _, c := range []struct{ body, data string }{
		{`{"model":"e","input":"ab"}`, `[{"object":"embedding","index":0,"embedding":[2,-0.25]}]`},
		{`{"input":["a","abc"],"encoding_format":"float"}`, `[{"object":"embedding","index":0,"embedding":[1,-0.25]},{"object":"embedding","index":1,"embedding":[3,-0.25]}]`},
		{`{"input":[7,8],"user":"u"}`, `[{"object":"embedding","index":0,"embedding":[7,-0.25]}]`},
		{`{"input":[[4],[5,6]]}`, `[{"object":"embedding","index":0,"embedding":[4,-0.25]},{"object":"embedding","index":1,"embedding":[5,-0.25]}]`},
		{`{"input":"a","encoding_format":"base64"}`, `[{"object":"embedding","index":0,"embedding":"AACAPwAAgL4="}]`},
	} {
		status, got := call(t, s.URL+"/v1/embeddings", c.body)
		if status != 200 {
			t.Fatalf("%s: %d %v", c.body, status, got)
		}
		n := 3 * strings.Count(c.data, "index")
		same(t, got, fmt.Sprintf(`{"object":"list","model":"e","data":%s,"usage":{"prompt_tokens":%d,"total_tokens":%d}}`, c.data, n, n))
	}
	f.embeds = nil
	many := strings.TrimSuffix(strings.Repeat(`"xy",`, 150), ",")
	status, got := call(t, s.URL+"/v1/embeddings", `{"dimensions":1,"input":[`+many+`]}`)
	data, _ := got["data"].([]any)
	if status != 200 || len(data) != 150 || data[149].(map[string]any)["index"] != 149.0 {
		t.Fatalf("%d, %d vectors", status, len(data))
	}
	total := 0
	for _, p := range f.embeds {
		total += len(p.Texts)
		if len(p.Texts) > 64 || p.Dimensions != 1 || p.Path != "/e" || p.Mode != engine.ModeExact {
			t.Errorf("the engine was asked for %d texts, %d dimensions, of %s in %s", len(p.Texts), p.Dimensions, p.Path, p.Mode)
		}
	}
	if total != 150 {
		t.Errorf("%d texts reached the engine", total)
	}
}

func TestEmbeddingsRefused(t *testing.T) {
	s, _ := setup(t)
	for body, want := range map[string]string{
		`{}`:                   "input",
		`{"input":""}`:         "input",
		`{"input":[]}`:         "input",
		`{"input":[[]]}`:       "input",
		`{"input":[-1]}`:       "input",
		`{"input":{"a":1}}`:    "input",
		`{"input":["a",null]}`: "input",
		`{"input":[` + strings.TrimSuffix(strings.Repeat(`"a",`, 2049), ",") + `]}`: "input",
		`{"input":"a","dimensions":0}`:                                              "dimensions",
		`{"input":"a","encoding_format":"hex"}`:                                     "encoding_format",
		`{"input":"a","model":"m"}`:                                                 "model",
		`{"input":"a","model":"r"}`:                                                 "model",
		`{"input":"a","model":"none"}`:                                              "model",
	} {
		status, got := call(t, s.URL+"/v1/embeddings", body)
		e, _ := got["error"].(map[string]any)
		if status < 400 || status >= 500 || e["param"] != want || e["type"] != "invalid_request_error" {
			t.Errorf("%.60s: %d %v", body, status, got)
		}
	}
	status, got := call(t, s.URL+"/v1/embeddings", `{"input":"long"}`)
	if e, _ := got["error"].(map[string]any); status != 400 || e["code"] != "context_length_exceeded" {
		t.Errorf("too long: %d %v", status, got)
	}
	// A model that gives vectors writes no answers.
	for _, name := range []string{"e", "r"} {
		for path, body := range map[string]string{
			"/v1/chat/completions": `{"model":"` + name + `","messages":[{"role":"user","content":"x"}]}`,
			"/v1/completions":      `{"model":"` + name + `","prompt":"x"}`,
		} {
			status, got := call(t, s.URL+path, body)
			if e, _ := got["error"].(map[string]any); status != 400 || e["param"] != "model" {
				t.Errorf("%s to %s: %d %v", path, name, status, got)
			}
		}
	}
}
