package transfer

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/settings"
)

// readQwill reads Qwill's own export.
func readQwill(open func() (io.ReadCloser, error), name string, h head, to Sink) error {
	if h.Version < 1 || h.Version > Version {
		return errs.New(errs.Invalid, 422, "The file has version %d, this Qwill reads up to %d.", h.Version, Version).At(name).Try("install a newer Qwill")
	}
	folders := map[string]bool{}
	for i, f := range h.Folders {
		f.Name = title(f.Name)
		if f.ID == "" || f.Name == "" {
			to.Skip(errSkip(fmt.Sprintf("%s, folder %d", name, i+1), "The folder has no id or no name."))
			continue
		}
		f.ID = own(f.ID)
		folders[f.ID] = true
		if err := to.Folder(f); err != nil {
			return err
		}
	}
	for i, p := range h.Presets {
		if err := p.check(fmt.Sprintf("%s, preset %d", name, i+1)); err != nil {
			to.Skip(err)
			continue
		}
		p.ID = own(p.ID)
		if err := to.Preset(p); err != nil {
			return err
		}
	}
	key := "chats"
	return elements(open, name, &key, func(raw []byte, i int) error {
		return deliver(to, func() (Chat, *errs.Error) {
			label := fmt.Sprintf("%s, chat %d", name, i+1)
			if depth(raw) > DepthLimit {
				return Chat{}, errSkip(label, "It nests deeper than %d.", DepthLimit)
			}
			var c Chat
			if err := json.Unmarshal(raw, &c); err != nil {
				return c, errSkip(label, "It is not a chat of Qwill's: %v.", err)
			}
			if c.ID == "" {
				return c, errSkip(label, "The chat has no id.")
			}
			if t := title(c.Title); t != "" {
				label = fmt.Sprintf("%s (%s)", label, t)
			}
			if c.Folder != "" {
				if c.Folder = own(c.Folder); !folders[c.Folder] {
					c.Folder = ""
				}
			}
			reason := settle(&c, label)
			return c, reason
		})
	})
}

func (p *Preset) check(name string) *errs.Error {
	p.Name = title(p.Name)
	switch {
	case p.ID == "" || p.Name == "":
		return errSkip(name, "The preset has no id or no name.")
	case len(p.SystemPrompt) > settings.SystemPromptLimit:
		return errSkip(name, "The system prompt is longer than %d bytes.", settings.SystemPromptLimit)
	case utf8.RuneCountInString(p.Model) > chat.TitleLimit:
		return errSkip(name, "The name of the model is longer than %d characters.", chat.TitleLimit)
	}
	if err := p.Sampling.Validate(); err != nil {
		return errSkip(name, "The sampling is not valid: %s", errs.From(err).Message)
	}
	p.SystemPrompt = valid(p.SystemPrompt)
	return nil
}

// WriteJSON writes Qwill's JSON: the head, then each chat that next gives until
// ok is false.
func WriteJSON(w io.Writer, a Archive, next func() (c Chat, ok bool, err error)) error {
	a.Format, a.Version = Format, Version
	if a.Folders == nil {
		a.Folders = []Folder{}
	}
	if a.Presets == nil {
		a.Presets = []Preset{}
	}
	top, err := encode(a)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, strings.TrimSuffix(top, "}")+`,"chats":[`); err != nil {
		return err
	}
	for sep := "\n"; ; sep = ",\n" {
		c, ok, err := next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if c.Messages == nil {
			c.Messages = []Message{}
		}
		text, err := encode(c)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, sep+text); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "\n]}\n")
	return err
}

func encode(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("write the export: %w", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
