package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"qwill/app/errs"
	"qwill/engine"
)

// Bounds of a request.
const (
	maxTokensLimit    = 1 << 20
	defaultCompletion = 16 // tokens of a completion that does not say, as OpenAI's
	maxTop            = 20 // alternatives a token
	maxPrompts        = 128
	maxStops          = 16
	maxStopBytes      = 1024
	maxMessages       = 10_000
)

func bad(param, format string, args ...any) *errs.Error {
	return errs.InvalidField(param, format, args...)
}

func null(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// params checks the shared fields and fills in the engine's.
func (c *common) params() (p engine.GenerateParams, err error) {
	if c.N != nil && *c.N != 1 {
		return p, bad("n", "Only one answer a request is supported, not %d.", *c.N)
	}
	if c.FrequencyPenalty != nil && *c.FrequencyPenalty != 0 {
		return p, bad("frequency_penalty", "It is not supported.").Try("use presence_penalty or repetition_penalty")
	}
	if len(c.LogitBias) > 0 {
		return p, bad("logit_bias", "It is not supported.")
	}
	if c.StreamOptions != nil && !c.Stream {
		return p, bad("stream_options", "It is only allowed when stream is true.")
	}
	for _, f := range []struct {
		name   string
		v      *float64
		lo, hi float64
		open   bool
	}{
		{"temperature", c.Temperature, 0, 2, false},
		{"top_p", c.TopP, 0, 1, true},
		{"min_p", c.MinP, 0, math.Nextafter(1, 0), false},
		{"presence_penalty", c.PresencePenalty, -2, 2, false},
		{"repetition_penalty", c.RepetitionPenalty, 0, 10, true},
	} {
		if f.v != nil && (*f.v < f.lo || *f.v > f.hi || f.open && *f.v == f.lo) {
			return p, bad(f.name, "%v is out of range: from %.4g to %.4g.", *f.v, f.lo, f.hi)
		}
	}
	if c.TopK != nil && (*c.TopK < 0 || *c.TopK > 1<<20) {
		return p, bad("top_k", "%d is out of range: from 0 (off) to %d.", *c.TopK, 1<<20)
	}
	if p.Stop, err = stops(c.Stop); err != nil {
		return p, err
	}
	p.Sampling = engine.Sampling{Temperature: c.Temperature, TopK: c.TopK, TopP: c.TopP, MinP: c.MinP,
		PresencePenalty: c.PresencePenalty, RepetitionPenalty: c.RepetitionPenalty, Seed: c.Seed}
	return p, nil
}

func stops(raw json.RawMessage) ([]string, error) {
	if null(raw) {
		return nil, nil
	}
	var one string
	var all []string
	if json.Unmarshal(raw, &one) == nil {
		all = []string{one}
	} else if json.Unmarshal(raw, &all) != nil {
		return nil, bad("stop", "It is a string or a list of strings.")
	}
	if len(all) > maxStops {
		return nil, bad("stop", "At most %d strings are supported, not %d.", maxStops, len(all))
	}
	for _, s := range all {
		if s == "" || len(s) > maxStopBytes {
			return nil, bad("stop", "Each string has from 1 to %d bytes.", maxStopBytes)
		}
	}
	return all, nil
}

func tokens(param string, n *int, fallback, least int) (int, error) {
	if n == nil {
		return fallback, nil
	}
	if *n < least || *n > maxTokensLimit {
		return 0, bad(param, "%d is out of range: from %d to %d.", *n, least, maxTokensLimit)
	}
	return *n, nil
}

// Params checks a chat request and gives the engine's parameters, without the
// model. An answer is cut at the end of the context whatever max_tokens says.
func (c *ChatRequest) Params() (p engine.GenerateParams, err error) {
	if p, err = c.common.params(); err != nil {
		return p, err
	}
	param, limit := "max_tokens", c.MaxTokens
	if c.MaxCompletionTokens != nil {
		param, limit = "max_completion_tokens", c.MaxCompletionTokens
	}
	if p.MaxTokens, err = tokens(param, limit, 0, 1); err != nil {
		return p, err
	}
	switch {
	case hasItems(c.Tools):
		return p, bad("tools", "Tools are not supported.")
	case hasItems(c.Functions):
		return p, bad("functions", "Functions are not supported.")
	case c.TopLogprobs != nil && !c.Logprobs:
		return p, bad("top_logprobs", "It is only allowed when logprobs is true.")
	case c.TopLogprobs != nil && (*c.TopLogprobs < 0 || *c.TopLogprobs > maxTop):
		return p, bad("top_logprobs", "%d is out of range: from 0 to %d.", *c.TopLogprobs, maxTop)
	}
	if p.Format, err = c.format(c.ResponseFormat); err != nil {
		return p, err
	}
	if c.Logprobs {
		p.Logprobs = 1
		if c.TopLogprobs != nil {
			p.Logprobs += *c.TopLogprobs
		}
	}
	p.Thinking = c.Template.Thinking
	p.Messages, err = messages(c.Messages)
	return p, err
}

func hasItems(raw json.RawMessage) bool {
	return !null(raw) && !bytes.Equal(bytes.TrimSpace(raw), []byte("[]"))
}

func messages(in []Message) ([]engine.Message, error) {
	if len(in) == 0 || len(in) > maxMessages {
		return nil, bad("messages", "A request has from 1 to %d messages, not %d.", maxMessages, len(in))
	}
	out := make([]engine.Message, 0, len(in))
	for i, m := range in {
		at := fmt.Sprintf("messages[%d]", i)
		role := m.Role
		switch role {
		case "developer":
			role = "system"
		case "system", "user", "assistant":
		case "tool", "function":
			return nil, bad(at+".role", "Tools are not supported.")
		default:
			return nil, bad(at+".role", "%q is not one of system, developer, user, assistant.", role)
		}
		text, err := content(at+".content", m.Content, role == "assistant")
		if err != nil {
			return nil, err
		}
		out = append(out, engine.Message{Role: role, Content: text, Reasoning: m.Reasoning})
	}
	return out, nil
}

// content reads a string or text parts. Other parts are refused unread: an
// address in a request must never be fetched.
func content(at string, raw json.RawMessage, mayBeNull bool) (string, error) {
	if null(raw) {
		if mayBeNull {
			return "", nil
		}
		return "", bad(at, "It may not be null.")
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []struct {
		Type string  `json:"type"`
		Text *string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return "", bad(at, "It is a string or a list of text parts.")
	}
	var b strings.Builder
	for i, p := range parts {
		if p.Type != "text" || p.Text == nil {
			return "", bad(fmt.Sprintf("%s[%d]", at, i), "Only text parts are supported, not %q.", p.Type)
		}
		b.WriteString(*p.Text)
	}
	return b.String(), nil
}

// Params checks a completion request and gives the engine's parameters, one
// for each prompt. scoring says that no token is wanted beside the echo; the
// engine is then asked for one, which is dropped.
func (c *CompletionRequest) Params() (all []engine.GenerateParams, scoring bool, err error) {
	p, err := c.common.params()
	if err != nil {
		return nil, false, err
	}
	least := 1
	if c.Echo {
		least = 0
	}
	if p.MaxTokens, err = tokens("max_tokens", c.MaxTokens, defaultCompletion, least); err != nil {
		return nil, false, err
	}
	if p.MaxTokens == 0 {
		p.MaxTokens, scoring = 1, true
	}
	switch {
	case c.BestOf != nil && *c.BestOf != 1:
		return nil, false, bad("best_of", "Only 1 is supported, not %d.", *c.BestOf)
	case c.Suffix != nil && *c.Suffix != "":
		return nil, false, bad("suffix", "It is not supported.")
	case c.Logprobs != nil && (*c.Logprobs < 0 || *c.Logprobs > maxTop):
		return nil, false, bad("logprobs", "%d is out of range: from 0 to %d.", *c.Logprobs, maxTop)
	}
	if c.Logprobs != nil {
		p.Logprobs = 1 + *c.Logprobs
	}
	p.Echo = c.Echo
	if p.Format, err = c.format(nil); err != nil {
		return nil, false, err
	}
	if p.Format != nil && scoring {
		return nil, false, bad("max_tokens", "An answer that has a form needs tokens.")
	}
	texts, ids, err := prompts("prompt", c.Prompt, maxPrompts)
	if err != nil {
		return nil, false, err
	}
	for _, t := range texts {
		q := p
		q.Text = t
		all = append(all, q)
	}
	for _, t := range ids {
		q := p
		q.Prompt = t
		all = append(all, q)
	}
	return all, scoring, nil
}

// prompts reads the four forms; either texts or ids comes back.
func prompts(field string, raw json.RawMessage, most int) (texts []string, ids [][]int, err error) {
	var text string
	var list []int
	switch {
	case null(raw):
		return nil, nil, bad(field, "It is needed.")
	case json.Unmarshal(raw, &text) == nil:
		texts = []string{text}
	case json.Unmarshal(raw, &texts) == nil:
	case json.Unmarshal(raw, &list) == nil:
		texts, ids = nil, [][]int{list}
	case json.Unmarshal(raw, &ids) == nil:
		texts = nil
	default:
		return nil, nil, bad(field, "It is a string, a list of strings, a list of token ids or a list of such lists.")
	}
	if n := len(texts) + len(ids); n == 0 || n > most {
		return nil, nil, bad(field, "A request has from 1 to %d of them, not %d.", most, n)
	}
	for _, t := range texts {
		if t == "" {
			return nil, nil, bad(field, "It may not be empty.")
		}
	}
	for _, list := range ids {
		if len(list) == 0 {
			return nil, nil, bad(field, "It may not be empty.")
		}
		for _, id := range list {
			if id < 0 || id > math.MaxInt32 {
				return nil, nil, bad(field, "%d is no token id.", id)
			}
		}
	}
	return texts, ids, nil
}
