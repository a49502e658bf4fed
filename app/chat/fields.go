package chat

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"qwill/app/errs"
	"qwill/app/settings"
)

// Fields are a chat's own; nil ones are left as they are, or take the settings
// for a new chat.
type Fields struct {
	Title        *string            `json:"title"`
	Model        *string            `json:"model"`
	SystemPrompt *string            `json:"system_prompt"`
	Sampling     *settings.Sampling `json:"sampling"`
	Thinking     *bool              `json:"thinking"`
	Folder       *string            `json:"folder"` // "" takes it out of its folder
	Pinned       *bool              `json:"pinned"`
	Preset       *string            `json:"preset"`    // copies the preset's fields, ahead of the others
	Temporary    bool               `json:"temporary"` // of a new chat: it lives in memory only
	Door         string             `json:"-"`         // of a new chat; "" is DoorChat
}

// Create starts an empty chat.
func (m *Manager) Create(ctx context.Context, f Fields) (Chat, error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	c, err := m.blank(ctx, f)
	if err != nil {
		return Chat{}, err
	}
	return m.keep(ctx, c)
}

// keep stores a new chat with its messages.
func (m *Manager) keep(ctx context.Context, c Chat) (Chat, error) {
	store := Store(m.disk)
	if c.Temporary {
		store = m.memory
	}
	if err := store.Append(ctx, c, false, c.Messages...); err != nil {
		return Chat{}, err
	}
	if c.Temporary {
		m.mu.Lock()
		m.temporary[c.ID] = true
		m.mu.Unlock()
	}
	for i, message := range c.Messages {
		c.Nodes = append(c.Nodes, Node{message.ID, message.Parent})
		c.Messages[i].Branch = Branch{Index: 1, Count: 1, Siblings: []string{message.ID}}
	}
	m.tell(c.ID, "created")
	if c.Folder != "" {
		m.tellFolders(ctx)
	}
	return m.complete(ctx, c), nil
}

func (m *Manager) blank(ctx context.Context, f Fields) (Chat, error) {
	s := m.settings.Get()
	now := stamp()
	c := Chat{Summary: Summary{ID: newID(), Updated: now, Temporary: f.Temporary, Door: f.Door}, Created: now, AutoTitle: true,
		SystemPrompt: s.SystemPrompt, Sampling: s.Sampling, Thinking: s.Thinking}
	if c.Door == "" {
		c.Door = DoorChat
	}
	if c.Door == DoorChat && s.Retention.Chat == settings.None {
		c.Temporary = true
	}
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
	store := m.of(id)
	c, err := store.Chat(ctx, id)
	if err != nil {
		return Chat{}, err
	}
	if err := m.apply(ctx, &c, f); err != nil {
		return Chat{}, err
	}
	if err := store.PutChat(ctx, c); err != nil {
		return Chat{}, err
	}
	m.tell(id, "changed")
	if f.Folder != nil {
		m.tellFolders(ctx)
	}
	return m.complete(ctx, c), nil
}

func (m *Manager) apply(ctx context.Context, c *Chat, f Fields) error {
	if f.Preset != nil {
		if err := m.applyPreset(ctx, c, *f.Preset); err != nil {
			return err
		}
	}
	if f.Title != nil {
		title, err := name("title", *f.Title, TitleLimit)
		if err != nil {
			return err
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
		if err := checkSystemPrompt(*f.SystemPrompt); err != nil {
			return err
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
	if f.Pinned != nil {
		c.Pinned = *f.Pinned
	}
	if f.Folder != nil {
		if err := m.checkFolder(ctx, *f.Folder, c.Temporary); err != nil {
			return err
		}
		c.Folder = *f.Folder
	}
	return nil
}

// name makes one line of what a user called something.
func name(field, text string, limit int) (string, error) {
	text = strings.Join(strings.Fields(text), " ")
	switch {
	case text == "":
		return "", errs.InvalidField(field, "The %s is empty.", field)
	case utf8.RuneCountInString(text) > limit:
		return "", errs.InvalidField(field, "The %s is longer than %d characters.", field, limit)
	}
	return text, nil
}

func checkSystemPrompt(text string) error {
	if len(text) > settings.SystemPromptLimit {
		return errs.InvalidField("system_prompt", "The system prompt is longer than %d bytes.", settings.SystemPromptLimit)
	}
	return nil
}

func (m *Manager) checkFolder(ctx context.Context, id string, temporary bool) error {
	if id == "" {
		return nil
	}
	if temporary {
		return errs.InvalidField("folder", "A temporary chat cannot be put into a folder.")
	}
	_, err := m.folder(ctx, id)
	return err
}

// IDLimit is the largest number of chats that one call changes.
const IDLimit = 10_000

// byStore parts chats by where they are kept.
func (m *Manager) byStore(ids []string) (parts map[Store][]string, err error) {
	if len(ids) == 0 || len(ids) > IDLimit {
		return nil, errs.InvalidField("ids", "Name 1 to %d chats.", IDLimit)
	}
	parts = map[Store][]string{}
	for _, id := range ids {
		s := m.of(id)
		if !slices.Contains(parts[s], id) {
			parts[s] = append(parts[s], id)
		}
	}
	return parts, nil
}

// File changes where chats are listed; nil leaves it as it is.
func (m *Manager) File(ctx context.Context, ids []string, folder *string, pinned *bool) ([]Summary, error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	parts, err := m.byStore(ids)
	if err != nil {
		return nil, err
	}
	if folder != nil {
		if err := m.checkFolder(ctx, *folder, len(parts[m.memory]) > 0); err != nil {
			return nil, err
		}
	}
	for s, some := range parts {
		if err := s.FileChats(ctx, some, folder, pinned); err != nil {
			return nil, err
		}
	}
	return m.concerned(ctx, ids, "changed")
}

// concerned tells of chats that were changed and lists them.
func (m *Manager) concerned(ctx context.Context, ids []string, kind string) ([]Summary, error) {
	in := map[string]bool{}
	for _, id := range ids {
		if !in[id] {
			in[id] = true
			m.tell(id, kind)
		}
	}
	m.tellFolders(ctx)
	all, err := m.List(ctx)
	return slices.DeleteFunc(all, func(s Summary) bool { return !in[s.ID] }), err
}
