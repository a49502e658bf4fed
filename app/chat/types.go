// Package chat keeps conversations and writes their replies: send, edit,
// regenerate, stop, and a stream of each running reply for any number of
// watchers.
package chat

import (
	"context"
	"strconv"
	"time"

	"qwill/app/errs"
	"qwill/app/search"
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
	Branch      Branch      `json:"branch"`
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
	Seed             string  `json:"seed"`               // decimal: larger than JavaScript's numbers
	Drafted          int     `json:"drafted,omitempty"`  // tokens guessed from the text itself
	Accepted         int     `json:"accepted,omitempty"` // of them, those that came
}

// StatsOf turns an engine result into what is shown and kept.
func StatsOf(r engine.Result, mode engine.Mode) *Stats {
	return &Stats{
		Finish: r.Finish, PromptTokens: r.PromptTokens, CachedTokens: r.CachedTokens,
		CompletionTokens: r.CompletionTokens, ReasoningTokens: r.ReasoningTokens,
		TTFTMillis: r.TTFTMillis, PrefillPerSecond: r.PrefillPerSecond, DecodePerSecond: r.DecodePerSecond,
		Mode: string(mode), Seed: strconv.FormatUint(r.Seed, 10), Drafted: r.Drafted, Accepted: r.Accepted,
	}
}

// Doors through which a chat came about.
const (
	DoorChat     = "chat"
	DoorPrompt   = "prompt"
	DoorServices = "services"
	DoorServer   = "server"
)

// Summary is a chat in the list.
type Summary struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	Updated   time.Time `json:"updated"`
	Model     string    `json:"model"`
	Replying  bool      `json:"replying"`
	Waiting   int       `json:"waiting,omitempty"` // place in the queue of replies, from 1
	Pinned    bool      `json:"pinned"`
	Folder    string    `json:"folder"`    // id; "" outside folders
	Temporary bool      `json:"temporary"` // lives in memory only
	Door      string    `json:"door"`
}

// Chat is a conversation with the messages of the branch that is shown.
type Chat struct {
	Summary
	Created      time.Time         `json:"created"`
	SystemPrompt string            `json:"system_prompt"`
	Sampling     settings.Sampling `json:"sampling"`
	Thinking     bool              `json:"thinking"`
	Draft        string            `json:"draft"` // typed and not sent
	Messages     []Message         `json:"messages"`
	Context      Context           `json:"context"`
	AutoTitle    bool              `json:"-"` // no title was given yet: the first message gives it
	Head         string            `json:"-"` // last message of the branch that is shown; "" for the newest
	Nodes        []Node            `json:"-"` // all messages, in order of creation
}

// Folder holds chats.
type Folder struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Chats   int       `json:"chats"`
	Created time.Time `json:"-"`
}

// Preset is a way of answering to choose for a chat.
type Preset struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	SystemPrompt string            `json:"system_prompt"`
	Sampling     settings.Sampling `json:"sampling"`
	Thinking     bool              `json:"thinking"`
	Model        string            `json:"model"` // "" leaves the chat's
	Created      time.Time         `json:"-"`
}

// Hit is a place found by a search.
type Hit struct {
	Chat    Summary       `json:"chat"`
	Message string        `json:"message,omitempty"` // "" where the title was hit
	Role    string        `json:"role,omitempty"`
	Parts   []search.Part `json:"parts"` // the excerpt
}

// Context is how much of the model's context a chat fills, in tokens.
type Context struct {
	Used  int `json:"used"`
	Limit int `json:"limit"`
}

// Store keeps chats: on the disk, or in memory for temporary ones. Missing
// chats, deleted ones too, are errs.NotFound. Every call is all or nothing.
type Store interface {
	// Chats lists all chats, last changed first.
	Chats(ctx context.Context) ([]Summary, error)
	// Chat reads one with the messages from the first to its head, and all Nodes.
	Chat(ctx context.Context, id string) (Chat, error)
	// Path reads the messages from a chat's first to the one named.
	Path(ctx context.Context, chat, head string) ([]Message, error)
	// PutChat creates a chat or changes its own fields, but not the draft;
	// messages are left alone.
	PutChat(ctx context.Context, c Chat) error
	// FileChats changes where chats are listed; nil leaves it as it is.
	FileChats(ctx context.Context, ids []string, folder *string, pinned *bool) error
	// Append is PutChat and adds messages. sent says that the draft was sent.
	Append(ctx context.Context, c Chat, sent bool, add ...Message) error
	// RemoveMessages is PutChat and erases messages.
	RemoveMessages(ctx context.Context, c Chat, ids []string) error
	// SaveReply rewrites a reply's text, status, error and figures.
	SaveReply(ctx context.Context, m Message) error
	// Reopen is PutChat and SaveReply of a reply that is to go on, by another
	// model perhaps.
	Reopen(ctx context.Context, c Chat, m Message) error
	// InterruptReplies marks replies that no process writes any more.
	InterruptReplies(ctx context.Context, why errs.Error) (int, error)
	// SetDraft keeps what was typed in a chat and not sent.
	SetDraft(ctx context.Context, id, text string) error

	// DeleteChats hides chats until they are restored or erased; deleted ones
	// stay as they are.
	DeleteChats(ctx context.Context, ids []string, at time.Time) error
	// RestoreChats shows deleted chats again; others stay as they are.
	RestoreChats(ctx context.Context, ids []string) error
	// EraseDeleted erases for good what was deleted at that time or earlier.
	EraseDeleted(ctx context.Context, until time.Time) (int, error)
	// EraseChats erases chats for good, deleted ones too; some at a time, so that
	// others can write meanwhile.
	EraseChats(ctx context.Context, ids []string) error

	// Messages reads all of a chat, of every branch, in order of creation.
	Messages(ctx context.Context, id string) ([]Message, error)
	// EraseAll erases all that was written, and leaves nothing of it in a file.
	EraseAll(ctx context.Context) error

	// Search finds titles, then messages, best first.
	Search(ctx context.Context, q search.Query, limit int) ([]Hit, error)
}

// Library is a Store that also keeps what does not belong to a chat. Missing
// ones are errs.NotFound, a name that is taken errs.Conflict.
type Library interface {
	Store
	// AdoptChats stores chats with their messages, all or none.
	AdoptChats(ctx context.Context, all []Adopted) error
	Folders(ctx context.Context) ([]Folder, error) // by name
	PutFolder(ctx context.Context, f Folder) error
	DeleteFolder(ctx context.Context, id string) error // its chats stay, outside folders
	Presets(ctx context.Context) ([]Preset, error)     // by name
	PutPreset(ctx context.Context, p Preset) error
	DeletePreset(ctx context.Context, id string) error
	NewDraft(ctx context.Context) (string, error) // of the chat that does not exist yet
	SetNewDraft(ctx context.Context, text string) error
}
