// Package openai speaks the wire protocol of OpenAI's chat and completion
// calls over the models of this machine.
package openai

import "encoding/json"

// ChatRequest is the body of POST /v1/chat/completions. Fields that are absent
// here are ignored, but those that would change the answer and are not
// supported are refused.
type ChatRequest struct {
	common
	Messages            []Message       `json:"messages"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	Logprobs            bool            `json:"logprobs"`
	TopLogprobs         *int            `json:"top_logprobs"`
	Template            templateOptions `json:"chat_template_kwargs"`
	ResponseFormat      json.RawMessage `json:"response_format"`
	Tools               json.RawMessage `json:"tools"`
	Functions           json.RawMessage `json:"functions"`
	// Of a command; a model has neither.
	Instruction string            `json:"instruction"`
	Options     map[string]string `json:"options"`
}

type templateOptions struct {
	Thinking bool `json:"enable_thinking"` // default false
}

// Message is one turn of a chat request.
type Message struct {
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"` // string, null or parts
	Reasoning string          `json:"reasoning_content"`
}

// CompletionRequest is the body of POST /v1/completions.
type CompletionRequest struct {
	common
	Prompt   json.RawMessage `json:"prompt"` // string, strings, token ids, lists of token ids
	Echo     bool            `json:"echo"`
	Logprobs *int            `json:"logprobs"`
	BestOf   *int            `json:"best_of"`
	Suffix   *string         `json:"suffix"`
}

// common is what both calls share.
type common struct {
	Model         string `json:"model"`
	Stream        bool   `json:"stream"`
	StreamOptions *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	MaxTokens         *int            `json:"max_tokens"`
	N                 *int            `json:"n"`
	Temperature       *float64        `json:"temperature"`
	TopP              *float64        `json:"top_p"`
	TopK              *int            `json:"top_k"`
	MinP              *float64        `json:"min_p"`
	PresencePenalty   *float64        `json:"presence_penalty"`
	FrequencyPenalty  *float64        `json:"frequency_penalty"`
	RepetitionPenalty *float64        `json:"repetition_penalty"`
	Seed              *uint64         `json:"seed"`
	Stop              json.RawMessage `json:"stop"` // string, strings or null
	LogitBias         map[string]any  `json:"logit_bias"`
	// As vLLM names them.
	GuidedJSON    json.RawMessage `json:"guided_json"`
	GuidedRegex   string          `json:"guided_regex"`
	GuidedGrammar string          `json:"guided_grammar"`
	GuidedChoice  []string        `json:"guided_choice"`
}

// responseFormat is OpenAI's form of an answer.
type responseFormat struct {
	Type   string `json:"type"` // text, json_object or json_schema
	Schema *struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
		Strict *bool           `json:"strict"` // the schema is always kept, with or without
	} `json:"json_schema"`
}

func (c *common) usageWanted() bool { return c.StreamOptions != nil && c.StreamOptions.IncludeUsage }

// Usage counts tokens.
type Usage struct {
	Prompt        int `json:"prompt_tokens"`
	Completion    int `json:"completion_tokens"`
	Total         int `json:"total_tokens"`
	PromptDetails struct {
		Cached int `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		Reasoning int `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

// Answer is a response or one chunk of a stream.
type Answer struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []Choice `json:"choices"`
	Usage   *Usage   `json:"usage,omitempty"`
	// Warnings are a command's: what may be wrong with its result.
	Warnings []string `json:"warnings,omitempty"`
}

// Choice is one answer. Chats fill Message or Delta, completions Text.
type Choice struct {
	Index    int     `json:"index"`
	Message  *Turn   `json:"message,omitempty"`
	Delta    *Turn   `json:"delta,omitempty"`
	Text     *string `json:"text,omitempty"`
	Logprobs any     `json:"logprobs"` // *ChatLogprobs, *Logprobs or nil
	Finish   *string `json:"finish_reason"`
}

// Turn is an answered message, or a part of it.
type Turn struct {
	Role      string  `json:"role,omitempty"`
	Content   *string `json:"content,omitempty"`
	Reasoning string  `json:"reasoning_content,omitempty"`
}

// ChatLogprobs are the tokens of a chat's answer.
type ChatLogprobs struct {
	Content []TokenLogprob `json:"content"`
}

// TokenLogprob is one token with its natural log-probability.
type TokenLogprob struct {
	Token   string         `json:"token"`
	Logprob float64        `json:"logprob"`
	Bytes   []int          `json:"bytes"`
	Top     []TokenLogprob `json:"top_logprobs,omitempty"`
}

// Logprobs are the tokens of a completion, in OpenAI's older form.
type Logprobs struct {
	Tokens   []string             `json:"tokens"`
	Logprobs []*float64           `json:"token_logprobs"` // null for the first echoed token
	Top      []map[string]float64 `json:"top_logprobs"`   // null for the first echoed token
	Offsets  []int                `json:"text_offset"`    // in characters of the choice's text
}

// ModelEntry is one model of GET /v1/models.
type ModelEntry struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

// ErrorBody is OpenAI's error object.
type ErrorBody struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}
