// Package chat keeps conversations and writes their replies: send, edit,
// regenerate, stop, and a stream of each running reply for any number of
// watchers.
package chat

import (
	"context"
	"strconv"
	"time"

	"qwill/app/errs"
	"qwill/app/settings"
	"qwill/engine"
)

// Status says how far a message is.
type Status string

// The life of a reply: queued, writing, then one of the others.
const (
	Done        Status = "done"
	Queued      Status = "queued"
	Writing     Status = "writing"
	Stopped     Status = "stopped"     // by the user
	Interrupted Status = "interrupted" // Qwill or the engine ended in the middle
	Failed      Status = "failed"
)

// Roles of a message.
const (
	User      = "user"
	Assistant = "assistant"
)

// Running reports whether the reply is still to end.
func (s Status) Running() bool { return s == Queued || s == Writing }

// Message is one turn.
type Message struct {
	ID          string      `json:"id"`
	Parent      string      `json:"-"` // the message before; "" for the first
	Role        string      `json:"role"`
	Content     string      `json:"content"`
	Reasoning   string      `json:"reasoning"`
	Status      Status      `json:"status"`
	Error       *errs.Error `json:"error,omitempty"`
	Created     time.Time   `json:"created"`
	Model       string      `json:"model,omitempty"`
	ReasoningMS int64       `json:"reasoning_ms,omitempty"`
	Stats       *Stats      `json:"stats,omitempty"`
}

// Stats are the figures of one completion.
type Stats struct {
	Finish           string  `json:"finish"`
	PromptTokens     int     `json:"prompt_tokens"`
	CachedTokens     int     `json:"cached_tokens"`
	CompletionTokens int     `json:"completion_tokens"`
	ReasoningTokens  int     `json:"reasoning_tokens"`
	TTFTMillis       float64 `json:"ttft_ms"`
	PrefillPerSecond float64 `json:"prefill_tokens_per_second"`
	DecodePerSecond  float64 `json:"decode_tokens_per_second"`
	Mode             string  `json:"mode"`
	Seed             string  `json:"seed"` // decimal: larger than JavaScript's numbers
}

// StatsOf turns an engine result into what is shown and kept.
func StatsOf(r engine.Result, mode engine.Mode) *Stats {
	return &Stats{
		Finish: r.Finish, PromptTokens: r.PromptTokens, CachedTokens: r.CachedTokens,
		CompletionTokens: r.CompletionTokens, ReasoningTokens: r.ReasoningTokens,
		TTFTMillis: r.TTFTMillis, PrefillPerSecond: r.PrefillPerSecond, DecodePerSecond: r.DecodePerSecond,
		Mode: string(mode), Seed: strconv.FormatUint(r.Seed, 10),
	}
}

// Summary is a chat in the list.
type Summary struct {
	ID       string    `json:"id"`
	Title    string    `json:"title"`
	Updated  time.Time `json:"updated"`
	Model    string    `json:"model"`
	Replying bool      `json:"replying"`
}

// Chat is a conversation with its messages in order.
type Chat struct {
	Summary
	Created      time.Time         `json:"created"`
	SystemPrompt string            `json:"system_prompt"`
	Sampling     settings.Sampling `json:"sampling"`
	Thinking     bool              `json:"thinking"`
	Messages     []Message         `json:"messages"`
	Context      Context           `json:"context"`
	AutoTitle    bool              `json:"-"` // no title was given yet: the first message gives it
}

// Context is how much of the model's context a chat fills, in tokens.
type Context struct {
	Used  int `json:"used"`
	Limit int `json:"limit"`
}

// Store keeps chats. Missing ones are errs.NotFound.
type Store interface {
	// Chats lists all chats, last changed first.
	Chats(ctx context.Context) ([]Summary, error)
	// Chat reads one with its messages.
	Chat(ctx context.Context, id string) (Chat, error)
	// PutChat creates or changes a chat's own fields; messages are left alone.
	PutChat(ctx context.Context, c Chat) error
	DeleteChat(ctx context.Context, id string) error
	// Append adds messages after dropping the one named from and all that
	// follow it; from is "" to drop none. All or nothing.
	Append(ctx context.Context, chat Chat, from string, add ...Message) error
	// SaveReply rewrites a reply's text, status, error and figures.
	SaveReply(ctx context.Context, m Message) error
	// InterruptReplies marks replies that no process writes any more.
	InterruptReplies(ctx context.Context, why errs.Error) (int, error)
}
