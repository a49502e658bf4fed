package chat

import (
	"context"
	"log/slog"
	"slices"

	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/search"
	"qwill/app/settings"
)

// NameLimit is the longest name of a folder or preset in characters.
const NameLimit = 80

// Folders lists the folders by name.
func (m *Manager) Folders(ctx context.Context) ([]Folder, error) { return m.disk.Folders(ctx) }

func (m *Manager) folder(ctx context.Context, id string) (Folder, error) {
	all, err := m.disk.Folders(ctx)
	if err != nil {
		return Folder{}, err
	}
	if i := slices.IndexFunc(all, func(f Folder) bool { return f.ID == id }); i >= 0 {
		return all[i], nil
	}
	return Folder{}, errs.New(errs.NotFound, 404, "There is no such folder.").At(id)
}

// CreateFolder makes an empty folder.
func (m *Manager) CreateFolder(ctx context.Context, title string) (Folder, error) {
	return m.putFolder(ctx, Folder{ID: newID(), Created: stamp()}, title)
}

// RenameFolder gives a folder another name.
func (m *Manager) RenameFolder(ctx context.Context, id, title string) (Folder, error) {
	f, err := m.folder(ctx, id)
	if err != nil {
		return Folder{}, err
	}
	return m.putFolder(ctx, f, title)
}

func (m *Manager) putFolder(ctx context.Context, f Folder, title string) (Folder, error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	var err error
	if f.Name, err = name("name", title, NameLimit); err != nil {
		return Folder{}, err
	}
	if err := m.disk.PutFolder(ctx, f); err != nil {
		return Folder{}, err
	}
	m.tellFolders(ctx)
	return f, nil
}

// DeleteFolder removes a folder; its chats stay, outside folders.
func (m *Manager) DeleteFolder(ctx context.Context, id string) error {
	m.ops.Lock()
	defer m.ops.Unlock()
	all, err := m.disk.Chats(ctx)
	if err != nil {
		return err
	}
	if err := m.disk.DeleteFolder(ctx, id); err != nil {
		return err
	}
	for _, s := range all {
		if s.Folder == id {
			m.tell(s.ID, "changed")
		}
	}
	m.tellFolders(ctx)
	return nil
}

func (m *Manager) tellFolders(ctx context.Context) {
	all, err := m.disk.Folders(context.WithoutCancel(ctx))
	if err != nil {
		slog.Warn("folders not told", "error", err)
		return
	}
	m.events.Publish(events.Event{Name: "folders", Data: all})
}

// Presets lists the presets by name.
func (m *Manager) Presets(ctx context.Context) ([]Preset, error) { return m.disk.Presets(ctx) }

func (m *Manager) preset(ctx context.Context, id string) (Preset, error) {
	all, err := m.disk.Presets(ctx)
	if err != nil {
		return Preset{}, err
	}
	if i := slices.IndexFunc(all, func(p Preset) bool { return p.ID == id }); i >= 0 {
		return all[i], nil
	}
	return Preset{}, errs.New(errs.NotFound, 404, "There is no such preset.").At(id)
}

func (m *Manager) applyPreset(ctx context.Context, c *Chat, id string) error {
	p, err := m.preset(ctx, id)
	if err != nil {
		return err
	}
	if p.Model != "" {
		model, err := m.models.Find(ctx, p.Model)
		if err != nil {
			return err
		}
		c.Model = model.Name
	}
	c.SystemPrompt, c.Sampling, c.Thinking = p.SystemPrompt, p.Sampling, p.Thinking
	return nil
}

// PresetFields are a preset's own; nil ones are left as they are.
type PresetFields struct {
	Name         *string            `json:"name"`
	SystemPrompt *string            `json:"system_prompt"`
	Sampling     *settings.Sampling `json:"sampling"`
	Thinking     *bool              `json:"thinking"`
	Model        *string            `json:"model"`
}

// CreatePreset makes a preset; it needs a name.
func (m *Manager) CreatePreset(ctx context.Context, f PresetFields) (Preset, error) {
	if f.Name == nil {
		f.Name = new(string)
	}
	return m.putPreset(ctx, Preset{ID: newID(), Created: stamp()}, f)
}

// ChangePreset sets the fields that are not nil. Chats that took the preset
// keep what they took.
func (m *Manager) ChangePreset(ctx context.Context, id string, f PresetFields) (Preset, error) {
	p, err := m.preset(ctx, id)
	if err != nil {
		return Preset{}, err
	}
	return m.putPreset(ctx, p, f)
}

func (m *Manager) putPreset(ctx context.Context, p Preset, f PresetFields) (Preset, error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	if f.Name != nil {
		var err error
		if p.Name, err = name("name", *f.Name, NameLimit); err != nil {
			return Preset{}, err
		}
	}
	if f.SystemPrompt != nil {
		if err := checkSystemPrompt(*f.SystemPrompt); err != nil {
			return Preset{}, err
		}
		p.SystemPrompt = *f.SystemPrompt
	}
	if f.Sampling != nil {
		if err := f.Sampling.Validate(); err != nil {
			return Preset{}, err
		}
		p.Sampling = *f.Sampling
	}
	if f.Thinking != nil {
		p.Thinking = *f.Thinking
	}
	if f.Model != nil {
		if *f.Model != "" {
			if _, err := m.models.Find(ctx, *f.Model); err != nil {
				return Preset{}, err
			}
		}
		p.Model = *f.Model
	}
	if err := m.disk.PutPreset(ctx, p); err != nil {
		return Preset{}, err
	}
	m.tellPresets(ctx)
	return p, nil
}

// DeletePreset removes a preset.
func (m *Manager) DeletePreset(ctx context.Context, id string) error {
	m.ops.Lock()
	defer m.ops.Unlock()
	if err := m.disk.DeletePreset(ctx, id); err != nil {
		return err
	}
	m.tellPresets(ctx)
	return nil
}

func (m *Manager) tellPresets(ctx context.Context) {
	all, err := m.disk.Presets(context.WithoutCancel(ctx))
	if err != nil {
		slog.Warn("presets not told", "error", err)
		return
	}
	m.events.Publish(events.Event{Name: "presets", Data: all})
}

// SetDraft keeps what was typed in a chat and not sent.
func (m *Manager) SetDraft(ctx context.Context, id, text string) error {
	if err := checkDraft(text); err != nil {
		return err
	}
	return m.of(id).SetDraft(ctx, id, text)
}

// NewDraft gives what was typed for a chat that does not exist yet.
func (m *Manager) NewDraft(ctx context.Context) (string, error) { return m.disk.NewDraft(ctx) }

// SetNewDraft keeps what was typed for a chat that does not exist yet.
func (m *Manager) SetNewDraft(ctx context.Context, text string) error {
	if err := checkDraft(text); err != nil {
		return err
	}
	return m.disk.SetNewDraft(ctx, text)
}

func checkDraft(text string) error {
	if len(text) > ContentLimit {
		return errs.New(errs.TooLarge, 413, "The draft is longer than %d bytes.", ContentLimit).At("text")
	}
	return nil
}

// SearchLimit is the largest number of hits.
const SearchLimit = 200

// Search finds a user's words in the titles and messages of all chats, titles
// first, best first.
func (m *Manager) Search(ctx context.Context, text string, limit int) ([]Hit, error) {
	q := search.Parse(text)
	limit = max(1, min(limit, SearchLimit))
	hits := []Hit{}
	for _, s := range m.stores() {
		some, err := s.Search(ctx, q, limit)
		if err != nil {
			return nil, err
		}
		hits = append(hits, some...)
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return min(len(a.Message), 1) - min(len(b.Message), 1) })
	hits = hits[:min(len(hits), limit)]
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range hits {
		m.markOne(&hits[i].Chat)
	}
	return hits, nil
}
