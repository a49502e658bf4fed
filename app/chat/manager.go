package chat

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"qwill/app/errs"
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

// Manager owns all conversations.
type Manager struct {
	store    Store
	models   Models
	settings Settings
	engine   Engine
	events   *events.Broker

	ops     sync.Mutex // one change of the conversations at a time
	mu      sync.Mutex
	live    map[string]*reply // by chat
	closed  bool
	running sync.WaitGroup
}

// New makes a manager. Recover is called next by the one process that shows
// the chats.
func New(store Store, m Models, s Settings, e Engine, b *events.Broker) *Manager {
	return &Manager{store: store, models: m, settings: s, engine: e, events: b, live: map[string]*reply{}}
}

// Recover marks the replies that an ended process left half written.
func (m *Manager) Recover(ctx context.Context) (int, error) {
	return m.store.InterruptReplies(ctx, *errInterrupted())
}

// Close interrupts running replies, which keep their text, and waits for them.
func (m *Manager) Close(ctx context.Context) {
	m.mu.Lock()
	m.closed = true
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
}

// List gives all chats, last changed first.
func (m *Manager) List(ctx context.Context) ([]Summary, error) {
	all, err := m.store.Chats(ctx)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range all {
		all[i].Replying = m.live[all[i].ID] != nil
	}
	return all, nil
}

// Get gives a chat; a running reply appears as it stands now.
func (m *Manager) Get(ctx context.Context, id string) (Chat, error) {
	c, err := m.store.Chat(ctx, id)
	if err != nil {
		return Chat{}, err
	}
	return m.complete(ctx, c), nil
}

func (m *Manager) complete(ctx context.Context, c Chat) Chat {
	if c.Messages == nil {
		c.Messages = []Message{}
	}
	if r := m.reply(c.ID); r != nil {
		c.Replying = true
		now := r.snapshot()
		for i := range c.Messages {
			if c.Messages[i].ID == now.ID {
				c.Messages[i] = now
			}
		}
	}
	c.Context.Used = used(c.Messages)
	if model, err := m.models.Find(ctx, c.Model); err == nil {
		c.Context.Limit = model.Context
	}
	return c
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

// Fields are a chat's own; nil ones are left as they are, or take the settings
// for a new chat.
type Fields struct {
	Title        *string            `json:"title"`
	Model        *string            `json:"model"`
	SystemPrompt *string            `json:"system_prompt"`
	Sampling     *settings.Sampling `json:"sampling"`
	Thinking     *bool              `json:"thinking"`
}

// Create starts an empty chat.
func (m *Manager) Create(ctx context.Context, f Fields) (Chat, error) {
	c, err := m.blank(ctx, f)
	if err != nil {
		return Chat{}, err
	}
	if err := m.store.PutChat(ctx, c); err != nil {
		return Chat{}, err
	}
	m.tell(c.ID, "created")
	return m.complete(ctx, c), nil
}

func (m *Manager) blank(ctx context.Context, f Fields) (Chat, error) {
	s := m.settings.Get()
	now := stamp()
	c := Chat{Summary: Summary{ID: newID(), Updated: now}, Created: now, AutoTitle: true,
		SystemPrompt: s.SystemPrompt, Sampling: s.Sampling, Thinking: s.Thinking}
	if f.Title != nil && strings.TrimSpace(*f.Title) == "" {
		f.Title = nil
	}
	if f.Model == nil || *f.Model == "" {
		f.Model = nil
		if model, err := m.models.Find(ctx, ""); err == nil {
			c.Model = model.Name
		}
	}
	return c, m.apply(ctx, &c, f)
}

// Change sets the fields that are not nil.
func (m *Manager) Change(ctx context.Context, id string, f Fields) (Chat, error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	c, err := m.store.Chat(ctx, id)
	if err != nil {
		return Chat{}, err
	}
	if err := m.apply(ctx, &c, f); err != nil {
		return Chat{}, err
	}
	if err := m.store.PutChat(ctx, c); err != nil {
		return Chat{}, err
	}
	m.tell(id, "changed")
	return m.complete(ctx, c), nil
}

func (m *Manager) apply(ctx context.Context, c *Chat, f Fields) error {
	if f.Title != nil {
		title := strings.Join(strings.Fields(*f.Title), " ")
		switch {
		case title == "":
			return errs.InvalidField("title", "A chat needs a title.")
		case utf8.RuneCountInString(title) > TitleLimit:
			return errs.InvalidField("title", "The title is longer than %d characters.", TitleLimit)
		}
		c.Title, c.AutoTitle = title, false
	}
	if f.Model != nil {
		model, err := m.models.Find(ctx, *f.Model)
		if err != nil {
			return err
		}
		c.Model = model.Name
	}
	if f.SystemPrompt != nil {
		if len(*f.SystemPrompt) > settings.SystemPromptLimit {
			return errs.InvalidField("system_prompt", "The system prompt is longer than %d bytes.", settings.SystemPromptLimit)
		}
		c.SystemPrompt = *f.SystemPrompt
	}
	if f.Sampling != nil {
		if err := f.Sampling.Validate(); err != nil {
			return err
		}
		c.Sampling = *f.Sampling
	}
	if f.Thinking != nil {
		c.Thinking = *f.Thinking
	}
	return nil
}

// Delete removes a chat; a running reply ends with it.
func (m *Manager) Delete(ctx context.Context, id string) error {
	m.ops.Lock()
	defer m.ops.Unlock()
	if err := m.store.DeleteChat(ctx, id); err != nil {
		return err
	}
	m.abandon(id)
	m.tell(id, "deleted")
	return nil
}

// abandon stops a reply whose message is gone; its last save finds nothing.
func (m *Manager) abandon(chatID string) {
	if r := m.reply(chatID); r != nil {
		r.mu.Lock()
		r.stopped = true
		r.mu.Unlock()
		r.cancel()
		m.mu.Lock()
		delete(m.live, chatID)
		m.mu.Unlock()
	}
}

// Send stores a message and starts its reply.
func (m *Manager) Send(ctx context.Context, id, content string) (user, answer Message, err error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	c, model, err := m.ready(ctx, id, content)
	if err != nil {
		return user, answer, err
	}
	if m.reply(id) != nil {
		return user, answer, errs.New(errs.ChatBusy, 409, "A reply is still being written in this chat.").Try("wait for its end or stop it first")
	}
	user = Message{ID: newID(), Parent: lastID(c.Messages), Role: User, Content: content, Status: Done, Created: stamp()}
	answer, err = m.start(ctx, c, model, "", c.Messages, &user)
	return user, answer, err
}

// Edit changes a sent message, drops all that came after it and starts a new
// reply.
func (m *Manager) Edit(ctx context.Context, id, messageID, content string) (user, answer Message, err error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	c, model, err := m.ready(ctx, id, content)
	if err != nil {
		return user, answer, err
	}
	for i, old := range c.Messages {
		if old.ID == messageID && old.Role == User {
			user = Message{ID: old.ID, Parent: old.Parent, Role: User, Content: content, Status: Done, Created: stamp()}
			answer, err = m.start(ctx, c, model, old.ID, c.Messages[:i], &user)
			return user, answer, err
		}
	}
	return user, answer, errs.New(errs.NotFound, 404, "There is no such message of yours in this chat.").At(messageID)
}

// Regenerate replaces the last reply.
func (m *Manager) Regenerate(ctx context.Context, id string) (answer Message, err error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	c, model, err := m.prepare(ctx, id)
	if err != nil {
		return answer, err
	}
	n := len(c.Messages)
	switch {
	case n > 0 && c.Messages[n-1].Role == Assistant:
		return m.start(ctx, c, model, c.Messages[n-1].ID, c.Messages[:n-1], nil)
	case n > 0:
		return m.start(ctx, c, model, "", c.Messages, nil)
	}
	return answer, errs.New(errs.NotFound, 404, "There is no message to reply to yet.").At(id)
}

func (m *Manager) ready(ctx context.Context, id, content string) (Chat, models.Model, error) {
	switch {
	case strings.TrimSpace(content) == "":
		return Chat{}, models.Model{}, errs.InvalidField("content", "The message is empty.")
	case len(content) > ContentLimit:
		return Chat{}, models.Model{}, errs.New(errs.TooLarge, 413, "The message is longer than %d bytes.", ContentLimit).At("content").Try("send it in parts")
	}
	return m.prepare(ctx, id)
}

func (m *Manager) prepare(ctx context.Context, id string) (c Chat, model models.Model, err error) {
	if c, err = m.store.Chat(ctx, id); err != nil {
		return c, model, err
	}
	if model, err = m.models.Find(ctx, c.Model); err != nil {
		return c, model, err
	}
	c.Model = model.Name
	return c, model, nil
}

// start stores what is new after dropping the message from and all behind it,
// and begins the reply to before and user.
func (m *Manager) start(ctx context.Context, c Chat, model models.Model, from string, before []Message, user *Message) (Message, error) {
	history := before
	var add []Message
	if user != nil {
		history = append(history[:len(history):len(history)], *user)
		add = append(add, *user)
	}
	if c.AutoTitle {
		c.Title = titleOf(history)
	}
	c.Updated = stamp()
	answer := Message{ID: newID(), Parent: lastID(history), Role: Assistant, Status: Queued, Created: stamp(), Model: model.Name}
	if err := m.store.Append(ctx, c, from, append(add, answer)...); err != nil {
		return Message{}, err
	}
	if from != "" {
		m.abandon(c.ID)
	}
	run, cancel := context.WithCancel(context.Background())
	r := &reply{chatID: c.ID, cancel: cancel, done: make(chan struct{}), message: answer, params: m.params(c, model, history)}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		cancel()
		return Message{}, errs.New(errs.Cancelled, 503, "Qwill is closing.")
	}
	m.live[c.ID] = r
	m.running.Add(1)
	m.mu.Unlock()
	m.tell(c.ID, "changed")
	go func() { defer cancel(); m.run(run, r) }()
	return answer, nil
}

func (m *Manager) params(c Chat, model models.Model, history []Message) engine.GenerateParams {
	var turns []engine.Message
	if strings.TrimSpace(c.SystemPrompt) != "" {
		turns = append(turns, engine.Message{Role: "system", Content: c.SystemPrompt})
	}
	for _, h := range history {
		if h.Role == Assistant && h.Content == "" {
			continue // it failed before its first word
		}
		turns = append(turns, engine.Message{Role: h.Role, Content: h.Content, Reasoning: h.Reasoning})
	}
	p := engine.GenerateParams{Path: model.Path, Mode: m.settings.Get().Mode, Messages: turns,
		Thinking: c.Thinking && model.CanThink, Sampling: c.Sampling.Sampling}
	if c.Sampling.MaxTokens != nil {
		p.MaxTokens = *c.Sampling.MaxTokens
	}
	return p
}

// Stop ends the running reply, which keeps its text. Without one it does
// nothing.
func (m *Manager) Stop(ctx context.Context, id string) error {
	r := m.reply(id)
	if r == nil {
		_, err := m.store.Chat(ctx, id)
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

// Watch streams the running reply from where it stands. Without one it gives
// the last reply and ends.
func (m *Manager) Watch(ctx context.Context, id string) (*events.Subscription, error) {
	if r := m.reply(id); r != nil {
		return r.watch(), nil
	}
	c, err := m.store.Chat(ctx, id)
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

// Continue makes a chat of a question and its answer.
func (m *Manager) Continue(ctx context.Context, question, answer, model string) (Chat, error) {
	if strings.TrimSpace(question) == "" {
		return Chat{}, errs.InvalidField("question", "The question is empty.")
	}
	if len(question) > ContentLimit || len(answer) > ContentLimit {
		return Chat{}, errs.New(errs.TooLarge, 413, "The text is longer than %d bytes.", ContentLimit).At("question")
	}
	c, err := m.blank(ctx, Fields{Model: &model})
	if err != nil {
		return Chat{}, err
	}
	q := Message{ID: newID(), Role: User, Content: question, Status: Done, Created: stamp()}
	c.Messages = []Message{q}
	if answer != "" {
		c.Messages = append(c.Messages, Message{ID: newID(), Parent: q.ID, Role: Assistant, Content: answer, Status: Done, Created: stamp(), Model: c.Model})
	}
	c.Title = titleOf(c.Messages)
	if err := m.store.Append(ctx, c, "", c.Messages...); err != nil {
		return Chat{}, err
	}
	m.tell(c.ID, "created")
	return m.complete(ctx, c), nil
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
