// Package transfer takes chats out of Qwill and in: to Markdown and to Qwill's
// own JSON, from that, from LM Studio's conversations and from OpenAI's data
// export. What it reads is foreign: every size and depth is bounded, and an
// entry that cannot be read is skipped with a reason that names it.
package transfer

import (
	"time"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/settings"
)

// Format and Version mark Qwill's own JSON.
const (
	Format  = "qwill-chats"
	Version = 1
)

// Limits of what is read.
const (
	FileLimit    = 256 << 20 // bytes of a file
	UnpackLimit  = 1 << 30   // bytes that a ZIP may unpack to
	RatioLimit   = 400       // times that an entry of a ZIP may be larger than packed
	EntryLimit   = 20_000    // entries of a ZIP
	ChatBytes    = 64 << 20  // bytes of one chat's JSON
	DepthLimit   = 64        // nesting of one chat's JSON
	MessageLimit = 20_000    // messages of a chat
	ChatLimit    = 100_000   // chats of a file
	SkipLimit    = 200       // reasons that are told; later ones are counted
)

// Archive is the head of Qwill's JSON. The chats follow one by one under
// "chats", so that neither side holds all of them.
type Archive struct {
	Format   string    `json:"format"`
	Version  int       `json:"version"`
	Exported time.Time `json:"exported"`
	Folders  []Folder  `json:"folders"`
	Presets  []Preset  `json:"presets"`
}

// Folder holds chats.
type Folder struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Preset is a set of choices for chats.
type Preset struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	SystemPrompt string            `json:"system_prompt"`
	Sampling     settings.Sampling `json:"sampling"`
	Thinking     bool              `json:"thinking"`
	Model        string            `json:"model"`
}

// Chat is a conversation with all its branches.
type Chat struct {
	ID           string            `json:"id"`
	Title        string            `json:"title"`
	Model        string            `json:"model"`
	SystemPrompt string            `json:"system_prompt"`
	Sampling     settings.Sampling `json:"sampling"`
	Thinking     bool              `json:"thinking"`
	Pinned       bool              `json:"pinned"`
	Folder       string            `json:"folder"` // id; "" outside folders
	Door         string            `json:"door"`   // chat, prompt, services, server
	Created      time.Time         `json:"created"`
	Updated      time.Time         `json:"updated"`
	Current      string            `json:"current"`  // the last message of the branch that is shown; "" without messages
	Messages     []Message         `json:"messages"` // parents before their children
}

// Message is one turn.
type Message struct {
	ID          string      `json:"id"`
	Parent      string      `json:"parent"` // "" for a first one
	Role        string      `json:"role"`   // user, assistant
	Content     string      `json:"content"`
	Reasoning   string      `json:"reasoning,omitempty"`
	Status      chat.Status `json:"status"`
	Error       *errs.Error `json:"error,omitempty"`
	Created     time.Time   `json:"created"`
	Model       string      `json:"model,omitempty"`
	ReasoningMS int64       `json:"reasoning_ms,omitempty"`
	Stats       *chat.Stats `json:"stats,omitempty"`
}

// Sink receives what Read finds, in the file's order.
type Sink interface {
	Folder(Folder) error
	Preset(Preset) error
	Chat(Chat) error
	// Skip is told why an entry is left out; Detail names it.
	Skip(*errs.Error)
}

// Branch gives the messages from the first to Current.
func (c Chat) Branch() []Message {
	at := map[string]int{}
	for i, m := range c.Messages {
		at[m.ID] = i
	}
	var back []Message
	for id := c.Current; id != "" && len(back) < len(c.Messages); {
		i, ok := at[id]
		if !ok {
			break
		}
		back = append(back, c.Messages[i])
		id = c.Messages[i].Parent
	}
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	return back
}
