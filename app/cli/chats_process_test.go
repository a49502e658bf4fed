package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qwill/app/chat"
)

// A temporary chat, answered by the real engine, cut short and continued, says
// what the uncut one says, and leaves no word in any file.
func TestTemporaryChatGoesOnAndLeavesNothing(t *testing.T) {
	dir := home(t)
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("SQLITE_TMPDIR", os.Getenv("TMPDIR"))
	p := openPage(t, dir)
	p.ready()
	p.call("PUT", "/api/settings", `{"mode":"exact"}`, nil) // the same words from a cache and without
	const planted = "Heliotropium"
	ask := func(temporary bool, tokens int, word string) string {
		t.Helper()
		var c chat.Chat
		p.call("POST", "/api/chats", fmt.Sprintf(`{"temporary":%v,"sampling":{"temperature":0,"max_tokens":%d}}`, temporary, tokens), &c)
		p.call("POST", "/api/chats/"+c.ID+"/messages", fmt.Sprintf(`{"content":"Write three sentences about a flower that is called %s."}`, word), nil)
		p.settled(c.ID)
		return c.ID
	}
	whole := p.last(ask(true, 40, planted))
	id := ask(true, 15, planted)
	cut := p.last(id)
	if cut.Stats == nil || cut.Stats.Finish != "length" || !strings.HasPrefix(whole.Content, cut.Content) {
		t.Fatalf("%+v is no start of %q", cut, whole.Content)
	}
	p.call("PATCH", "/api/chats/"+id, `{"sampling":{"temperature":0,"max_tokens":25}}`, nil)
	p.call("POST", "/api/chats/"+id+"/continue", "", nil)
	if m := p.settled(id); m.Status != chat.Done || m.Content != whole.Content || m.Stats.PromptTokens-m.Stats.CachedTokens > 2 {
		t.Errorf("continued %+v\nuncut %q", m, whole.Content)
	}
	p.call("PUT", "/api/chats/"+id+"/draft", `{"text":"`+planted+`"}`, nil)
	var hits []chat.Hit
	if p.call("GET", "/api/search?q="+planted, "", &hits); len(hits) < 2 || !hits[0].Chat.Temporary {
		t.Errorf("found %+v", hits)
	}
	ask(false, 4, "Quetschmoorblume") // a chat that is kept
	for word, want := range map[string]bool{planted: false, "Quetschmoorblume": true} {
		if files := holding(t, word, dir, os.Getenv("TMPDIR")); (len(files) > 0) != want {
			t.Errorf("%s is in %v", word, files)
		}
	}
}

// holding names the files below folders that hold a word in any case; the
// models' weights are left out.
func holding(t *testing.T, word string, dirs ...string) (found []string) {
	t.Helper()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || filepath.Ext(path) == ".safetensors" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if bytes.Contains(bytes.ToLower(text), bytes.ToLower([]byte(word))) {
				found = append(found, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}
