package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"qwill/app/chat"
	"qwill/app/errs"
)

// Chats are Qwill's conversations.
type Chats interface {
	List(ctx context.Context) ([]chat.Summary, error)
	Whole(ctx context.Context, id string) (chat.Chat, []chat.Message, error)
	Folders(ctx context.Context) ([]chat.Folder, error)
	Presets(ctx context.Context) ([]chat.Preset, error)
	Adopt(ctx context.Context, all []chat.Adopted) error
	AdoptFolder(ctx context.Context, f chat.Folder) (id string, err error)
	AdoptPreset(ctx context.Context, p chat.Preset) (added bool, err error)
	// Restore brings back deleted chats, and gives those of ids that there are.
	Restore(ctx context.Context, ids []string) ([]chat.Summary, error)
}

// Ids tells which are taken.
type Ids interface {
	HasChat(ctx context.Context, id string) (bool, error)
	HasMessage(ctx context.Context, id string) (bool, error)
}

// Service exports and imports.
type Service struct {
	Chats Chats
	Ids   Ids
	Cache string // folder for what is unpacked or uploaded, for as long as that takes
	// Keeps says whether the history of a door is kept; a chat that is imported
	// from one that is not becomes a chat like others, since it was asked for.
	Keeps func(door string) bool
}

// Formats of an export.
const (
	Markdown = "markdown"
	JSON     = "json"
)

// File is an export that is about to be written.
type File struct {
	Name  string // to offer; ASCII where the title is not a plain one
	Media string
	Write func(ctx context.Context, w io.Writer) error
}

// Export prepares the chats named, or all that are kept, as one file.
func (s *Service) Export(ctx context.Context, format string, ids []string) (File, error) {
	if format != Markdown && format != JSON {
		return File{}, errs.InvalidField("format", "%q is not one of markdown, json.", format)
	}
	if len(ids) == 0 {
		all, err := s.Chats.List(ctx)
		if err != nil {
			return File{}, err
		}
		for _, c := range all {
			if !c.Temporary { // those asked not to be kept
				ids = append(ids, c.ID)
			}
		}
	}
	if len(ids) == 1 && format == Markdown {
		c, err := s.whole(ctx, ids[0])
		if err != nil {
			return File{}, err
		}
		return File{Name: FileName(c.Title) + ".md", Media: "text/markdown; charset=utf-8",
			Write: func(_ context.Context, w io.Writer) error { return WriteMarkdown(w, c) }}, nil
	}
	if err := s.present(ctx, ids); err != nil { // before the first byte
		return File{}, err
	}
	name := "qwill-" + time.Now().Format("2006-01-02")
	if format == Markdown {
		return File{Name: name + ".zip", Media: "application/zip",
			Write: func(ctx context.Context, w io.Writer) error { return WriteZip(w, s.each(ctx, ids)) }}, nil
	}
	head := Archive{Exported: time.Now().UTC().Truncate(time.Second)}
	folders, err := s.Chats.Folders(ctx)
	if err != nil {
		return File{}, err
	}
	for _, f := range folders {
		head.Folders = append(head.Folders, Folder{ID: f.ID, Name: f.Name})
	}
	presets, err := s.Chats.Presets(ctx)
	if err != nil {
		return File{}, err
	}
	for _, p := range presets {
		head.Presets = append(head.Presets, Preset{ID: p.ID, Name: p.Name, SystemPrompt: p.SystemPrompt, Sampling: p.Sampling, Thinking: p.Thinking, Model: p.Model})
	}
	return File{Name: name + ".json", Media: "application/json; charset=utf-8",
		Write: func(ctx context.Context, w io.Writer) error { return WriteJSON(w, head, s.each(ctx, ids)) }}, nil
}

// present refuses ids that no chat has.
func (s *Service) present(ctx context.Context, ids []string) error {
	all, err := s.Chats.List(ctx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, c := range all {
		known[c.ID] = true
	}
	for _, id := range ids {
		if !known[id] {
			return errs.New(errs.NotFound, 404, "There is no such chat.").At(id)
		}
	}
	return nil
}

// each gives the chats one by one; those that were deleted meanwhile are left
// out.
func (s *Service) each(ctx context.Context, ids []string) func() (Chat, bool, error) {
	return func() (Chat, bool, error) {
		for len(ids) > 0 {
			c, err := s.whole(ctx, ids[0])
			ids = ids[1:]
			if e, ok := errors.AsType[*errs.Error](err); ok && e.Code == errs.NotFound {
				continue
			}
			return c, err == nil, err
		}
		return Chat{}, false, nil
	}
}

func (s *Service) whole(ctx context.Context, id string) (Chat, error) {
	c, messages, err := s.Chats.Whole(ctx, id)
	if err != nil {
		return Chat{}, err
	}
	out := Chat{ID: c.ID, Title: c.Title, Model: c.Model, SystemPrompt: c.SystemPrompt, Sampling: c.Sampling, Thinking: c.Thinking,
		Pinned: c.Pinned, Folder: c.Folder, Door: c.Door, Created: c.Created, Updated: c.Updated, Current: c.Head, Messages: []Message{}}
	for _, m := range messages {
		out.Messages = append(out.Messages, Message{ID: m.ID, Parent: m.Parent, Role: m.Role, Content: m.Content, Reasoning: m.Reasoning,
			Status: m.Status, Error: m.Error, Created: m.Created, Model: m.Model, ReasoningMS: m.ReasoningMS, Stats: m.Stats})
	}
	return out, nil
}

// ExportTo writes an export to a file of this machine: whole or not at all, and
// readable by its owner only.
func (s *Service) ExportTo(ctx context.Context, path, format string, ids []string) error {
	if !filepath.IsAbs(path) {
		return errs.InvalidField("path", "The path of the file must be absolute.")
	}
	f, err := s.Export(ctx, format, ids)
	if err != nil {
		return err
	}
	refused := func(err error) error {
		return errs.New(errs.Forbidden, 403, "The export could not be written: %v.", err).At(path).Try("choose a folder that is writable for you, on a disk with room").Because(err)
	}
	out, err := os.CreateTemp(filepath.Dir(path), ".qwill-*.tmp") // 0600
	if err != nil {
		return refused(err)
	}
	defer os.Remove(out.Name())
	defer out.Close()
	if err := f.Write(ctx, out); err != nil {
		if _, typed := errors.AsType[*errs.Error](err); typed || ctx.Err() != nil {
			return err
		}
		return refused(err)
	}
	if err := errors.Join(out.Sync(), out.Close()); err != nil {
		return refused(err)
	}
	if err := os.Rename(out.Name(), path); err != nil {
		return refused(err)
	}
	return nil
}

// Result is what became of an import.
type Result struct {
	Imported []chat.Summary `json:"imported"`
	Skipped  []*errs.Error  `json:"skipped"`
}

// Import reads a file of any known kind into the chats.
func (s *Service) Import(ctx context.Context, f io.ReaderAt, size int64, name string) (Result, error) {
	in := &importer{s: s, ctx: ctx, folders: map[string]string{}, used: map[string]bool{}, result: Result{Imported: []chat.Summary{}, Skipped: []*errs.Error{}}}
	err := Read(f, size, name, in)
	if e := in.flush(); e != nil {
		return in.result, e
	}
	if in.more > 0 {
		in.result.Skipped = append(in.result.Skipped, errSkip(name, "%d more entries were left out.", in.more))
	}
	if err != nil && len(in.result.Imported) > 0 { // what was read stays, and the rest is named
		if e, ok := errors.AsType[*errs.Error](err); ok && e.Status < 500 {
			in.result.Skipped = append(in.result.Skipped, e)
			err = nil
		}
	}
	return in.result, err
}

// ImportStream is Import for a body that can be read only once: it rests in the
// cache meanwhile.
func (s *Service) ImportStream(ctx context.Context, r io.Reader, name string) (Result, error) {
	f, err := os.CreateTemp(s.Cache, "import-*.tmp")
	if err != nil {
		return Result{}, fmt.Errorf("keep the file for its import: %w", err)
	}
	defer func() {
		f.Close()
		if err := os.Remove(f.Name()); err != nil {
			slog.Warn("imported file not removed", "error", err)
		}
	}()
	size, err := io.Copy(f, io.LimitReader(r, FileLimit+1))
	if err != nil {
		return Result{}, err
	}
	return s.Import(ctx, f, size, name)
}

// importer is the sink of an import.
type importer struct {
	s       *Service
	ctx     context.Context
	folders map[string]string // the file's ids to ours
	waiting []chat.Adopted    // chats that are stored together
	bytes   int               // of their messages
	used    map[string]bool   // ids of messages in this file
	result  Result
	more    int // reasons that were not kept
}

func (in *importer) Skip(e *errs.Error) {
	if len(in.result.Skipped) >= SkipLimit {
		in.more++
		return
	}
	in.result.Skipped = append(in.result.Skipped, e)
}

func (in *importer) Folder(f Folder) error {
	id, err := in.s.Chats.AdoptFolder(in.ctx, chat.Folder{ID: f.ID, Name: cut(f.Name, chat.NameLimit)})
	in.folders[f.ID] = id
	return err
}

func (in *importer) Preset(p Preset) error {
	// One of that name or id stays as the user has it.
	_, err := in.s.Chats.AdoptPreset(in.ctx, chat.Preset{ID: p.ID, Name: cut(p.Name, chat.NameLimit), SystemPrompt: p.SystemPrompt,
		Sampling: p.Sampling, Thinking: p.Thinking, Model: p.Model})
	return err
}

func (in *importer) Chat(c Chat) error {
	taken, err := in.s.Ids.HasChat(in.ctx, c.ID)
	if err != nil {
		return err
	}
	for _, w := range in.waiting {
		taken = taken || w.Chat.ID == c.ID
	}
	if taken {
		// One that was deleted a moment ago, and whose undo is still open, comes back.
		if _, _, err := in.s.Chats.Whole(in.ctx, c.ID); err != nil && errs.From(err).Code == errs.NotFound {
			back, err := in.s.Chats.Restore(in.ctx, []string{c.ID})
			in.result.Imported = append(in.result.Imported, back...)
			return err
		}
		in.Skip(errs.New(errs.Conflict, 409, "The chat is here already.").At(c.Title))
		return nil
	}
	out := chat.Chat{Summary: chat.Summary{ID: c.ID, Title: c.Title, Updated: c.Updated, Model: c.Model, Pinned: c.Pinned,
		Folder: in.folders[c.Folder], Door: c.Door}, Created: c.Created, SystemPrompt: c.SystemPrompt, Sampling: c.Sampling,
		Thinking: c.Thinking, AutoTitle: c.Title == ""}
	if !in.s.Keeps(c.Door) {
		out.Door = chat.DoorChat
	}
	ids := map[string]string{"": ""}
	var messages []chat.Message
	for _, m := range c.Messages {
		id := m.ID
		if taken, err := in.s.Ids.HasMessage(in.ctx, id); err != nil {
			return err
		} else if taken || in.used[id] { // in another chat
			id = derive(c.ID, id)
		}
		ids[m.ID] = id
		in.used[id] = true
		messages = append(messages, chat.Message{ID: id, Parent: ids[m.Parent], Role: m.Role, Content: m.Content, Reasoning: m.Reasoning,
			Status: m.Status, Error: m.Error, Created: m.Created, Model: m.Model, ReasoningMS: m.ReasoningMS, Stats: m.Stats})
	}
	out.Head = ids[c.Current]
	in.waiting = append(in.waiting, chat.Adopted{Chat: out, Messages: messages})
	for _, m := range messages {
		in.bytes += len(m.Content) + len(m.Reasoning)
	}
	if len(in.waiting) >= together || in.bytes >= togetherBytes {
		return in.flush()
	}
	return nil
}

// Chats are stored so many at once, or so many bytes: each step waits for the
// disk.
const (
	together      = 50
	togetherBytes = 2 << 20
)

// flush stores the chats that wait.
func (in *importer) flush() error {
	if len(in.waiting) == 0 {
		return nil
	}
	if err := in.s.Chats.Adopt(in.ctx, in.waiting); err != nil {
		return err
	}
	for _, w := range in.waiting {
		in.result.Imported = append(in.result.Imported, w.Chat.Summary)
	}
	in.waiting, in.bytes = nil, 0
	return nil
}

func cut(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit])
	}
	return s
}
