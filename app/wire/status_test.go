package wire

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"qwill/app/chat"
	"qwill/app/models"
	"qwill/app/shell"
)

func TestStatus(t *testing.T) {
	setup(t)
	t.Setenv("LC_ALL", "zh_CN.UTF-8")
	a := open(t)
	if s := a.Status(); s.State != shell.StateNoModel || s.Language != "zh-Hans" || s.Enabled || s.Hotkey != "Ctrl+Alt+Space" || s.Resident {
		t.Errorf("at first: %+v", s)
	}
	told := make(chan shell.Status, 100)
	a.FollowStatus(func(s shell.Status) { told <- s })
	until := func(what string, ok func(shell.Status) bool) {
		t.Helper()
		for {
			select {
			case s := <-told:
				if ok(s) {
					return
				}
			case <-time.After(5 * time.Second):
				t.Logf("%+v", a.Status())
				t.Fatalf("never told: %s", what)
			}
		}
	}
	until("the first", func(s shell.Status) bool { return s.State == shell.StateNoModel })
	if _, err := a.Settings.Update(t.Context(), []byte(`{"language":"en","hotkey":"Super+J","hotkey_enabled":true}`)); err != nil {
		t.Fatal(err)
	}
	until("the settings", func(s shell.Status) bool { return s.Language == "en" && s.Hotkey == "Super+J" && s.Enabled })
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := a.Store.AddModel(t.Context(), models.Model{Name: "short", Title: "Short", Path: dir}, nil); err != nil {
		t.Fatal(err)
	}
	title := "Sea"
	c, err := a.Chats.Create(t.Context(), chat.Fields{Title: &title})
	if err != nil {
		t.Fatal(err)
	}
	until("the chat", func(s shell.Status) bool {
		return s.State == shell.StateIdle && s.Model == "Short" && len(s.Recent) == 1 && s.Recent[0] == shell.Chat{ID: c.ID, Title: "Sea"}
	})
}
