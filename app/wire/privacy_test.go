package wire

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"qwill/app/api"
	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/privacy"
	"qwill/app/settings"
	"qwill/engine"
)

func choose(t *testing.T, a *App, change string) {
	t.Helper()
	if _, err := a.Settings.Update(t.Context(), []byte(change)); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, a *App) []chat.Summary {
	t.Helper()
	all, err := a.Chats.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Other doors keep nothing until the settings say so, and then a chat each.
func TestDoorsKeepWhatTheSettingsSay(t *testing.T) {
	setup(t)
	a := open(t)
	do := func() {
		a.recordWriting(t.Context(), api.WriteRequest{Command: "proofread", Text: "he go", Door: "prompt"}, "m", "He goes.")
		a.recordWriting(t.Context(), api.WriteRequest{Command: "instruct", Instruction: "Be kind.", Text: "go", Door: "services"}, "m", "Please go.")
		a.recordWriting(t.Context(), api.WriteRequest{Command: "proofread", Text: "x", Door: "chat"}, "m", "y")
		a.recordWriting(t.Context(), api.WriteRequest{Command: "proofread", Text: "x"}, "m", "y")
		a.KeepServed(t.Context(), engine.GenerateParams{Path: "/models/m", Messages: []engine.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "Hi"}, {Role: "assistant", Content: "Hello"}, {Role: "user", Content: "Bye"}}}, "Farewell", "thought")
		a.KeepServed(t.Context(), engine.GenerateParams{Path: "/models/m", Text: "Once upon"}, " a time", "")
	}
	do()
	if all := list(t, a); len(all) != 0 {
		t.Fatalf("kept %+v", all)
	}
	choose(t, a, `{"retention":{"prompt":"day","services":"forever","server":"week"}}`)
	do()
	var got []string
	for _, s := range list(t, a) {
		c, err := a.Chats.Get(t.Context(), s.ID)
		if err != nil {
			t.Fatal(err)
		}
		line := c.Door + " " + c.Title + ":"
		for _, m := range c.Messages {
			line += " " + m.Role + "=" + strings.ReplaceAll(m.Content, "\n", "|")
		}
		got = append(got, line)
	}
	slices.Sort(got)
	want := []string{
		"prompt Proofread: he go: user=he go assistant=He goes.",
		"server Hi: user=Hi assistant=Hello user=Bye assistant=Farewell",
		"server Once upon: user=Once upon assistant= a time",
	}
	if len(got) != 4 || !slices.Equal(got[:3], want) || !strings.HasPrefix(got[3], "services ") || !strings.Contains(got[3], "user=Be kind.||go assistant=Please go.") {
		t.Errorf("got %q", got)
	}
}

// With no retention for chats, new ones are temporary; what was kept stays.
func TestNoRetentionMakesChatsTemporary(t *testing.T) {
	setup(t)
	a := open(t)
	title := "kept"
	if _, err := a.Chats.Create(t.Context(), chat.Fields{Title: &title}); err != nil {
		t.Fatal(err)
	}
	choose(t, a, `{"retention":{"chat":"none"}}`)
	c, err := a.Chats.Create(t.Context(), chat.Fields{})
	if err != nil || !c.Temporary {
		t.Errorf("%+v %v", c, err)
	}
	if c, err = a.Chats.Continue(t.Context(), "question", "answer", ""); err != nil || !c.Temporary {
		t.Errorf("%+v %v", c, err)
	}
	j := privacy.Janitor{Store: a.Store, Chats: a.Chats, Settings: a.Settings.Get, Now: func() time.Time { return time.Now().AddDate(10, 0, 0) }}
	if n, err := j.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("%d erased, %v", n, err)
	}
	if all := list(t, a); len(all) != 3 {
		t.Errorf("%d chats", len(all))
	}
}

func TestJanitorErasesWhatHasExpired(t *testing.T) {
	setup(t)
	a := open(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	add := func(name, door string, age time.Duration, pinned bool) {
		t.Helper()
		c := chat.Chat{Summary: chat.Summary{ID: name, Title: name, Door: door, Pinned: pinned, Updated: now.Add(-age)}, Created: now.Add(-2 * age)}
		if err := a.Store.PutChat(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	const hour, day = time.Hour, 24 * time.Hour
	add("young", chat.DoorChat, 6*day, false)
	add("old", chat.DoorChat, 7*day+hour, false)
	add("pinned", chat.DoorChat, 700*day, true)
	add("prompt today", chat.DoorPrompt, 23*hour, false)
	add("prompt yesterday", chat.DoorPrompt, 25*hour, false)
	add("services", chat.DoorServices, hour, false)
	add("server", chat.DoorServer, 3000*day, false)
	choose(t, a, `{"retention":{"chat":"week","prompt":"day","services":"none","server":"forever"}}`)
	j := privacy.Janitor{Store: a.Store, Chats: a.Chats, Settings: a.Settings.Get, Now: func() time.Time { return now }}
	if n, err := j.Sweep(t.Context()); n != 3 || err != nil {
		t.Errorf("%d erased, %v", n, err)
	}
	var left []string
	for _, c := range list(t, a) {
		left = append(left, c.ID)
	}
	slices.Sort(left)
	if want := []string{"pinned", "prompt today", "server", "young"}; !slices.Equal(left, want) {
		t.Errorf("left %q", left)
	}
	if c, err := a.Store.HasChat(t.Context(), "old"); c || err != nil {
		t.Errorf("erased chats can be restored: %v %v", c, err)
	}
}

// counter is a janitor's store that has nothing.
type counter struct{ asked int }

func (c *counter) Expired(context.Context, string, time.Time) ([]string, error) {
	c.asked++
	return nil, nil
}
func (c *counter) List(context.Context) ([]chat.Summary, error) { return nil, nil }
func (c *counter) Erase(context.Context, ...string) error       { return nil }

// The janitor leaves a minute to take a choice back.
func TestJanitorsHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		s := settings.Defaults()
		s.Retention.Chat = "day"
		j := privacy.Janitor{Store: c, Chats: c, Settings: func() settings.Settings { return s }, Now: time.Now}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		changed := make(chan struct{})
		done := make(chan struct{})
		go func() { defer close(done); j.Run(ctx, changed) }()
		const sweep = 4 // doors with an end: chats by the day, three that keep nothing
		want := func(when string, sweeps int) {
			t.Helper()
			synctest.Wait()
			if c.asked != sweeps*sweep {
				t.Errorf("%s: %d looks, want %d", when, c.asked, sweeps*sweep)
			}
		}
		time.Sleep(59 * time.Second)
		want("at first", 0)
		time.Sleep(2 * time.Second)
		want("after a minute", 1)
		changed <- struct{}{}
		time.Sleep(59 * time.Second)
		want("after a change", 1)
		time.Sleep(2 * time.Second)
		want("a minute after a change", 2)
		time.Sleep(3*time.Hour + time.Minute)
		want("three hours later", 5)
		cancel()
		<-done
	})
}

// Erasing refuses while another process has the database open.
func TestEraseNeedsTheDatabaseAlone(t *testing.T) {
	setup(t)
	a, b := open(t), open(t)
	if _, err := b.Chats.Create(t.Context(), chat.Fields{}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Erase(t.Context(), EraseOptions{}); errs.From(err) == nil || errs.From(err).Code != errs.Running {
		t.Errorf("got %v", err)
	}
	if all := list(t, a); len(all) != 1 {
		t.Errorf("%d chats", len(all))
	}
}

func TestEraseSettings(t *testing.T) {
	setup(t)
	a := open(t)
	choose(t, a, `{"system_prompt":"zebra","theme":"dark"}`)
	name := "short"
	if _, err := a.Chats.CreatePreset(t.Context(), chat.PresetFields{Name: &name}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Erase(t.Context(), EraseOptions{}); err != nil {
		t.Fatal(err)
	}
	presets, err := a.Chats.Presets(t.Context())
	if a.Settings.Get().SystemPrompt != "zebra" || len(presets) != 1 || err != nil {
		t.Errorf("settings went too: %+v %v", presets, err)
	}
	if _, err := a.Erase(t.Context(), EraseOptions{Settings: true}); err != nil {
		t.Fatal(err)
	}
	presets, err = a.Chats.Presets(t.Context())
	if a.Settings.Get().Theme != "system" || len(presets) != 0 || err != nil {
		t.Errorf("settings stay: %+v %+v %v", a.Settings.Get(), presets, err)
	}
	for _, suffix := range []string{"", "-wal"} {
		if b, err := os.ReadFile(a.Paths.Database() + suffix); err == nil && strings.Contains(string(b), "zebra") {
			t.Errorf("the old choice is still in %s", suffix)
		}
	}
}

// What is imported was asked for: a door that keeps nothing does not erase it.
func TestImportedChatsStay(t *testing.T) {
	setup(t)
	a := open(t)
	choose(t, a, `{"retention":{"server":"week"}}`)
	text := `{"format":"qwill-chats","version":1,"folders":[{"id":"f","name":"Work"}],"chats":[{"id":"1","title":"p","door":"prompt","folder":"f"},{"id":"2","title":"s","door":"server"},{"id":"3","title":"c"}]}`
	r, err := a.Transfer.Import(t.Context(), strings.NewReader(text), int64(len(text)), "x.json")
	if err != nil || len(r.Imported) != 3 {
		t.Fatalf("%+v %v", r, err)
	}
	doors := map[string]string{}
	for _, c := range list(t, a) {
		doors[c.Title] = c.Door
		if (c.Folder != "") != (c.Title == "p") {
			t.Errorf("%+v", c)
		}
	}
	if doors["p"] != chat.DoorChat || doors["s"] != chat.DoorServer || doors["c"] != chat.DoorChat {
		t.Errorf("doors %v", doors)
	}
	if left, err := os.ReadDir(a.Paths.Cache); err != nil || len(left) != 0 {
		t.Errorf("left in the cache: %v %v", left, err)
	}
}

// The file routes: an export to a path is the window's alone, whole and private.
func TestExportToAPath(t *testing.T) {
	setup(t)
	a := open(t)
	title := "A/B"
	if _, err := a.Chats.Create(t.Context(), chat.Fields{Title: &title}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, native := range []bool{true, false} {
		s := httptest.NewServer(a.Handler(fstest.MapFS{}, "token", native, nil))
		defer s.Close()
		send := func(method, path, body string) int {
			t.Helper()
			r, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer token")
			r.Header.Set("Content-Type", "application/json")
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			return res.StatusCode
		}
		file := filepath.Join(dir, "out.md")
		if code := send("POST", "/api/chats/export", `{"path":"`+file+`","format":"markdown"}`); native && code != 204 || !native && code != 403 {
			t.Errorf("native %v: %d", native, code)
		}
		if !native {
			break
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
			t.Errorf("%v %v", info, err)
		}
		for body, want := range map[string]int{`{"path":"relative","format":"json"}`: 400, `{"path":"` + dir + `/x","format":"pdf"}`: 400,
			`{"path":"/nowhere/x","format":"json"}`: 403, `{"path":"` + dir + `/x","format":"json","ids":["no"]}`: 404} {
			if code := send("POST", "/api/chats/export", body); code != want {
				t.Errorf("%s: %d, want %d", body, code, want)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
		if code := send("POST", "/api/chats/import", `{"nothing":1}`); code != 422 {
			t.Errorf("import of nothing: %d", code)
		}
		if left, _ := os.ReadDir(a.Paths.Cache); len(left) != 0 {
			t.Errorf("left in the cache: %v", left)
		}
	}
}
