package chat

import "qwill/app/events"

// Names of a reply stream's events, in the order they can come.
const (
	EventSnapshot = "snapshot" // Message as it stands
	EventPrefill  = "prefill"  // Prefill
	EventLoading  = "loading"  // Loading
	EventPaused   = "paused"   // Empty
	EventResumed  = "resumed"  // Empty
	EventDelta    = "delta"    // Delta
	EventDone     = "done"     // the final Message, the last event
)

// Empty is an event's data when its name says all.
type Empty struct{}

// Delta is text to append.
type Delta struct {
	Reasoning string `json:"reasoning,omitempty"`
	Text      string `json:"text,omitempty"`
}

// Merge joins two deltas. Reasoning that follows text stays apart.
func (d Delta) Merge(next any) (any, bool) {
	n, ok := next.(Delta)
	if !ok || d.Text != "" && n.Reasoning != "" {
		return d, false
	}
	return Delta{d.Reasoning + n.Reasoning, d.Text + n.Text}, true
}

// Prefill is the progress of reading the prompt, in tokens.
type Prefill struct {
	Cached int `json:"cached"`
	Done   int `json:"done"`
	Total  int `json:"total"`
}

// Merge keeps the later progress.
func (Prefill) Merge(next any) (any, bool) { _, ok := next.(Prefill); return next, ok }

// Loading is the progress of loading the model.
type Loading struct {
	Percent int `json:"percent"`
}

// Merge keeps the later progress.
func (Loading) Merge(next any) (any, bool) { _, ok := next.(Loading); return next, ok }

// Change is the data of the app-wide event "chats".
type Change struct {
	ID   string `json:"id"`
	Kind string `json:"kind"` // created, changed, deleted
}

func (m *Manager) tell(id, kind string) {
	m.events.Publish(events.Event{Name: "chats", Data: Change{ID: id, Kind: kind}})
}
