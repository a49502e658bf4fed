package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/settings"
)

func errSkip(name, format string, args ...any) *errs.Error {
	return errs.New(errs.Invalid, 400, format, args...).At(name)
}

// space names the ids that are made here; version 5 of UUIDs hashes them, so
// that the same entry read twice has the same id.
var space = uuid.MustParse("6f1d1a8e-5d0b-4c53-9f3a-0d7a8e6b51c4")

func derive(parts ...string) string {
	return uuid.NewSHA1(space, []byte(strings.Join(parts, "\x00"))).String()
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// own keeps an id of Qwill's kind and derives one from any other.
func own(id string) string {
	if u, err := uuid.Parse(id); err == nil && u.String() == id {
		return id
	}
	return derive("id", id)
}

// moment turns seconds since 1970 into a time; zero where they make no sense.
func moment(seconds float64) time.Time {
	if !(seconds > 0 && seconds < 1e11) {
		return time.Time{}
	}
	return time.UnixMilli(int64(seconds * 1000)).UTC()
}

// settle gives a chat what a store asks for: ids, times, an order in which
// parents come first, a last message. It refuses what has no good reading.
func settle(c *Chat, name string) *errs.Error {
	if len(c.Messages) > MessageLimit {
		return errSkip(name, "The chat has %d messages, more than %d.", len(c.Messages), MessageLimit)
	}
	if len(c.SystemPrompt) > settings.SystemPromptLimit {
		return errSkip(name, "The system prompt is longer than %d bytes.", settings.SystemPromptLimit)
	}
	if err := c.Sampling.Validate(); err != nil {
		return errSkip(name, "The sampling is not valid: %s", errs.From(err).Message)
	}
	c.ID = own(c.ID)
	c.Title = title(c.Title)
	switch c.Door {
	case "chat", "prompt", "services", "server":
	default:
		c.Door = "chat"
	}
	at := map[string]int{}
	for i := range c.Messages {
		m := &c.Messages[i]
		if e := settleMessage(m, fmt.Sprintf("%s, message %d", name, i+1)); e != nil {
			return e
		}
		if _, twice := at[m.ID]; twice {
			return errSkip(name, "Two messages have the id %s.", m.ID)
		}
		at[m.ID] = i
	}
	for i, m := range c.Messages {
		if m.Parent == "" {
			continue
		}
		p, ok := at[m.Parent]
		if !ok {
			return errSkip(name, "Message %d follows one that is not there.", i+1)
		}
		if p >= i {
			return errSkip(name, "Message %d comes before the one that it follows.", i+1)
		}
	}
	if c.Current != "" {
		c.Current = own(c.Current)
	}
	if _, ok := at[c.Current]; !ok {
		c.Current = ""
		if n := len(c.Messages); n > 0 {
			c.Current = c.Messages[n-1].ID
		}
	}
	times(c)
	if c.Title == "" {
		c.Title = fromText(c.Messages)
	}
	return nil
}

func settleMessage(m *Message, name string) *errs.Error {
	if m.Role != chat.User && m.Role != chat.Assistant {
		return errSkip(name, "The role %.40q is neither user nor assistant.", m.Role)
	}
	if len(m.Content) > chat.ContentLimit || len(m.Reasoning) > chat.ContentLimit {
		return errSkip(name, "The text is longer than %d bytes.", chat.ContentLimit)
	}
	switch m.Status {
	case chat.Done, chat.Stopped, chat.Interrupted, chat.Failed:
	case chat.Writing, chat.Queued: // it was exported in the middle
		m.Status = chat.Interrupted
	default:
		m.Status = chat.Done
		if m.Role == chat.Assistant && m.Content == "" {
			m.Status = chat.Interrupted
		}
	}
	m.ID = own(m.ID)
	if m.Parent != "" {
		m.Parent = own(m.Parent)
	}
	if m.ReasoningMS < 0 {
		m.ReasoningMS = 0
	}
	m.Content, m.Reasoning = valid(m.Content), valid(m.Reasoning)
	return nil
}

// times fills the times that are missing from those around them, in the
// store's resolution.
func times(c *Chat) {
	last := c.Created
	for i := range c.Messages {
		m := &c.Messages[i]
		if !stored(m.Created) {
			m.Created = last
		}
		m.Created = m.Created.UTC().Truncate(time.Millisecond)
		last = m.Created
	}
	if !stored(c.Created) && len(c.Messages) > 0 {
		c.Created = c.Messages[0].Created
	}
	if !stored(c.Created) {
		c.Created = time.Now()
	}
	c.Created = c.Created.UTC().Truncate(time.Millisecond)
	for i := range c.Messages {
		if !stored(c.Messages[i].Created) {
			c.Messages[i].Created = c.Created
		}
	}
	if !stored(c.Updated) {
		c.Updated = c.Created
		for _, m := range c.Messages {
			if m.Created.After(c.Updated) {
				c.Updated = m.Created
			}
		}
	}
	c.Updated = c.Updated.UTC().Truncate(time.Millisecond)
}

// stored reports whether a time is one that people's machines had.
func stored(t time.Time) bool { return t.Year() > 1970 && t.Year() < 10_000 }

func title(s string) string {
	s = strings.Join(strings.Fields(valid(s)), " ")
	if utf8.RuneCountInString(s) > chat.TitleLimit {
		s = string([]rune(s)[:chat.TitleLimit-1]) + "…"
	}
	return s
}

// fromText names a chat without a title after its first message.
func fromText(messages []Message) string {
	for _, m := range messages {
		if m.Role == chat.User {
			r := []rune(strings.Join(strings.Fields(m.Content[:min(len(m.Content), 1000)]), " "))
			if len(r) > 60 {
				return strings.ToValidUTF8(string(r[:59]), "") + "…"
			}
			return strings.ToValidUTF8(string(r), "")
		}
	}
	return ""
}

func valid(s string) string { return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD") }
