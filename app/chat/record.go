package chat

import (
	"context"
	"slices"
	"strings"

	"qwill/app/errs"
)

// Record keeps what another door did as a chat: its messages in order, one
// following the other. The caller has asked whether that door keeps any.
func (m *Manager) Record(ctx context.Context, door, title, model, system string, messages ...Message) error {
	for i := range messages {
		if len(messages[i].Content) > ContentLimit {
			return errs.New(errs.TooLarge, 413, "The text is longer than %d bytes.", ContentLimit).At("content")
		}
		messages[i].ID, messages[i].Status, messages[i].Created = newID(), Done, stamp()
		if i > 0 {
			messages[i].Parent = messages[i-1].ID
		}
		if messages[i].Role == Assistant {
			messages[i].Model = model
		}
	}
	m.ops.Lock()
	defer m.ops.Unlock()
	c, err := m.blank(ctx, Fields{Door: door})
	if err != nil {
		return err
	}
	c.Model, c.SystemPrompt, c.Messages = model, system, messages
	if c.Title = titleOf(messages); title != "" {
		c.Title = strings.TrimSuffix(shorten(title+": "+c.Title), ": ")
	}
	_, err = m.keep(ctx, c)
	return err
}

// Whole gives a chat with all messages of every branch, for an export.
func (m *Manager) Whole(ctx context.Context, id string) (Chat, []Message, error) {
	store := m.of(id)
	c, err := store.Chat(ctx, id)
	if err != nil {
		return c, nil, err
	}
	all, err := store.Messages(ctx, id)
	if err != nil {
		return c, nil, err
	}
	m.present(id, all)
	if n := len(c.Messages); n > 0 && c.Head == "" {
		c.Head = c.Messages[n-1].ID
	}
	return c, all, nil
}

// Adopted is a chat that was made elsewhere, with the messages of all branches.
type Adopted struct {
	Chat     Chat
	Messages []Message
}

// Adopt stores chats that were made elsewhere, all or none, and tells of them.
func (m *Manager) Adopt(ctx context.Context, all []Adopted) error {
	m.ops.Lock()
	defer m.ops.Unlock()
	if err := m.disk.AdoptChats(ctx, all); err != nil {
		return err
	}
	for _, a := range all {
		m.tell(a.Chat.ID, "created")
	}
	return nil
}

// AdoptFolder stores a folder that was made elsewhere, and gives the id of the
// one of that name.
func (m *Manager) AdoptFolder(ctx context.Context, f Folder) (id string, err error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	all, err := m.disk.Folders(ctx)
	if err != nil {
		return "", err
	}
	for _, have := range all {
		if have.ID == f.ID || strings.EqualFold(have.Name, f.Name) {
			return have.ID, nil
		}
	}
	f.Created = stamp()
	if err := m.disk.PutFolder(ctx, f); err != nil {
		return "", err
	}
	m.tellFolders(ctx)
	return f.ID, nil
}

// AdoptPreset stores a preset that was made elsewhere, unless its id or name is
// taken.
func (m *Manager) AdoptPreset(ctx context.Context, p Preset) (added bool, err error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	all, err := m.disk.Presets(ctx)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(all, func(have Preset) bool { return have.ID == p.ID || strings.EqualFold(have.Name, p.Name) }) {
		return false, nil
	}
	p.Created = stamp()
	if err := m.disk.PutPreset(ctx, p); err != nil {
		return false, err
	}
	m.tellPresets(ctx)
	return true, nil
}

// EraseAll ends all replies and erases every chat, folder, preset and draft,
// with whatever else was written, at once and for good.
func (m *Manager) EraseAll(ctx context.Context) error {
	m.ops.Lock()
	defer m.ops.Unlock()
	all, err := m.List(ctx)
	if err != nil {
		return err
	}
	m.mu.Lock()
	running := slices.Clone(m.queue)
	m.mu.Unlock()
	for _, r := range running {
		m.abandon(r.chatID)
	}
	for _, r := range running { // their last saves come before the end
		select {
		case <-r.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, s := range []interface {
		EraseAll(ctx context.Context) error
	}{m.memory, m.disk} {
		if err := s.EraseAll(ctx); err != nil {
			return err
		}
	}
	m.mu.Lock()
	m.temporary = map[string]bool{}
	m.mu.Unlock()
	for _, s := range all {
		m.tell(s.ID, "deleted")
	}
	m.tellFolders(ctx)
	m.tellPresets(ctx)
	return nil
}
