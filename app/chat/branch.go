package chat

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"qwill/app/errs"
	"qwill/app/models"
)

// Send stores a message at the end of the branch that is shown and starts its
// reply.
func (m *Manager) Send(ctx context.Context, id, content string) (user, answer Message, err error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	if err := checkContent(content); err != nil {
		return user, answer, err
	}
	c, model, err := m.prepare(ctx, id, "")
	if err != nil {
		return user, answer, err
	}
	if m.reply(id) != nil {
		return user, answer, errBusy()
	}
	user = Message{ID: newID(), Parent: lastID(c.Messages), Role: User, Content: content, Status: Done, Created: stamp()}
	answer, err = m.start(ctx, c, model, c.Messages, &user, true)
	return user, answer, err
}

func errBusy() *errs.Error {
	return errs.New(errs.ChatBusy, 409, "A reply is still being written in this chat.").Try("wait for its end or stop it first")
}

// Edit starts a branch beside a sent message with another content, and a reply
// to it.
func (m *Manager) Edit(ctx context.Context, id, messageID, content string) (user, answer Message, err error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	if err := checkContent(content); err != nil {
		return user, answer, err
	}
	c, model, err := m.prepare(ctx, id, "")
	if err != nil {
		return user, answer, err
	}
	before, old, err := m.upTo(ctx, c, messageID)
	if err != nil {
		return user, answer, err
	}
	if old.Role != User {
		return user, answer, errNoMessage(messageID)
	}
	user = Message{ID: newID(), Parent: old.Parent, Role: User, Content: content, Status: Done, Created: stamp()}
	answer, err = m.start(ctx, c, model, before, &user, false)
	return user, answer, err
}

// Regenerate starts a branch beside a reply, the last one that is shown if none
// is named; another model may write it. A reply without a word is replaced.
func (m *Manager) Regenerate(ctx context.Context, id, messageID, modelName string) (answer Message, err error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	c, model, err := m.prepare(ctx, id, modelName)
	if err != nil {
		return answer, err
	}
	before := c.Messages
	if messageID == "" {
		messageID = lastID(c.Messages)
	}
	if messageID == "" {
		return answer, errs.New(errs.NotFound, 404, "There is no message to reply to yet.").At(id)
	}
	before, old, err := m.upTo(ctx, c, messageID)
	if err != nil {
		return answer, err
	}
	if old.Role == User { // its reply is missing, or one more is wanted
		return m.start(ctx, c, model, append(before, old), nil, false)
	}
	tree := NewTree(c.Nodes)
	empty := old.Content == "" && old.Reasoning == "" && tree.Leaf(old.ID)
	if empty {
		c.Nodes = slices.DeleteFunc(c.Nodes, func(n Node) bool { return n.ID == old.ID })
	}
	if answer, err = m.start(ctx, c, model, before, nil, false); err != nil || !empty {
		return answer, err
	}
	c.Head = answer.ID
	if err := m.of(id).RemoveMessages(ctx, c, []string{old.ID}); err != nil {
		slog.Warn("empty reply not removed", "chat", id, "error", err)
	}
	return answer, nil
}

func checkContent(content string) error {
	switch {
	case strings.TrimSpace(content) == "":
		return errs.InvalidField("content", "The message is empty.")
	case len(content) > ContentLimit:
		return errs.New(errs.TooLarge, 413, "The message is longer than %d bytes.", ContentLimit).At("content").Try("send it in parts")
	}
	return nil
}

// prepare reads a chat and finds the model that is to write in it: the chat's
// unless another one is named.
func (m *Manager) prepare(ctx context.Context, id, modelName string) (c Chat, model models.Model, err error) {
	if c, err = m.of(id).Chat(ctx, id); err != nil {
		return c, model, err
	}
	if modelName != "" {
		model, err = m.models.Find(ctx, modelName)
		return c, model, err
	}
	if model, err = m.models.Find(ctx, c.Model); err != nil {
		return c, model, err
	}
	c.Model = model.Name
	return c, model, nil
}

func errNoMessage(id string) *errs.Error {
	return errs.New(errs.NotFound, 404, "There is no such message of yours in this chat.").At(id)
}

// upTo gives a message and those before it, as they stand now.
func (m *Manager) upTo(ctx context.Context, c Chat, messageID string) (before []Message, at Message, err error) {
	if !NewTree(c.Nodes).Has(messageID) {
		return nil, at, errs.New(errs.NotFound, 404, "There is no such message in this chat.").At(messageID)
	}
	path, err := m.of(c.ID).Path(ctx, c.ID, messageID)
	if err != nil {
		return nil, at, err
	}
	if lastID(path) != messageID {
		return nil, at, errs.New(errs.NotFound, 404, "There is no such message in this chat.").At(messageID)
	}
	m.present(c.ID, path)
	n := len(path) - 1
	return path[:n:n], path[n], nil
}

// Branch shows the branch that goes through a message, to its newest end.
func (m *Manager) Branch(ctx context.Context, id, messageID string) (Chat, error) {
	return m.turn(ctx, id, messageID, func(c *Chat, tree Tree, store Store) error {
		c.Head = tree.End(messageID)
		return store.PutChat(ctx, *c)
	})
}

// RemoveMessage erases a message and all that follows it.
func (m *Manager) RemoveMessage(ctx context.Context, id, messageID string) (Chat, error) {
	return m.turn(ctx, id, messageID, func(c *Chat, tree Tree, store Store) error {
		gone := tree.Subtree(messageID)
		c.Head = tree.Without(messageID, c.Head)
		if err := store.RemoveMessages(ctx, *c, gone); err != nil {
			return err
		}
		if r := m.reply(id); r != nil && slices.Contains(gone, r.snapshot().ID) {
			m.abandon(id)
		}
		return nil
	})
}

// turn changes which messages of a chat are shown.
func (m *Manager) turn(ctx context.Context, id, messageID string, change func(c *Chat, tree Tree, store Store) error) (Chat, error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	store := m.of(id)
	c, err := store.Chat(ctx, id)
	if err != nil {
		return Chat{}, err
	}
	tree := NewTree(c.Nodes)
	if !tree.Has(messageID) {
		return Chat{}, errs.New(errs.NotFound, 404, "There is no such message in this chat.").At(messageID)
	}
	if err := change(&c, tree, store); err != nil {
		return Chat{}, err
	}
	if c, err = store.Chat(ctx, id); err != nil {
		return Chat{}, err
	}
	m.tell(id, "changed")
	return m.complete(ctx, c), nil
}

// Fork makes a new chat of the messages up to one.
func (m *Manager) Fork(ctx context.Context, id, messageID string) (Chat, error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	c, err := m.of(id).Chat(ctx, id)
	if err != nil {
		return Chat{}, err
	}
	before, at, err := m.upTo(ctx, c, messageID)
	if err != nil {
		return Chat{}, err
	}
	now := stamp()
	c.ID, c.Created, c.Updated, c.Pinned, c.Draft, c.Nodes = newID(), now, now, false, "", nil
	parent := ""
	c.Messages = append(before, at)
	for i := range c.Messages {
		f := &c.Messages[i]
		f.ID, f.Parent = newID(), parent
		if f.Status.Running() { // this copy of it is not written on
			f.Status = Stopped
		}
		parent = f.ID
	}
	c.Head = parent
	return m.keep(ctx, c)
}

// Continue makes a chat of the quick prompt's question and its answer.
func (m *Manager) Continue(ctx context.Context, question, answer, model string) (Chat, error) {
	if strings.TrimSpace(question) == "" {
		return Chat{}, errs.InvalidField("question", "The question is empty.")
	}
	if len(question) > ContentLimit || len(answer) > ContentLimit {
		return Chat{}, errs.New(errs.TooLarge, 413, "The text is longer than %d bytes.", ContentLimit).At("question")
	}
	m.ops.Lock()
	defer m.ops.Unlock()
	// Whoever goes on with it wants a chat: it is kept as chats are, not as the
	// quick prompt's are.
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
	return m.keep(ctx, c)
}
