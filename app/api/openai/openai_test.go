package openai_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qwill/app/api/openai"
	"qwill/app/errs"
	"qwill/app/models"
	"qwill/engine"
	"qwill/engine/proto"
)

// fake answers as a real engine does, from a script.
type fake struct {
	params  atomic.Pointer[engine.GenerateParams]
	running atomic.Int32
	embeds  []engine.EmbedParams
}

func prob(v float64) *float64 { return &v }

func (f *fake) Generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), _ func(int)) (engine.Result, error) {
	f.params.Store(&p)
	f.running.Add(1)
	defer f.running.Add(-1)
	question := p.Text
	if len(p.Messages) > 0 {
		question = p.Messages[len(p.Messages)-1].Content
	}
	switch question {
	case "long":
		return engine.Result{}, &proto.Error{Code: proto.CodeTooLong, Message: "the prompt has 9 tokens, the context 8"}
	case "unformed":
		return engine.Result{}, &proto.Error{Code: proto.CodeInvalid, Message: "the keyword not is not supported", ErrorData: proto.ErrorData{Field: "format.json_schema/not"}}
	case "busy":
		return engine.Result{}, errs.New(errs.Busy, 503, "Too many requests wait.")
	case "wait":
		event(engine.Event{Text: "first"})
		<-ctx.Done()
		return engine.Result{Finish: proto.FinishCancelled}, nil
	case "late":
		event(engine.Event{Text: "some"})
		return engine.Result{}, &proto.Error{Code: proto.CodeCrashed, Message: "the engine stopped"}
	}
	event(engine.Event{Prefill: &engine.Prefill{Done: 2, Total: 2}})
	if p.Echo {
		e := engine.Event{Tokens: []engine.Token{
			{ID: 1, Text: "Ab", Bytes: []byte("Ab"), Prompt: true},
			{ID: 2, Text: "\ufffd", Bytes: []byte("\xe5\xad"), Prompt: true, Logprob: prob(-1)},
			{ID: 3, Text: "\ufffd", Bytes: []byte("\x97"), Prompt: true, Logprob: prob(-2), Top: []engine.Token{{ID: 9, Text: "z", Bytes: []byte("z"), Logprob: prob(-0.5)}}},
		}}
		event(e)
	}
	if p.Thinking {
		event(engine.Event{Reasoning: "hm"})
	}
	for _, w := range []string{"Hel", "lo"} {
		e := engine.Event{Text: w}
		if p.Logprobs > 0 {
			e.Tokens = []engine.Token{{ID: 5, Text: w, Bytes: []byte(w), Logprob: prob(-0.25)}}
			if p.Logprobs > 1 {
				e.Tokens[0].Top = []engine.Token{{ID: 5, Text: w, Bytes: []byte(w), Logprob: prob(-0.25)}, {ID: 6, Text: "x", Bytes: []byte("x"), Logprob: prob(-3)}}
			}
		}
		event(e)
		if p.MaxTokens == 1 {
			break
		}
	}
	r := engine.Result{Finish: proto.FinishStop, PromptTokens: 3, CachedTokens: 1, CompletionTokens: 2}
	if p.MaxTokens == 1 {
		r.Finish, r.CompletionTokens = proto.FinishLength, 1
	}
	if p.Thinking {
		r.ReasoningTokens = 1
	}
	return r, nil
}

// Embed gives each text a vector that tells which it is; "long" is too long.
func (f *fake) Embed(_ context.Context, p engine.EmbedParams) (engine.EmbedResult, error) {
	f.embeds = append(f.embeds, p)
	var r engine.EmbedResult
	for i := range len(p.Texts) + len(p.Prompts) {
		v := []float32{0.5, -0.25}
		if p.Texts != nil {
			if p.Texts[i] == "long" {
				return r, &proto.Error{Code: proto.CodeTooLong, Message: "input 0 has 9 tokens, the context 8", ErrorData: proto.ErrorData{Field: "input"}}
			}
			v[0] = float32(len(p.Texts[i]))
		} else {
			v[0] = float32(p.Prompts[i][0])
		}
		r.Vectors = append(r.Vectors, v)
		r.Tokens += 3
	}
	return r, nil
}

type catalogue struct{}

func (catalogue) List(context.Context) ([]models.Model, error) {
	return []models.Model{{Name: "m", Path: "/m"}, {Name: "gone", Missing: true}, {Name: "e", Path: "/e", Role: models.RoleEmbedding}}, nil
}

func (catalogue) Find(_ context.Context, name string) (models.Model, error) {
	if name == "" || name == "m" {
		return models.Model{Name: "m", Path: "/m"}, nil
	}
	switch name {
	case "e":
		return models.Model{Name: "e", Path: "/e", Role: models.RoleEmbedding}, nil
	case "r":
		return models.Model{Name: "r", Path: "/r", Role: models.RoleReranker}, nil
	}
	return models.Model{}, models.ErrUnknown(name)
}

const key = "k"

func setup(t *testing.T) (*httptest.Server, *fake) {
	f := &fake{}
	s := httptest.NewServer(openai.New(openai.Config{Key: key, Mode: engine.ModeExact, Engine: f, Models: catalogue{}}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s, f
}

func post(t *testing.T, ctx context.Context, url, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// call gives status and answer; what differs from run to run is removed.
func call(t *testing.T, url, body string) (int, map[string]any) {
	t.Helper()
	res := post(t, t.Context(), url, body)
	var out map[string]any
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	delete(out, "id")
	delete(out, "created")
	return res.StatusCode, out
}

func same(t *testing.T, got any, want string) {
	t.Helper()
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(w, got); d != "" {
		t.Error(d)
	}
}

const usage = `{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":0}}`

func TestChat(t *testing.T) {
	s, f := setup(t)
	status, got := call(t, s.URL+"/v1/chat/completions", `{"model":"m","messages":[{"role":"developer","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}],
		"temperature":0,"top_p":0.5,"seed":7,"stop":"END","max_completion_tokens":9,"unknown_field":1}`)
	if status != 200 {
		t.Fatalf("%d %v", status, got)
	}
	same(t, got, `{"object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"logprobs":null,"finish_reason":"stop"}],"usage":`+usage+`}`)
	p := f.params.Load()
	want := engine.GenerateParams{Path: "/m", Mode: engine.ModeExact, MaxTokens: 9, Stop: []string{"END"},
		Messages: []engine.Message{{Role: "system", Content: "s"}, {Role: "user", Content: "ab"}}}
	seed := uint64(7)
	want.Sampling = engine.Sampling{Temperature: prob(0), TopP: prob(0.5), Seed: &seed}
	if d := cmp.Diff(&want, p); d != "" {
		t.Error(d)
	}
}

func TestChatReasoningAndLogprobs(t *testing.T) {
	s, _ := setup(t)
	_, got := call(t, s.URL+"/v1/chat/completions", `{"messages":[{"role":"user","content":"q"}],"chat_template_kwargs":{"enable_thinking":true},"logprobs":true,"top_logprobs":1}`)
	choice := got["choices"].([]any)[0].(map[string]any)
	same(t, choice["message"], `{"role":"assistant","content":"Hello","reasoning_content":"hm"}`)
	same(t, choice["logprobs"], `{"content":[
		{"token":"Hel","logprob":-0.25,"bytes":[72,101,108],"top_logprobs":[{"token":"Hel","logprob":-0.25,"bytes":[72,101,108]},{"token":"x","logprob":-3,"bytes":[120]}]},
		{"token":"lo","logprob":-0.25,"bytes":[108,111],"top_logprobs":[{"token":"lo","logprob":-0.25,"bytes":[108,111]},{"token":"x","logprob":-3,"bytes":[120]}]}]}`)
}

// chunks reads a stream's data lines.
func chunks(t *testing.T, res *http.Response) (all []map[string]any, done bool) {
	t.Helper()
	if res.StatusCode != 200 {
		b, _ := io.ReadAll(res.Body)
		t.Fatalf("%d %s", res.StatusCode, b)
	}
	sc := bufio.NewScanner(res.Body)
	for sc.Scan() {
		data, ok := strings.CutPrefix(sc.Text(), "data: ")
		switch {
		case !ok:
		case data == "[DONE]":
			done = true
		default:
			var c map[string]any
			if err := json.Unmarshal([]byte(data), &c); err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
	}
	return all, done
}

func TestChatStream(t *testing.T) {
	s, _ := setup(t)
	all, done := chunks(t, post(t, t.Context(), s.URL+"/v1/chat/completions",
		`{"messages":[{"role":"user","content":"q"}],"stream":true,"stream_options":{"include_usage":true},"chat_template_kwargs":{"enable_thinking":true}}`))
	if !done {
		t.Error("no [DONE]")
	}
	var choices []any
	for _, c := range all {
		if c["object"] != "chat.completion.chunk" || c["id"] != all[0]["id"] {
			t.Errorf("got %v", c)
		}
		choices = append(choices, c["choices"].([]any)...)
	}
	same(t, choices, `[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null},
		{"index":0,"delta":{"reasoning_content":"hm"},"logprobs":null,"finish_reason":null},
		{"index":0,"delta":{"content":"Hel"},"logprobs":null,"finish_reason":null},
		{"index":0,"delta":{"content":"lo"},"logprobs":null,"finish_reason":null},
		{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]`)
	if last := all[len(all)-1]; last["usage"] == nil || len(last["choices"].([]any)) != 0 {
		t.Errorf("the last chunk is %v", last)
	}
}

func TestErrorsInAStream(t *testing.T) {
	s, _ := setup(t)
	body := `{"messages":[{"role":"user","content":%q}],"stream":true}`
	if res := post(t, t.Context(), s.URL+"/v1/chat/completions", fmt.Sprintf(body, "long")); res.StatusCode != 400 {
		t.Errorf("an error before the first word has status %d", res.StatusCode)
	}
	all, done := chunks(t, post(t, t.Context(), s.URL+"/v1/chat/completions", fmt.Sprintf(body, "late")))
	last := all[len(all)-1]
	if done || last["error"] == nil {
		t.Errorf("done %v, last %v", done, last)
	}
}

func TestCompletionScoresItsPrompt(t *testing.T) {
	s, f := setup(t)
	status, got := call(t, s.URL+"/v1/completions", `{"prompt":[1,2,3],"echo":true,"logprobs":1,"max_tokens":0}`)
	if status != 200 {
		t.Fatalf("%d %v", status, got)
	}
	same(t, got, `{"object":"text_completion","model":"m","choices":[{"index":0,"text":"Ab字","finish_reason":"length","logprobs":{
		"tokens":["Ab","bytes:\\xe5\\xad","bytes:\\x97"],"token_logprobs":[null,-1,-2],
		"top_logprobs":[null,{"bytes:\\xe5\\xad":-1},{"bytes:\\x97":-2,"z":-0.5}],"text_offset":[0,2,2]}}],
		"usage":{"prompt_tokens":3,"completion_tokens":0,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":1},"completion_tokens_details":{"reasoning_tokens":0}}}`)
	p := f.params.Load()
	if d := cmp.Diff([]int{1, 2, 3}, p.Prompt); d != "" || p.MaxTokens != 1 || p.Logprobs != 2 || !p.Echo {
		t.Errorf("got %+v", p)
	}
}

func TestCompletionPrompts(t *testing.T) {
	s, f := setup(t)
	for prompt, n := range map[string]int{`"a"`: 1, `["a","b"]`: 2, `[5]`: 1, `[[5],[6,7],[8]]`: 3} {
		_, got := call(t, s.URL+"/v1/completions", `{"prompt":`+prompt+`}`)
		choices := got["choices"].([]any)
		if len(choices) != n {
			t.Errorf("%s: got %v", prompt, got)
			continue
		}
		last := choices[n-1].(map[string]any)
		if last["text"] != "Hello" || last["index"] != float64(n-1) || last["logprobs"] != nil {
			t.Errorf("%s: got %v", prompt, last)
		}
	}
	if f.params.Load().MaxTokens != 16 {
		t.Errorf("the default is %d tokens", f.params.Load().MaxTokens)
	}
	_, got := call(t, s.URL+"/v1/completions", `{"prompt":"a","echo":true,"logprobs":0}`)
	choice := got["choices"].([]any)[0].(map[string]any)
	if choice["text"] != "Ab字Hello" {
		t.Errorf("got %v", choice)
	}
	same(t, choice["logprobs"].(map[string]any)["text_offset"], `[0,2,2,3,6]`)
}

func TestCompletionStream(t *testing.T) {
	s, _ := setup(t)
	all, done := chunks(t, post(t, t.Context(), s.URL+"/v1/completions", `{"prompt":["a","b"],"stream":true,"logprobs":0,"stream_options":{"include_usage":true}}`))
	if !done || all[len(all)-1]["usage"].(map[string]any)["total_tokens"] != 10.0 {
		t.Errorf("done %v, got %v", done, all)
	}
	text := map[float64]string{}
	ends := 0
	for _, c := range all {
		for _, x := range c["choices"].([]any) {
			x := x.(map[string]any)
			text[x["index"].(float64)] += x["text"].(string)
			if x["finish_reason"] != nil {
				ends++
			}
		}
	}
	if text[0] != "Hello" || text[1] != "Hello" || ends != 2 {
		t.Errorf("got %v and %d ends", text, ends)
	}
}

func TestRefusals(t *testing.T) {
	s, f := setup(t)
	q := `"messages":[{"role":"user","content":"q"}]`
	for body, param := range map[string]string{
		`{"messages":[]}`: "messages",
		`{}`:              "messages",
		`{"messages":[{"role":"user","content":null}]}`:                                                            "messages[0].content",
		`{"messages":[{"role":"user","content":7}]}`:                                                               "messages[0].content",
		`{"messages":[{"role":"wizard","content":"x"}]}`:                                                           "messages[0].role",
		`{"messages":[{"role":"tool","content":"x"}]}`:                                                             "messages[0].role",
		`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}]}]}`: "messages[0].content[0]",
		`{` + q + `,"temperature":-1}`:                                                                             "temperature",
		`{` + q + `,"temperature":1e9}`:                                                                            "temperature",
		`{` + q + `,"temperature":"hot"}`:                                                                          "temperature",
		`{` + q + `,"top_p":0}`:                                                                                    "top_p",
		`{` + q + `,"top_k":-1}`:                                                                                   "top_k",
		`{` + q + `,"min_p":1}`:                                                                                    "min_p",
		`{` + q + `,"presence_penalty":3}`:                                                                         "presence_penalty",
		`{` + q + `,"frequency_penalty":1}`:                                                                        "frequency_penalty",
		`{` + q + `,"repetition_penalty":0}`:                                                                       "repetition_penalty",
		`{` + q + `,"n":1000}`:                                                                                     "n",
		`{` + q + `,"n":0}`:                                                                                        "n",
		`{` + q + `,"max_tokens":0}`:                                                                               "max_tokens",
		`{` + q + `,"max_tokens":-1}`:                                                                              "max_tokens",
		`{` + q + `,"max_tokens":1000000000000}`:                                                                   "max_tokens",
		`{` + q + `,"max_tokens":1.5}`:                                                                             "max_tokens",
		`{` + q + `,"max_completion_tokens":0}`:                                                                    "max_completion_tokens",
		`{` + q + `,"seed":-1}`:                                                                                    "seed",
		`{` + q + `,"seed":18446744073709551616}`:                                                                  "seed",
		`{` + q + `,"stop":""}`:                                                                                    "stop",
		`{` + q + `,"stop":[1]}`:                                                                                   "stop",
		`{` + q + `,"stop":` + list(17) + `}`:                                                                      "stop",
		`{` + q + `,"top_logprobs":2}`:                                                                             "top_logprobs",
		`{` + q + `,"logprobs":true,"top_logprobs":21}`:                                                            "top_logprobs",
		`{` + q + `,"logit_bias":{"1":2}}`:                                                                         "logit_bias",
		`{` + q + `,"tools":[{"type":"function"}]}`:                                                                "tools",
		`{` + q + `,"response_format":{"type":"xml"}}`:                                                             "response_format.type",
		`{` + q + `,"response_format":"json"}`:                                                                     "response_format",
		`{` + q + `,"response_format":{"type":"json_schema"}}`:                                                     "response_format.json_schema.schema",
		`{` + q + `,"guided_choice":[]}`:                                                                           "guided_choice",
		`{` + q + `,"guided_json":"{"}`:                                                                            "guided_json",
		`{` + q + `,"guided_regex":"a","guided_grammar":"b"}`:                                                      "response_format",
		`{` + q + `,"stream_options":{"include_usage":true}}`:                                                      "stream_options",
		`{"messages":[{"role":"user","content":"long"}]}`:                                                          "messages",
		`{"prompt":"","logprobs":1}`:                                                                               "prompt",
		`{"prompt":[]}`:                                                                                            "prompt",
		`{"prompt":[[]]}`:                                                                                          "prompt",
		`{"prompt":[-1]}`:                                                                                          "prompt",
		`{"prompt":[1.5]}`:                                                                                         "prompt",
		`{"prompt":{"a":1}}`:                                                                                       "prompt",
		`{"prompt":null}`:                                                                                          "prompt",
		`{"prompt":"x","logprobs":21}`:                                                                             "logprobs",
		`{"prompt":"x","best_of":4}`:                                                                               "best_of",
		`{"prompt":"x","suffix":"y"}`:                                                                              "suffix",
		`{"prompt":"x","max_tokens":0}`:                                                                            "max_tokens",
		`{"prompt":"long"}`:                                                                                        "prompt",
	} {
		path := "/v1/chat/completions"
		if strings.Contains(body, `"prompt"`) {
			path = "/v1/completions"
		}
		f.params.Store(nil)
		status, got := call(t, s.URL+path, body)
		e, _ := got["error"].(map[string]any)
		if status != 400 || e["param"] != param || e["type"] != "invalid_request_error" || e["message"] == "" {
			t.Errorf("%s: %d %v, want %s", body, status, got, param)
		}
		if f.params.Load() != nil && !strings.Contains(body, `"long"`) {
			t.Errorf("%s reached the engine", body)
		}
	}
}

func list(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(`"x",`, n), ",") + "]" }

func TestOtherErrors(t *testing.T) {
	s, _ := setup(t)
	q := `{"model":%q,"messages":[{"role":"user","content":%q}]}`
	status, got := call(t, s.URL+"/v1/chat/completions", fmt.Sprintf(q, "x", "q"))
	if e := got["error"].(map[string]any); status != 404 || e["code"] != "model_not_found" || e["param"] != "model" {
		t.Errorf("%d %v", status, got)
	}
	res := post(t, t.Context(), s.URL+"/v1/chat/completions", fmt.Sprintf(q, "m", "busy"))
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	for body, want := range map[string]int{`{`: 400, `{"model":"m","model":"n"}`: 400, `{"prompt":"` + strings.Repeat("x", openai.BodyLimit) + `"}`: 413} {
		status, got := call(t, s.URL+"/v1/completions", body)
		if status != want || got["error"] == nil {
			t.Errorf("%.30s: %d %v", body, status, got)
		}
	}
	for path, want := range map[string]int{"/v1/nothing": 404, "/": 404, "/v1/models/none": 404, "/v1/models": 405} {
		if status, got := call(t, s.URL+path, `{}`); status != want && !(path == "/v1/models/none" && status == 405) || got["error"] == nil {
			t.Errorf("%s: %d %v", path, status, got)
		}
	}
}

func TestModelsAndAccess(t *testing.T) {
	s, f := setup(t)
	get := func(path string, set func(*http.Request)) (int, string) {
		r, err := http.NewRequest("GET", s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+key)
		if set != nil {
			set(r)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	if status, text := get("/v1/models", nil); status != 200 || !strings.Contains(text, `"id":"m"`) || strings.Contains(text, "gone") {
		t.Errorf("%d %s", status, text)
	}
	if status, text := get("/v1/models/m", nil); status != 200 || !strings.Contains(text, `"object":"model"`) {
		t.Errorf("%d %s", status, text)
	}
	for want, set := range map[int]func(*http.Request){
		401: func(r *http.Request) { r.Header.Set("Authorization", "Bearer wrong") },
		403: func(r *http.Request) { r.Host = "evil.com" },
	} {
		if status, text := get("/v1/models", set); status != want || !strings.Contains(text, `"error"`) {
			t.Errorf("%d %s", status, text)
		}
	}
	r, _ := http.NewRequest("POST", s.URL+"/v1/chat/completions", strings.NewReader(`{"messages":[{"role":"user","content":"q"}]}`))
	r.Header.Set("Content-Type", "text/plain")
	r.Header.Set("Origin", "https://evil.com")
	r.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 403 || f.params.Load() != nil {
		t.Errorf("a foreign page's request: %d, ran: %v", res.StatusCode, f.params.Load() != nil)
	}
}

func TestLeavingStopsTheGeneration(t *testing.T) {
	s, f := setup(t)
	for _, stream := range []bool{true, false} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for f.running.Load() == 0 {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(20 * time.Millisecond)
			cancel()
		}()
		r, _ := http.NewRequestWithContext(ctx, "POST", s.URL+"/v1/chat/completions", strings.NewReader(fmt.Sprintf(`{"messages":[{"role":"user","content":"wait"}],"stream":%v}`, stream)))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+key)
		if res, err := http.DefaultClient.Do(r); err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		cancel()
		for deadline := time.Now().Add(time.Second); f.running.Load() > 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("stream %v: a second later it still runs", stream)
			}
		}
	}
}

// What a request says of the answer's form reaches the engine, and the engine's
// refusal comes back under the request's own names.
func TestForms(t *testing.T) {
	s, f := setup(t)
	q := `"messages":[{"role":"user","content":"q"}],`
	for body, want := range map[string]engine.Format{
		q + `"response_format":{"type":"json_object"}`:                                                                   {JSONObject: true},
		q + `"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"type":"null"}}}`: {JSONSchema: json.RawMessage(`{"type":"null"}`)},
		q + `"guided_json":"{\"type\":\"null\"}"`:                                                                        {JSONSchema: json.RawMessage(`{"type":"null"}`)},
		q + `"guided_choice":["a.","b"]`:                                                                                 {Regex: `a\.|b`},
		q + `"guided_regex":"[a-z]+"`:                                                                                    {Regex: `[a-z]+`},
		`"prompt":"q","guided_grammar":"root ::= x"`:                                                                     {Grammar: `root ::= x`},
	} {
		path := "/v1/chat/completions"
		if strings.HasPrefix(body, `"prompt"`) {
			path = "/v1/completions"
		}
		if status, got := call(t, s.URL+path, "{"+body+"}"); status != 200 {
			t.Errorf("%s: %d %v", body, status, got)
			continue
		}
		if got := f.params.Load().Format; got == nil || !cmp.Equal(*got, want) {
			t.Errorf("%s: %+v", body, got)
		}
	}
	if _, got := call(t, s.URL+"/v1/chat/completions", "{"+q+`"response_format":{"type":"text"}}`); f.params.Load().Format != nil {
		t.Errorf("text is no form: %v", got)
	}
	ask := `"messages":[{"role":"user","content":"unformed"}],`
	for body, param := range map[string]string{
		`"response_format":{"type":"json_schema","json_schema":{"schema":{"not":{}}}}`: "response_format.json_schema.schema/not",
		`"guided_json":{"not":{}}`: "guided_json/not",
	} {
		status, got := call(t, s.URL+"/v1/chat/completions", "{"+ask+body+"}")
		e, _ := got["error"].(map[string]any)
		if status != 400 || e["param"] != param {
			t.Errorf("%s: %d %v", body, status, got)
		}
	}
}
