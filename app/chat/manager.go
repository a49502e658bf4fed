package chat

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"qwill/app/events"
	"qwill/app/models"
	"qwill/app/settings"
	"qwill/engine"
)

// Engine completes prompts. Several calls may run at once: they queue. When
// ctx ends, the result says "cancelled" and keeps its figures.
type Engine interface {
	Generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), loading func(percent int)) (engine.Result, error)
}

// Models finds an installed model; "" is the default one.
type Models interface {
	Find(ctx context.Context, name string) (models.Model, error)
}

// Settings gives the user's choices.
type Settings interface {
	Get() settings.Settings
}

// ContentLimit is the longest message in bytes.
const ContentLimit = 4 << 20

// TitleLimit is the longest title in characters.
const TitleLimit = 200

// UndoTime is how long a deleted chat can be restored.
const UndoTime = 10 * time.Minute

// Manager owns all conversations.
type Manager struct {
	disk     Library
	memory   Store // of temporary chats
	models   Models
	settings Settings
	engine   Engine
	events   *events.Broker

	ops       sync.Mutex // one change of the conversations at a time
	mu        sync.Mutex
	live      map[string]*reply // by chat
	queue     []*reply          // those of live, in the order they were asked for
	temporary map[string]bool   // chats in memory
	owner     bool              // Recover was called
	closed    bool
	running   sync.WaitGroup
}

// New makes a manager; memory keeps the temporary chats. Recover is called next
// by the one process that shows the chats.
func New(disk Library, memory Store, m Models, s Settings, e Engine, b *events.Broker) *Manager {
	return &Manager{disk: disk, memory: memory, models: m, settings: s, engine: e, events: b,
		live: map[string]*reply{}, temporary: map[string]bool{}}
}

// Recover marks the replies that an ended process left half written, and erases
// the chats that were deleted in it.
func (m *Manager) Recover(ctx context.Context) (int, error) {
	m.mu.Lock()
	m.owner = true
	m.mu.Unlock()
	if _, err := m.disk.EraseDeleted(ctx, stamp()); err != nil {
		return 0, err
	}
	return m.disk.InterruptReplies(ctx, *errInterrupted())
}

// Close interrupts running replies, which keep their text, waits for them, and
// erases deleted chats.
func (m *Manager) Close(ctx context.Context) {
	m.mu.Lock()
	m.closed = true
	owner := m.owner
	for _, r := range m.live {
		r.mu.Lock()
		r.closing = true
		r.mu.Unlock()
		r.cancel()
	}
	m.mu.Unlock()
	done := make(chan struct{})
	go func() { m.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	if owner {
		if _, err := m.disk.EraseDeleted(ctx, stamp()); err != nil {
			slog.Warn("deleted chats not erased", "error", err)
		}
	}
}

// of gives the store that keeps a chat.
func (m *Manager) of(id string) Store {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.temporary[id] {
		return m.memory
	}
	return m.disk
}

// stores are all of them.
func (m *Manager) stores() []Store { return []Store{m.disk, m.memory} }

// List gives all chats, last changed first.
func (m *Manager) List(ctx context.Context) ([]Summary, error) {
	all := []Summary{}
	for _, s := range m.stores() {
		some, err := s.Chats(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b Summary) int { return b.Updated.Compare(a.Updated) })
	m.mark(all)
	return all, nil
}

// mark tells summaries of the replies that run or wait.
func (m *Manager) mark(all []Summary) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range all {
		m.markOne(&all[i])
	}
}

// markOne needs mu.
func (m *Manager) markOne(s *Summary) {
	r := m.live[s.ID]
	s.Replying, s.Waiting = r != nil, 0
	if ahead := slices.Index(m.queue, r); r != nil && ahead > 0 && r.snapshot().Status == Queued {
		s.Waiting = ahead
	}
}

// Get gives a chat; a running reply appears as it stands now.
func (m *Manager) Get(ctx context.Context, id string) (Chat, error) {
	c, err := m.of(id).Chat(ctx, id)
	if err != nil {
		return Chat{}, err
	}
	return m.complete(ctx, c), nil
}

func (m *Manager) complete(ctx context.Context, c Chat) Chat {
	if c.Messages == nil {
		c.Messages = []Message{}
	}
	m.mu.Lock()
	m.markOne(&c.Summary)
	m.mu.Unlock()
	m.present(c.ID, c.Messages)
	c.Context.Used = used(c.Messages)
	if model, err := m.models.Find(ctx, c.Model); err == nil {
		c.Context.Limit = model.Context
	}
	return c
}

// present puts a running reply as it stands now in the place of its stored part.
func (m *Manager) present(id string, messages []Message) {
	r := m.reply(id)
	if r == nil {
		return
	}
	now := r.snapshot()
	for i := range messages {
		if messages[i].ID == now.ID {
			now.Branch = messages[i].Branch
			messages[i] = now
		}
	}
}

// used takes the tokens from the last reply's figures; its thinking is not
// part of the next prompt.
func used(messages []Message) int {
	for i := len(messages) - 1; i >= 0; i-- {
		if s := messages[i].Stats; s != nil {
			return s.PromptTokens + s.CompletionTokens - s.ReasoningTokens
		}
	}
	return 0
}

func (m *Manager) reply(chatID string) *reply {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.live[chatID]
}

// Stop ends the running reply, which keeps its text. Without one it does
// nothing.
func (m *Manager) Stop(ctx context.Context, id string) error {
	r := m.reply(id)
	if r == nil {
		_, err := m.of(id).Chat(ctx, id)
		return err
	}
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.cancel()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	select {
	case <-r.done:
	case <-ctx.Done():
	}
	return nil
}

// Watch streams the running reply from where it stands, whichever branch it is
// on. Without one it gives the last reply of the branch that is shown and ends.
func (m *Manager) Watch(ctx context.Context, id string) (*events.Subscription, error) {
	if r := m.reply(id); r != nil {
		return r.watch(), nil
	}
	c, err := m.of(id).Chat(ctx, id)
	if err != nil {
		return nil, err
	}
	// It may have started, or ended, since the first look.
	if r := m.reply(id); r != nil {
		return r.watch(), nil
	}
	var still events.Broker
	still.Close()
	if n := len(c.Messages); n > 0 && c.Messages[n-1].Role == Assistant {
		last := c.Messages[n-1]
		return still.Subscribe(events.Event{Name: EventSnapshot, Data: last}, events.Event{Name: EventDone, Data: last}), nil
	}
	return still.Subscribe(events.Event{Name: EventDone, Data: nil}), nil
}

func lastID(messages []Message) string {
	if len(messages) == 0 {
		return ""
	}
	return messages[len(messages)-1].ID
}

// stamp is the present in the store's resolution.
func stamp() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }
