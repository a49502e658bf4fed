package transfer

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"qwill/app/chat"
	"qwill/app/errs"
)

// found collects what a file gives.
type found struct {
	folders []Folder
	presets []Preset
	chats   []Chat
	skipped []*errs.Error
}

func (f *found) Folder(x Folder) error { f.folders = append(f.folders, x); return nil }
func (f *found) Preset(x Preset) error { f.presets = append(f.presets, x); return nil }
func (f *found) Chat(x Chat) error     { f.chats = append(f.chats, x); return nil }
func (f *found) Skip(e *errs.Error)    { f.skipped = append(f.skipped, e) }

func read(t *testing.T, data []byte, name string) (*found, error) {
	t.Helper()
	f := &found{}
	err := Read(bytes.NewReader(data), int64(len(data)), name, f)
	return f, err
}

func must(t *testing.T, data []byte, name string) *found {
	t.Helper()
	f, err := read(t, data, name)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range f.skipped {
		t.Errorf("skipped: %v", e)
	}
	return f
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// outline writes the tree of a chat, one line a message.
func outline(c Chat) string {
	deep := map[string]int{"": -1}
	var b strings.Builder
	for _, m := range c.Messages {
		deep[m.ID] = deep[m.Parent] + 1
		mark := ""
		if m.ID == c.Current {
			mark = " <-"
		}
		fmt.Fprintf(&b, "%s%s: %s%s\n", strings.Repeat("  ", deep[m.ID]), m.Role, strings.ReplaceAll(m.Content, "\n\n", "|"), mark)
	}
	return b.String()
}

func TestLMStudio(t *testing.T) {
	f := must(t, file(t, "lmstudio.conversation.json"), "1780959551824.conversation.json")
	if len(f.chats) != 1 {
		t.Fatalf("%d chats", len(f.chats))
	}
	c := f.chats[0]
	want := "user: What is a quill?\n  assistant: A kind of feather.\n  assistant: A feather used for writing.|It was the pen of its time.\n    user: And now?\n      assistant: Now there are ball pens. <-\n"
	if got := outline(c); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if c.Title != "Quills" || c.SystemPrompt != "Be brief." || !c.Pinned || c.Created.UnixMilli() != 1780959551824 {
		t.Errorf("%+v", c)
	}
	reply := c.Messages[2]
	if reply.Reasoning != "The user asks about quills." || reply.Model != "qwen3-8b" || reply.Created.UnixMilli() != 1780959836856 ||
		reply.Stats == nil || reply.Stats.CompletionTokens != 192 || reply.Stats.Finish != "stop" {
		t.Errorf("%+v", reply)
	}
	again := must(t, file(t, "lmstudio.conversation.json"), "other name.json")
	if diff := cmp.Diff(f.chats, again.chats); diff != "" {
		t.Errorf("read twice: %s", diff)
	}
}

func TestOpenAI(t *testing.T) {
	f, err := read(t, file(t, "openai.json"), "conversations.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.chats) != 2 {
		t.Fatalf("%d chats, %v", len(f.chats), f.skipped)
	}
	want := `user: Name a bird.
  assistant: A robin.
  assistant: A wren.|And a [link].
    user: Draw it.
      assistant: [image]|Here it is. <-
user: Name a fish.
  assistant: A carp.
`
	c := f.chats[0]
	if got := outline(c); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if c.Title != "Birds" || c.SystemPrompt != "" || c.Created.Unix() != 1700000000 || c.Updated.Unix() != 1700000500 {
		t.Errorf("%+v", c)
	}
	if m := c.Messages[2]; m.Reasoning != "Small birds come to mind." || m.Model != "gpt-4o" || m.Created.UnixMilli() != 1700000200500 {
		t.Errorf("%+v", m)
	}
	if c := f.chats[1]; c.Title != "Only words" || len(c.Messages) != 1 {
		t.Errorf("%+v", c)
	}
	// Bad entries are named.
	var names []string
	for _, e := range f.skipped {
		names = append(names, e.Detail)
	}
	if diff := cmp.Diff([]string{"conversations.json, entry 2 (Broken)", "conversations.json, entry 3"}, names); diff != "" {
		t.Error(diff)
	}
}

func packed(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range files {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestZipOfOpenAI(t *testing.T) {
	data := packed(t, map[string][]byte{"conversations.json": file(t, "openai.json"), "user.json": []byte(`{"id":"u","email":"e"}`),
		"message_feedback.json": []byte(`[{"id":"x"}]`), "chat.html": []byte("<html>"), "../../evil.json": []byte(`{"a":1}`)})
	f, err := read(t, data, "export.zip")
	if err != nil || len(f.chats) != 2 || len(f.skipped) != 2 {
		t.Errorf("%d chats, %v, %v", len(f.chats), f.skipped, err)
	}
	if _, err := read(t, packed(t, map[string][]byte{"user.json": []byte(`{}`)}), "export.zip"); err == nil || !strings.Contains(err.Error(), "export.zip") {
		t.Errorf("a ZIP without chats: %v", err)
	}
}

func TestBounds(t *testing.T) {
	deep := []byte(`[` + `{"mapping":` + strings.Repeat(`[`, 500) + strings.Repeat(`]`, 500) + `}]`)
	if f, err := read(t, deep, "deep.json"); err != nil || len(f.chats) != 0 || len(f.skipped) != 1 || !strings.Contains(f.skipped[0].Message, "deeper") {
		t.Errorf("deep: %v %v", f.skipped, err)
	}
	long := []byte(`{"format":"qwill-chats","version":1,"chats":[{"id":"a","messages":[{"id":"b","role":"user","content":"` + strings.Repeat("x", chat.ContentLimit+1) + `"}]},{"id":"c"}]}`)
	if f, err := read(t, long, "long.json"); err != nil || len(f.chats) != 1 || len(f.skipped) != 1 || !strings.Contains(f.skipped[0].Detail, "chat 1, message 1") {
		t.Errorf("long: %v %v", f.skipped, err)
	}
	bomb := packed(t, map[string][]byte{"conversations.json": bytes.Repeat([]byte(" "), 8<<20)})
	if f, err := read(t, bomb, "bomb.zip"); err == nil || len(f.skipped) != 1 || !strings.Contains(f.skipped[0].Message, "unpacks") {
		t.Errorf("bomb: %v %v", f.skipped, err)
	}
	if err := Read(bytes.NewReader(nil), FileLimit+1, "large.json", &found{}); err == nil || errs.From(err).Code != errs.TooLarge {
		t.Errorf("large: %v", err)
	}
	for name, text := range map[string]string{"empty": "", "text": "hello", "number": "7", "object": "{}", "open": `{"format":"qwill-chats"`,
		"newer": `{"format":"qwill-chats","version":99,"chats":[]}`, "zip": "PK\x03\x04 but no more", "half": `[{"mapping":{}`} {
		f, err := read(t, []byte(text), name)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v %v", name, f.chats, err)
		}
	}
}

// A circle of nodes, or messages that follow themselves, end.
func TestCircles(t *testing.T) {
	circle := `[{"conversation_id":"c","mapping":{"a":{"parent":"b","children":["b"],"message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["x"]}}},"b":{"parent":"a","children":["a"]}}}]`
	if f, err := read(t, []byte(circle), "circle"); err != nil || len(f.chats) != 1 || len(f.chats[0].Messages) != 0 {
		t.Errorf("%+v %v", f, err)
	}
	self := `{"format":"qwill-chats","version":1,"chats":[{"id":"c","messages":[{"id":"a","parent":"a","role":"user"}]},{"id":"d","messages":[{"id":"a","parent":"z","role":"user"}]},{"id":"e","messages":[{"id":"a","role":"tool"}]}]}`
	if f, err := read(t, []byte(self), "self"); err != nil || len(f.chats) != 0 || len(f.skipped) != 3 {
		t.Errorf("%+v %v", f, err)
	}
}

func sample() Chat {
	at := time.Date(2026, 11, 23, 6, 0, 0, 5e6, time.UTC)
	id := func(n int) string { return fmt.Sprintf("01900000-0000-7000-8000-%012d", n) }
	return Chat{ID: id(1), Title: "A [title] */", Model: "starter", Door: "chat", Created: at, Updated: at, Current: id(4), Messages: []Message{
		{ID: id(2), Role: chat.User, Content: "Hello\n# not a title", Status: chat.Done, Created: at},
		{ID: id(3), Parent: id(2), Role: chat.Assistant, Content: "Hi", Status: chat.Done, Created: at},
		{ID: id(4), Parent: id(2), Role: chat.Assistant, Content: "Hi there", Reasoning: "A greeting.", Status: chat.Stopped, Created: at},
	}}
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	c := sample()
	c.SystemPrompt = "Be\nkind."
	if err := WriteMarkdown(&b, c); err != nil {
		t.Fatal(err)
	}
	want := "# A [title] */\n\n*Qwill, 2026-11-23 06:00 UTC, starter*\n\n> Be\n> kind.\n\n## You\n\nHello\n# not a title\n\n## Qwill\n\n<details><summary>Thinking</summary>\n\nA greeting.\n\n</details>\n\nHi there\n\n*(stopped)*\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestZipNames(t *testing.T) {
	titles := []string{"a/../b", "A-..-B", "", "…", strings.Repeat("长", 200), "x\u202egpj.exe"}
	var b bytes.Buffer
	i := 0
	err := WriteZip(&b, func() (Chat, bool, error) {
		if i == len(titles) {
			return Chat{}, false, nil
		}
		c := sample()
		c.Title = titles[i]
		i++
		return c, true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range z.File {
		got = append(got, f.Name)
		if !filepath.IsLocal(f.Name) || strings.ContainsAny(f.Name, `/\`) {
			t.Errorf("%q leaves the folder", f.Name)
		}
	}
	want := []string{"a-..-b.md", "A-..-B (2).md", "Chat.md", "….md", strings.Repeat("长", 80) + ".md", "xgpj.exe.md"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzRead feeds anything to all parsers: no panic, and what comes out keeps
// the rules that the store relies on.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"lmstudio.conversation.json", "openai.json", "qwill.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := &found{}
		_ = Read(bytes.NewReader(data), int64(len(data)), "fuzz", got)
		for _, c := range got.chats {
			seen := map[string]bool{"": true}
			for _, m := range c.Messages {
				if !seen[m.Parent] || seen[m.ID] || m.Role != chat.User && m.Role != chat.Assistant || m.Status.Running() || m.Created.IsZero() {
					t.Fatalf("bad message %+v", m)
				}
				seen[m.ID] = true
			}
			if !seen[c.Current] || c.Current == "" && len(c.Messages) > 0 || c.ID == "" || c.Created.IsZero() || c.Updated.IsZero() {
				t.Fatalf("bad chat %+v", c)
			}
			if _, err := json.Marshal(c); err != nil {
				t.Fatal(err)
			}
		}
	})
}
