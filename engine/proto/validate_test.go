package proto

import (
	"math"
	"strings"
	"testing"
)

func ptr[T any](v T) *T { return &v }

func TestValidate(t *testing.T) {
	good := func() GenerateParams {
		return GenerateParams{Path: "/models/a", Mode: ModeExact, Text: "x"}
	}
	for _, c := range []struct {
		field string // "" when the change is fine
		edit  func(*GenerateParams)
	}{
		{"", func(p *GenerateParams) {}},
		{"", func(p *GenerateParams) {
			p.MaxTokens, p.Logprobs, p.Stop = MaxMaxTokens, 21, []string{"\n"}
			p.Sampling = Sampling{Temperature: ptr(0.0), TopK: ptr(0), TopP: ptr(1.0), MinP: ptr(0.0), PresencePenalty: ptr(-2.0),
				RepetitionPenalty: ptr(1.0), Seed: ptr(uint64(math.MaxUint64))}
		}},
		{"path", func(p *GenerateParams) { p.Path = "models/a" }},
		{"path", func(p *GenerateParams) { p.Path = "" }},
		{"path", func(p *GenerateParams) { p.Path = "/a\x00b" }},
		{"mode", func(p *GenerateParams) { p.Mode = "quick" }},
		{"messages", func(p *GenerateParams) { p.Text = "" }},
		{"messages", func(p *GenerateParams) { p.Prompt = []int{1} }},
		{"messages", func(p *GenerateParams) { p.Text, p.Messages = "", []Message{{Role: "tool"}} }},
		{"messages", func(p *GenerateParams) { p.Continue = true }},
		{"messages", func(p *GenerateParams) { p.Text, p.Messages, p.Continue = "", []Message{{Role: "user"}}, true }},
		{"", func(p *GenerateParams) {
			p.Text, p.Messages, p.Continue = "", []Message{{Role: "user"}, {Role: "assistant"}}, true
		}},
		{"prompt", func(p *GenerateParams) { p.Text, p.Prompt = "", []int{-1} }},
		{"max_tokens", func(p *GenerateParams) { p.MaxTokens = -1 }},
		{"max_tokens", func(p *GenerateParams) { p.MaxTokens = 1e12 }},
		{"logprobs", func(p *GenerateParams) { p.Logprobs = 22 }},
		{"stop", func(p *GenerateParams) { p.Stop = []string{""} }},
		{"stop", func(p *GenerateParams) { p.Stop = make([]string, 17) }},
		{"stop", func(p *GenerateParams) { p.Stop = []string{strings.Repeat("x", 1025)} }},
		{"temperature", func(p *GenerateParams) { p.Sampling.Temperature = ptr(math.NaN()) }},
		{"temperature", func(p *GenerateParams) { p.Sampling.Temperature = ptr(-1.0) }},
		{"temperature", func(p *GenerateParams) { p.Sampling.Temperature = ptr(1e9) }},
		{"top_p", func(p *GenerateParams) { p.Sampling.TopP = ptr(0.0) }},
		{"top_p", func(p *GenerateParams) { p.Sampling.TopP = ptr(1.01) }},
		{"min_p", func(p *GenerateParams) { p.Sampling.MinP = ptr(1.0) }},
		{"top_k", func(p *GenerateParams) { p.Sampling.TopK = ptr(-1) }},
		{"presence_penalty", func(p *GenerateParams) { p.Sampling.PresencePenalty = ptr(3.0) }},
		{"presence_penalty", func(p *GenerateParams) { p.Sampling.PresencePenalty = ptr(math.Inf(1)) }},
		{"repetition_penalty", func(p *GenerateParams) { p.Sampling.RepetitionPenalty = ptr(0.0) }},
	} {
		p := good()
		c.edit(&p)
		e := p.Validate()
		if got := field(e); got != c.field || (e != nil && e.Code != CodeInvalid) {
			t.Errorf("field %q, want %q: %v", got, c.field, e)
		}
	}
}

func field(e *Error) string {
	if e == nil {
		return ""
	}
	return e.Field
}
