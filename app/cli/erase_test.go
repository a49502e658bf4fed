package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"qwill/app/chat"
	"qwill/app/diag"
	"qwill/app/errs"
	"qwill/app/history"
	"qwill/app/paths"
	"qwill/app/store"
	"qwill/app/transfer"
)

// planted are words that nothing but this test writes, by the door they go in.
type planted map[string]string

func (p planted) word(door string) string {
	if p[door] == "" {
		p[door] = "planted" + door + "zq81"
	}
	return p[door]
}

// found gives the files below dirs in which any byte run is a planted word, by
// door. Databases, logs and whatever else lies there are read whole.
func (p planted) found(t *testing.T, dirs ...string) map[string][]string {
	t.Helper()
	in := map[string][]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !d.Type().IsRegular() || strings.HasSuffix(path, ".safetensors") {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b = bytes.ToLower(b)
			for door, word := range p {
				if bytes.Contains(b, []byte(word)) {
					in[door] = append(in[door], path)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return in
}

// private moves the system's own folders, where Qwill and the web view keep
// their data without QWILL_HOME, for the programs that the test starts.
func private(t *testing.T) paths.Paths {
	t.Helper()
	dir := t.TempDir()
	for name, sub := range map[string]string{"HOME": "home", "XDG_DATA_HOME": "share", "XDG_CACHE_HOME": "cache", "XDG_STATE_HOME": "state"} {
		t.Setenv(name, filepath.Join(dir, sub))
	}
	data, cache := filepath.Join(dir, "share", "qwill"), filepath.Join(dir, "cache", "qwill")
	return paths.Paths{Data: data, Models: filepath.Join(data, "models"), Logs: filepath.Join(dir, "state", "qwill", "logs"), Cache: cache, Web: []string{data, cache}}
}

func plant(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// doors writes a word of its own through every door of a home whose page is
// open: chats, branches, drafts, search, quick prompt, Services, server,
// imports.
func (p planted) doors(t *testing.T, dir string, page *page) {
	t.Helper()
	page.call("PUT", "/api/settings", `{"retention":{"chat":"forever","prompt":"week","services":"forever","server":"forever"}}`, nil)
	var c chat.Chat
	page.call("POST", "/api/chats", fmt.Sprintf(`{"title":"About %s","system_prompt":"Know %s.","sampling":{"temperature":0,"max_tokens":8}}`, p.word("title"), p.word("system")), &c)
	var sent struct{ User chat.Message }
	page.call("POST", "/api/chats/"+c.ID+"/messages", fmt.Sprintf(`{"content":"What is %s?"}`, p.word("chat")), &sent)
	page.settled(c.ID)
	page.call("PUT", "/api/chats/"+c.ID+"/messages/"+sent.User.ID, fmt.Sprintf(`{"content":"Rather: what is %s?"}`, p.word("branch")), nil)
	page.settled(c.ID)
	page.call("PUT", "/api/chats/"+c.ID+"/draft", fmt.Sprintf(`{"text":"not yet %s"}`, p.word("draft")), nil)
	page.call("PUT", "/api/draft", fmt.Sprintf(`{"text":"nor %s"}`, p.word("newdraft")), nil)
	page.call("POST", "/api/folders", fmt.Sprintf(`{"name":"%s"}`, p.word("folder")), nil)
	page.call("GET", "/api/search?q="+p.word("search"), "", nil)
	for door, command := range map[string]string{"prompt": "ask", "services": "rewrite"} {
		res := page.request("POST", "/api/write", fmt.Sprintf(`{"command":%q,"text":"Say %s.","door":%q}`, command, p.word(door), door))
		if b, err := io.ReadAll(res.Body); err != nil || !bytes.Contains(b, []byte("event: ")) {
			t.Fatalf("%s: %s %v", door, b, err)
		}
	}
	var in transfer.Result
	page.call("POST", "/api/chats/import", fmt.Sprintf(`[{"conversation_id":"x","title":"T","mapping":{"a":{"message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["%s"]}}}}}]`, p.word("import")), &in)
	if len(in.Imported) != 1 {
		t.Fatalf("%+v", in)
	}
	p.replaced(t, dir)
	// A chat that was deleted, and is erased ten minutes later, is still there.
	page.call("POST", "/api/chats", fmt.Sprintf(`{"title":"%s"}`, p.word("deleted")), &c)
	page.call("DELETE", "/api/chats/"+c.ID, "", nil)
	// What is refused must not go into the log.
	for _, r := range [][3]string{{"POST", "/api/write", `{"command":"%s","text":"x"}`}, {"PUT", "/api/settings", `{"theme":"%s"}`}, {"POST", "/api/chats", `{"model":"%s"}`}, {"POST", "/api/models/import", `{"path":"/%s","name":"x"}`}} {
		res := page.request(r[0], r[1], fmt.Sprintf(r[2], p.word("refused")))
		if res.StatusCode < 400 {
			t.Errorf("%v: %d", r, res.StatusCode)
		}
	}
	p.served(t, dir)
}

// replaced keeps a replacement as the window does before it makes one.
func (p planted) replaced(t *testing.T, dir string) {
	t.Helper()
	q := paths.Under(dir)
	db, _, err := store.Open(t.Context(), q.Database(), q.Backups())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h := history.Service{Store: db, Keep: func() bool { return true }, Now: time.Now}
	if _, err := h.Add(t.Context(), "Editor", "proofread", "he say "+p.word("original"), "he says "+p.word("result")); err != nil {
		t.Fatal(err)
	}
}

// served asks the server of the same home.
func (p planted) served(t *testing.T, dir string) {
	t.Helper()
	cmd := program(t, dir, "serve", "-m", "starter", "--addr", "127.0.0.1:0", "--json")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer end(cmd, syscall.SIGTERM)
	var said struct{ URL string }
	if err := json.NewDecoder(out).Decode(&said); err != nil {
		t.Fatal(err)
	}
	for word, status := range map[string]int{p.word("server"): 200, p.word("refusedserver"): 400} {
		temperature := 0
		if status == 400 {
			temperature = 99
		}
		r, err := http.NewRequest("POST", said.URL+"/chat/completions", strings.NewReader(fmt.Sprintf(`{"model":"starter","max_tokens":4,"temperature":%d,"messages":[{"role":"user","content":"%s"}]}`, temperature, word)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer key")
		r.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%s: %d", word, res.StatusCode)
		}
	}
}

// kept are the doors whose words a home must hold before it is erased.
var kept = []string{"title", "system", "chat", "branch", "draft", "newdraft", "folder", "prompt", "services", "import", "deleted", "server", "original", "result", "log", "crash", "backup", "cache"}

func (p planted) files(t *testing.T, q paths.Paths) {
	t.Helper()
	plant(t, filepath.Join(q.Logs, "qwill.log.1"), p.word("log"))
	plant(t, filepath.Join(q.Logs, "crash-20260101T000000.000Z.txt"), p.word("crash"))
	plant(t, filepath.Join(q.Backups(), "2026-qwill.db"), p.word("backup"))
	plant(t, filepath.Join(q.Cache, "left", "over"), p.word("cache"))
	for _, dir := range q.Web {
		plant(t, filepath.Join(dir, "localstorage", "x"), p.word("web"))
	}
}

func (p planted) check(t *testing.T, when string, dirs ...string) {
	t.Helper()
	for door, files := range p.found(t, dirs...) {
		t.Errorf("%s: the word of %s is still in %v", when, door, files)
	}
}

// Everything that was written through any door is found in the files before,
// nothing of it after, while Qwill runs and when it does not.
func TestEraseLeavesNothing(t *testing.T) {
	t.Setenv(diag.LevelVariable, "debug")
	dir := home(t)
	words := planted{}
	p := openPage(t, dir)
	p.ready()
	words.doors(t, dir, p)

	// Until here the program itself wrote the logs: they hold none of it.
	if in := words.found(t, paths.Under(dir).Logs); len(in) > 0 {
		t.Errorf("the logs hold texts: %v", in)
	}
	if logs, _ := filepath.Glob(filepath.Join(paths.Under(dir).Logs, "*.log")); len(logs) != 2 {
		t.Errorf("logs: %v", logs)
	}
	words.files(t, paths.Under(dir))
	before := words.found(t, dir)
	for _, door := range kept {
		if len(before[door]) == 0 {
			t.Errorf("%s was not written: the test proves nothing for it", door)
		}
	}
	for _, door := range []string{"search", "refused", "refusedserver"} {
		if len(before[door]) > 0 {
			t.Errorf("what was only asked for is kept: %s in %v", door, before[door])
		}
	}

	// The command line leaves a running Qwill alone.
	if code, _, errOut := output(t, program(t, dir, "erase", "--yes")); code != exitFailure || !strings.Contains(errOut, "open") {
		t.Errorf("exit %d, %s", code, errOut)
	}
	if res := p.request("POST", "/api/erase", `{"confirm":"yes"}`); res.StatusCode != 400 {
		t.Errorf("without confirmation: %d", res.StatusCode)
	}
	var freed struct{ Bytes int64 }
	p.call("POST", "/api/erase", `{"confirm":"erase"}`, &freed)
	if freed.Bytes <= 0 {
		t.Errorf("%d bytes freed", freed.Bytes)
	}
	words.check(t, "while it runs", dir)
	var all []chat.Summary
	if p.call("GET", "/api/chats", "", &all); len(all) != 0 {
		t.Errorf("%d chats are left", len(all))
	}
	// It goes on: a chat can be written, and the models and settings stay.
	id, _ := p.talk(2)
	p.call("POST", "/api/chats/"+id+"/stop", "", nil)
	var s struct {
		Retention struct{ Prompt string }
	}
	if p.call("GET", "/api/settings", "", &s); s.Retention.Prompt != "week" {
		t.Errorf("settings %+v", s)
	}
	end(p.cmd, syscall.SIGTERM)
	words.check(t, "after its end", dir)
}

func TestEraseOnTheCommandLine(t *testing.T) {
	q := private(t)
	root := filepath.Dir(filepath.Dir(q.Data))
	words := planted{}
	file := filepath.Join(t.TempDir(), "conversations.json")
	plant(t, file, fmt.Sprintf(`[{"conversation_id":"x","title":"%s","mapping":{"a":{"message":{"author":{"role":"user"},"content":{"content_type":"text","parts":["%s"]}}}}}]`, words.word("title"), words.word("chat")))
	if code, out, errOut := output(t, program(t, "", "chats", "import", file)); code != 0 || !strings.Contains(out, words.word("title")) {
		t.Fatalf("exit %d, %s %s", code, out, errOut)
	}
	words.files(t, q)
	if in := words.found(t, root); len(in) != len(words) {
		t.Errorf("only %v were written", in)
	}
	if code, _, _ := output(t, program(t, "", "erase")); code != exitUsage {
		t.Errorf("without --yes: exit %d", code)
	}
	if in := words.found(t, root); len(in) != len(words) {
		t.Errorf("only %v are left", in)
	}
	if code, out, errOut := output(t, program(t, "", "erase", "--yes", "--models")); code != 0 {
		t.Fatalf("exit %d, %s %s", code, out, errOut)
	}
	words.check(t, "erased", root)
	if left, err := filepath.Glob(filepath.Join(q.Models, "*")); err != nil || len(left) > 1 { // its lock stays
		t.Errorf("models are left: %v %v", left, err)
	}
	// Twice is no failure.
	if code, out, errOut := output(t, program(t, "", "erase", "--yes", "--all")); code != 0 {
		t.Fatalf("exit %d, %s %s", code, out, errOut)
	}
}

// Export and import on the command line: the same chats in another home, and
// not twice in the same one.
func TestChatsTravel(t *testing.T) {
	private(t)
	from, to := t.TempDir(), t.TempDir()
	for _, name := range []string{"openai.json", "lmstudio.conversation.json"} {
		if code, out, errOut := output(t, program(t, from, "chats", "import", "../transfer/testdata/"+name)); code != 0 {
			t.Fatalf("exit %d, %s %s", code, out, errOut)
		}
	}
	export := func(dir, file string) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), file)
		code, out, errOut := output(t, program(t, dir, "chats", "export", "--format", "json", "--out", path))
		if code != 0 {
			t.Fatalf("exit %d, %s %s", code, out, errOut)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		return path
	}
	first := export(from, "a.json")
	code, out, errOut := output(t, program(t, to, "chats", "import", "--json", first))
	var r transfer.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || len(r.Imported) != 3 || len(r.Skipped) != 0 {
		t.Fatalf("exit %d, %v %s %s", code, err, out, errOut)
	}
	code, out, _ = output(t, program(t, to, "chats", "import", "--json", first))
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || len(r.Imported) != 0 || len(r.Skipped) != 3 || r.Skipped[0].Code != errs.Conflict {
		t.Errorf("again: exit %d, %v %s", code, err, out)
	}
	// The chats are the same but for the time of the export.
	body := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, chats, _ := strings.Cut(string(b), `"chats":`)
		return chats
	}
	if a, b := body(first), body(export(to, "b.json")); a != b {
		t.Errorf("they differ:\n%s\n%s", a, b)
	}
	if code, out, _ := output(t, program(t, to, "chats", "export", r.Skipped[0].Detail)); code != exitFailure {
		t.Errorf("an id that no chat has: exit %d, %s", code, out)
	}
}
