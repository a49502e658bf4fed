package transfer

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/settings"
)

// anyTree draws a chat of any shape that the store can hold.
func anyTree(t *rapid.T) Chat {
	text := rapid.StringN(0, 40, 200)
	when := rapid.Map(rapid.Int64Range(1e12, 2e12), func(ms int64) time.Time { return time.UnixMilli(ms).UTC() })
	id := func(label string) string {
		return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label)).String()
	}
	c := Chat{ID: id("chat"), Title: rapid.StringMatching(`[a-zA-Z漢字é#*"\\]{1,60}`).Draw(t, "title"), Model: text.Draw(t, "model"),
		SystemPrompt: valid(text.Draw(t, "system")), Thinking: rapid.Bool().Draw(t, "thinking"), Pinned: rapid.Bool().Draw(t, "pinned"),
		Door: rapid.SampledFrom([]string{"chat", "prompt", "services", "server"}).Draw(t, "door"), Created: when.Draw(t, "created"), Updated: when.Draw(t, "updated"),
		Messages: []Message{}}
	c.Model = valid(c.Model)
	if rapid.Bool().Draw(t, "warm") {
		f := rapid.Float64Range(0, 2).Draw(t, "temperature")
		c.Sampling = settings.Sampling{}
		c.Sampling.Temperature = &f
	}
	for i := range rapid.IntRange(0, 12).Draw(t, "messages") {
		m := Message{ID: id(fmt.Sprint("id ", i)), Role: rapid.SampledFrom([]string{chat.User, chat.Assistant}).Draw(t, "role"),
			Content: valid(text.Draw(t, "content")), Reasoning: valid(text.Draw(t, "reasoning")),
			Status: rapid.SampledFrom([]chat.Status{chat.Done, chat.Stopped, chat.Interrupted, chat.Failed}).Draw(t, "status"), Created: when.Draw(t, "when")}
		if n := len(c.Messages); n > 0 {
			if p := rapid.IntRange(-1, n-1).Draw(t, "parent"); p >= 0 {
				m.Parent = c.Messages[p].ID
			}
		}
		if m.Status == chat.Failed {
			m.Error = errs.New(errs.Memory, 0, "%s", valid(text.Draw(t, "error")))
		}
		c.Messages = append(c.Messages, m)
	}
	if n := len(c.Messages); n > 0 {
		c.Current = c.Messages[rapid.IntRange(0, n-1).Draw(t, "current")].ID
	}
	return c
}

// What is written as Qwill's JSON is read back the same.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chats := rapid.SliceOfN(rapid.Custom(anyTree), 0, 4).Draw(t, "chats")
		folder := Folder{ID: uuid.NewString(), Name: "Work"}
		preset := Preset{ID: uuid.NewString(), Name: "Short", SystemPrompt: "Be brief."}
		if len(chats) > 0 {
			chats[0].Folder = folder.ID
		}
		var b bytes.Buffer
		i := 0
		err := WriteJSON(&b, Archive{Exported: time.Now(), Folders: []Folder{folder}, Presets: []Preset{preset}}, func() (c Chat, ok bool, err error) {
			if i == len(chats) {
				return c, false, nil
			}
			i++
			return chats[i-1], true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got := &found{}
		if err := Read(bytes.NewReader(b.Bytes()), int64(b.Len()), "export.json", got); err != nil || len(got.skipped) > 0 {
			t.Fatalf("%v %v\n%s", err, got.skipped, &b)
		}
		if len(chats) == 0 {
			chats = nil
		}
		for i := range got.chats {
			if got.chats[i].Messages == nil {
				got.chats[i].Messages = []Message{}
			}
		}
		if diff := cmp.Diff(chats, got.chats); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff([]Folder{folder}, got.folders); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff([]Preset{preset}, got.presets); diff != "" {
			t.Fatal(diff)
		}
	})
}
