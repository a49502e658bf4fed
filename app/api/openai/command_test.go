package openai_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qwill/app/api/openai"
	"qwill/app/errs"
	"qwill/engine"
)

// commands is a registry of two, which notes what it was asked for.
type commands struct{ got []openai.CommandCall }

func (c *commands) IDs(context.Context) ([]string, error) { return []string{"rewrite", "mine"}, nil }

func (c *commands) Run(_ context.Context, call openai.CommandCall) (openai.CommandResult, error) {
	c.got = append(c.got, call)
	if call.Text == "long" {
		return openai.CommandResult{}, errs.New(errs.TooLong, 400, "Too long.")
	}
	return openai.CommandResult{Text: "Better.", Warnings: []string{"The number \"3\" is missing."}, Model: "m",
		Engine: engine.Result{Finish: "stop", PromptTokens: 9, CompletionTokens: 2}}, nil
}

func TestCommandsAreModels(t *testing.T) {
	c := &commands{}
	s := httptest.NewServer(openai.New(openai.Config{Key: key, Mode: engine.ModeExact, Engine: &fake{}, Models: catalogue{}, Commands: c}))
	t.Cleanup(s.Close)
	ask := func(body string) (int, string) {
		res := post(t, t.Context(), s.URL+"/v1/chat/completions", body)
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}

	status, body := ask(`{"model":"command/mine","instruction":"shorter","options":{"language":"de"},"temperature":0.1,"max_tokens":7,
		"messages":[{"role":"system","content":"ignored"},{"role":"user","content":"first"},{"role":"assistant","content":"x"},{"role":"user","content":"Bad 3."}]}`)
	var a openai.Answer
	if err := json.Unmarshal([]byte(body), &a); err != nil || status != 200 {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if *a.Choices[0].Message.Content != "Better." || *a.Choices[0].Finish != "stop" || a.Usage.Total != 11 || len(a.Warnings) != 1 || a.Model != "command/mine" {
		t.Errorf("%s", body)
	}
	got := c.got[0]
	if got.ID != "mine" || got.Text != "Bad 3." || got.Instruction != "shorter" || *got.Sampling.Temperature != 0.1 || *got.Sampling.MaxTokens != 7 {
		t.Errorf("%+v", got)
	}
	if d := cmp.Diff(map[string]string{"language": "de"}, got.Options); d != "" {
		t.Error(d)
	}

	status, body = ask(`{"model":"command/rewrite","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Bad."}]}`)
	if status != 200 || !strings.Contains(body, `"content":"Better."`) || !strings.Contains(body, `"total_tokens":11`) || !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Errorf("%d %s", status, body)
	}

	for in, want := range map[string]string{
		`{"model":"command/gone","messages":[{"role":"user","content":"x"}]}`:                                             "command/rewrite, command/mine",
		`{"model":"command/mine","messages":[{"role":"system","content":"x"}]}`:                                           "No message of the user",
		`{"model":"command/mine","messages":[{"role":"user","content":"long"}]}`:                                          "Too long.",
		`{"model":"command/mine","logprobs":true,"messages":[{"role":"user","content":"x"}]}`:                             `"param":"logprobs"`,
		`{"model":"command/mine","stop":"x","messages":[{"role":"user","content":"x"}]}`:                                  `"param":"stop"`,
		`{"model":"command/mine","response_format":{"type":"json_object"},"messages":[{"role":"user","content":"json"}]}`: `"param":"response_format"`,
	} {
		if status, body := ask(in); status < 400 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", in, status, body)
		}
	}

	for path, want := range map[string]string{"/v1/models": `"command/mine"`, "/v1/models/command/mine": `"command/mine"`} {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+path, nil)
		r.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if !strings.Contains(string(b), want) {
			t.Errorf("%s: %s", path, b)
		}
	}
}
