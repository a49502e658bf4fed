package chat

import (
	"context"
	"slices"
	"strings"

	"qwill/app/errs"
	"qwill/app/models"
	"qwill/engine"
)

// start stores what is new behind history, shows it, ends the reply that runs
// in the chat, and begins the one to history and user.
func (m *Manager) start(ctx context.Context, c Chat, model models.Model, history []Message, user *Message, sent bool) (Message, error) {
	if err := m.open(); err != nil {
		return Message{}, err
	}
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
	add = append(add, answer)
	c.Head = answer.ID
	if err := m.of(c.ID).Append(ctx, c, sent, add...); err != nil {
		return Message{}, err
	}
	for _, a := range add {
		c.Nodes = append(c.Nodes, Node{a.ID, a.Parent})
	}
	tree := NewTree(c.Nodes)
	tree.Place(&answer)
	if user != nil {
		tree.Place(user)
	}
	return answer, m.begin(c, answer, m.params(c, model, history))
}

func (m *Manager) open() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return errs.New(errs.Cancelled, 503, "Qwill is closing.")
	}
	return nil
}

// begin writes a stored reply, in its turn.
func (m *Manager) begin(c Chat, answer Message, p engine.GenerateParams) error {
	m.abandon(c.ID)
	run, cancel := context.WithCancel(context.Background())
	r := &reply{chatID: c.ID, store: m.of(c.ID), cancel: cancel, turn: make(chan struct{}), done: make(chan struct{}), message: answer, params: p,
		thoughtMS: answer.ReasoningMS}
	r.began = func() { m.tell(c.ID, "changed") }
	m.mu.Lock()
	if m.closed { // since it was stored: Recover marks it
		m.mu.Unlock()
		cancel()
		return errs.New(errs.Cancelled, 503, "Qwill is closing.")
	}
	m.live[c.ID] = r
	m.queue = append(m.queue, r)
	m.queue[0].next()
	m.running.Add(1)
	m.mu.Unlock()
	m.tell(c.ID, "changed")
	go func() { defer cancel(); m.run(run, r) }()
	return nil
}

// leave takes a reply out of the queue and tells those behind it; it needs mu.
func (m *Manager) leave(r *reply) {
	delete(m.live, r.chatID)
	i := slices.Index(m.queue, r)
	m.queue = slices.Delete(m.queue, i, i+1)
	if len(m.queue) > 0 {
		m.queue[0].next()
	}
	for _, behind := range m.queue[i:] {
		m.tell(behind.chatID, "changed")
	}
}

func (m *Manager) params(c Chat, model models.Model, history []Message) engine.GenerateParams {
	p := engine.GenerateParams{Path: model.Path, Mode: m.settings.Get().Mode, Messages: turns(c, history),
		Thinking: c.Thinking && model.CanThink, Sampling: c.Sampling.Sampling}
	if c.Sampling.MaxTokens != nil {
		p.MaxTokens = *c.Sampling.MaxTokens
	}
	return p
}

func turns(c Chat, history []Message) []engine.Message {
	var all []engine.Message
	if strings.TrimSpace(c.SystemPrompt) != "" {
		all = append(all, engine.Message{Role: "system", Content: c.SystemPrompt})
	}
	for _, h := range history {
		if h.Role == Assistant && h.Content == "" {
			continue // it failed before its first word
		}
		all = append(all, engine.Message{Role: h.Role, Content: h.Content, Reasoning: h.Reasoning})
	}
	return all
}

// Resume goes on writing the last reply that is shown where it ended.
func (m *Manager) Resume(ctx context.Context, id string) (Message, error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	store := m.of(id)
	c, err := store.Chat(ctx, id)
	if err != nil {
		return Message{}, err
	}
	if m.reply(id) != nil {
		return Message{}, errBusy()
	}
	if err := m.open(); err != nil {
		return Message{}, err
	}
	n := len(c.Messages) - 1
	if n < 0 || c.Messages[n].Role != Assistant || c.Messages[n].Content == "" && c.Messages[n].Reasoning == "" {
		return Message{}, errs.New(errs.NotFound, 404, "There is no reply that could go on.").At(id).Try("regenerate it")
	}
	answer := c.Messages[n]
	model, err := m.models.Find(ctx, answer.Model)
	if answer.Model == "" || err != nil { // it was removed since
		if model, err = m.models.Find(ctx, c.Model); err != nil {
			return Message{}, err
		}
	}
	p := m.params(c, model, c.Messages[:n])
	p.Messages = append(p.Messages, engine.Message{Role: Assistant, Content: answer.Content, Reasoning: answer.Reasoning})
	p.Continue = true
	p.Thinking = answer.Reasoning != "" && model.CanThink
	answer.Status, answer.Error, answer.Model = Queued, nil, model.Name
	c.Updated, c.Head = stamp(), answer.ID
	if err := store.Reopen(ctx, c, answer); err != nil {
		return Message{}, err
	}
	return answer, m.begin(c, answer, p)
}
