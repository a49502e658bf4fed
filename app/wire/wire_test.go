package wire

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"qwill/app/api"
	"qwill/app/errs"
	"qwill/app/models"
	"qwill/app/paths"
)

// setup makes a home without an engine and without a starter.
func setup(t *testing.T) paths.Paths {
	t.Helper()
	home := t.TempDir()
	t.Setenv(paths.HomeVariable, home)
	t.Setenv("QWILL_ENGINE", filepath.Join(home, "none"))
	t.Setenv(models.StarterVariable, filepath.Join(home, "none"))
	return paths.Under(home)
}

func open(t *testing.T) *App {
	t.Helper()
	a, err := Open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// Without an engine the app opens, shows its chats and says what is missing.
func TestOpensWithoutAnEngine(t *testing.T) {
	setup(t)
	a := open(t)
	if err := a.Interface(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(a.Handler(fstest.MapFS{}, "token", false, nil))
	defer s.Close()
	r, err := http.NewRequest("GET", s.URL+"/api/state", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer token")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("the state has status %d", res.StatusCode)
	}
	if _, err := a.Engine.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("got %v", err)
	}
	other, err := Open(t.Context(), nil)
	if err != nil {
		t.Fatalf("a command beside the interface: %v", err)
	}
	defer other.Close()
	if e, ok := errors.AsType[*errs.Error](other.Interface(t.Context())); !ok || e.Code != errs.Running {
		t.Errorf("two interfaces: %v", e)
	}
}

// A damaged database costs neither the start nor our own models.
func TestStartsAnewAfterDamage(t *testing.T) {
	p := setup(t)
	if err := p.Ensure(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(p.Models, "mine")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"config.json": `{"model_type":"llama"}`, "model.safetensors": "123", "tokenizer.json": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(p.Database(), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := open(t)
	if len(a.Notices) != 1 || a.Notices[0].Code != errs.DatabaseLost {
		t.Errorf("notices %v", a.Notices)
	}
	if m, err := a.Models.Find(t.Context(), "mine"); err != nil || !m.Owned {
		t.Errorf("%+v %v", m, err)
	}
}

func TestEngineStateNamesTheModel(t *testing.T) {
	setup(t)
	a := open(t)
	if s := a.EngineState(); s.State != "stopped" || s.Model != "" {
		t.Errorf("got %+v", s)
	}
	if err := a.Store.AddModel(t.Context(), models.Model{Name: "short", Path: "/models/long name"}, nil); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/models/long name": "short", "/models/other": "other", "": ""} {
		if got := a.modelName(path); got != want {
			t.Errorf("%q is %q", path, got)
		}
	}
}

// Commands that are told no language take the settings', the page's, the
// system's, in this order.
func TestLanguageOfCommands(t *testing.T) {
	setup(t)
	a := open(t)
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	for _, c := range []struct{ settings, page, want string }{
		{"system", "", "de"}, {"system", "fr", "fr"}, {"en", "fr", "en"}, {"zh-Hans", "", "zh-Hans"},
	} {
		if _, err := a.Settings.Update(t.Context(), []byte(`{"language":"`+c.settings+`"}`)); err != nil {
			t.Fatal(err)
		}
		if got, err := a.Writer.request(api.WriteRequest{Command: "rewrite", Language: c.page}); err != nil || got.Language != c.want {
			t.Errorf("%+v: got %q, %v", c, got.Language, err)
		}
	}
}
