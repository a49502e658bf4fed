package proto

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
)

// Bounds of GenerateParams beyond which a value is a mistake, not a wish.
const (
	MaxMaxTokens   = 1 << 20 // above it a request is refused; below, the context bounds the output
	MaxTemperature = 10
	MaxTopK        = 1 << 20
	MaxRepetition  = 10
	MaxStops       = 16
	MaxStopBytes   = 1024
	MaxLogprobs    = 21 // the token's own and 20 alternatives
)

func invalid(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Message: field + " " + fmt.Sprintf(format, args...), ErrorData: ErrorData{Field: field}}
}

// Validate checks what can be checked without the model. The error is nil or
// CodeInvalid with the field.
func (p *GenerateParams) Validate() *Error {
	if e := checkModel(p.Path, p.Mode); e != nil {
		return e
	}
	inputs := 0
	for _, set := range []bool{len(p.Messages) > 0, len(p.Prompt) > 0, p.Text != ""} {
		if set {
			inputs++
		}
	}
	switch {
	case inputs == 0:
		return invalid("messages", "must not be empty")
	case inputs > 1:
		return invalid("messages", "cannot be combined with a prompt or a text")
	case p.Continue && (len(p.Messages) == 0 || p.Messages[len(p.Messages)-1].Role != "assistant"):
		return invalid("messages", "must end with the assistant's message that is to be continued")
	case p.MaxTokens < 0 || p.MaxTokens > MaxMaxTokens:
		return invalid("max_tokens", "must be from 0 (no limit) to %d, not %d", MaxMaxTokens, p.MaxTokens)
	case p.Logprobs < 0 || p.Logprobs > MaxLogprobs:
		return invalid("logprobs", "must be from 0 to %d, not %d", MaxLogprobs, p.Logprobs)
	case len(p.Stop) > MaxStops:
		return invalid("stop", "may hold at most %d strings, not %d", MaxStops, len(p.Stop))
	}
	if p.Format != nil {
		if e := p.Format.validate(); e != nil {
			return e
		}
		if p.IgnoreEOS {
			return invalid("ignore_eos", "cannot be combined with a format")
		}
	}
	for _, m := range p.Messages {
		switch m.Role {
		case "system", "user", "assistant":
		default:
			return invalid("messages", "have the role %q: it must be system, user or assistant", m.Role)
		}
	}
	for _, id := range p.Prompt {
		if id < 0 || id > math.MaxInt32 {
			return invalid("prompt", "holds %d, which is no token id", id)
		}
	}
	for _, s := range p.Stop {
		if s == "" || len(s) > MaxStopBytes {
			return invalid("stop", "must hold strings of 1 to %d bytes", MaxStopBytes)
		}
	}
	return p.Sampling.Validate()
}

func (f *Format) validate() *Error {
	set := 0
	for _, s := range []bool{len(f.JSONSchema) > 0, f.JSONObject, f.Regex != "", f.Grammar != ""} {
		if s {
			set++
		}
	}
	if set != 1 {
		return invalid("format", "must be one of a JSON Schema, any JSON object, an expression and a grammar")
	}
	return nil
}

// Validate checks every setting that is set.
func (s *Sampling) Validate() *Error {
	for _, f := range []struct {
		name   string
		value  *float64
		ok     func(float64) bool
		bounds string
	}{
		{"temperature", s.Temperature, func(v float64) bool { return v >= 0 && v <= MaxTemperature }, fmt.Sprintf("from 0 to %d", MaxTemperature)},
		{"top_p", s.TopP, func(v float64) bool { return v > 0 && v <= 1 }, "above 0 and at most 1"},
		{"min_p", s.MinP, func(v float64) bool { return v >= 0 && v < 1 }, "at least 0 and below 1"},
		{"presence_penalty", s.PresencePenalty, func(v float64) bool { return v >= -2 && v <= 2 }, "from -2 to 2"},
		{"repetition_penalty", s.RepetitionPenalty, func(v float64) bool { return v > 0 && v <= MaxRepetition }, fmt.Sprintf("above 0 and at most %d", MaxRepetition)},
	} {
		if f.value != nil && !f.ok(*f.value) { // NaN fails every comparison
			return invalid(f.name, "must be %s, not %v", f.bounds, *f.value)
		}
	}
	if s.TopK != nil && (*s.TopK < 0 || *s.TopK > MaxTopK) {
		return invalid("top_k", "must be from 0 (off) to %d, not %d", MaxTopK, *s.TopK)
	}
	return nil
}

// MaxInputs bounds the inputs of one EmbedParams.
const MaxInputs = 256

// Validate checks what can be checked without the model.
func (p *EmbedParams) Validate() *Error {
	if e := checkModel(p.Path, p.Mode); e != nil {
		return e
	}
	n := len(p.Texts) + len(p.Prompts)
	switch {
	case n == 0:
		return invalid("input", "must not be empty")
	case len(p.Texts) > 0 && len(p.Prompts) > 0:
		return invalid("input", "must be texts or tokens, not both")
	case n > MaxInputs:
		return invalid("input", "may hold at most %d texts, not %d", MaxInputs, n)
	case p.Dimensions < 0:
		return invalid("dimensions", "must be from 0 (all), not %d", p.Dimensions)
	}
	for _, ids := range p.Prompts {
		if len(ids) == 0 {
			return invalid("input", "must not hold an empty list")
		}
		for _, id := range ids {
			if id < 0 || id > math.MaxInt32 {
				return invalid("input", "holds %d, which is no token id", id)
			}
		}
	}
	return nil
}

// Validate checks the path and the mode.
func (p *OpenParams) Validate() *Error { return checkModel(p.Path, p.Mode) }

func checkModel(path string, mode Mode) *Error {
	switch {
	case !filepath.IsAbs(path) || strings.ContainsRune(path, 0):
		return invalid("path", "must be the absolute path of a model folder, not %q", path)
	case mode != ModeExact && mode != ModeFast:
		return invalid("mode", "must be %q or %q, not %q", ModeExact, ModeFast, mode)
	}
	return nil
}
