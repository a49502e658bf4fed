package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"qwill/app/api"
	"qwill/app/events"
	"qwill/app/settings"
	"qwill/app/shell"
)

// memory is settings that are not kept.
type memory struct{}

func (memory) ReadSettings(context.Context) (map[string]json.RawMessage, error) { return nil, nil }
func (memory) WriteSettings(context.Context, map[string]json.RawMessage) error  { return nil }

func TestHotkey(t *testing.T) {
	broker := &events.Broker{}
	s, err := settings.Open(t.Context(), memory{}, broker)
	if err != nil {
		t.Fatal(err)
	}
	told := []shell.Surface{{Surface: shell.Prompt, Text: "selected", Command: "rewrite"}}
	desktop := &api.Desktop{
		Hotkey: func() shell.Hotkey {
			return shell.Hotkey{State: shell.HotkeyTaken, Via: "x11", Hotkey: "Super+J", Message: "choose others"}
		},
		First: func() (shell.Surface, bool) {
			if len(told) == 0 {
				return shell.Surface{}, false
			}
			first := told[0]
			told = nil
			return first, true
		},
	}
	c := api.Config{Native: true, Settings: s, Events: broker, Engine: func() api.EngineState { return api.EngineState{} }, Desktop: desktop}
	get := func(c api.Config) string {
		w := httptest.NewRecorder()
		api.New(c).ServeHTTP(w, httptest.NewRequest("GET", "/api/hotkey", nil))
		return w.Body.String()
	}
	if got, want := get(c), `{"state":"taken","via":"x11","hotkey":"Super+J","message":"choose others"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	browser := c
	browser.Desktop = nil
	if got := get(browser); !strings.Contains(got, `"state":"unavailable"`) || !strings.Contains(got, `"hotkey":"Ctrl+Alt+Space"`) {
		t.Errorf("in a browser: %s", got)
	}

	// The page learns what was asked for before it listened, and only once.
	server := httptest.NewServer(api.New(c))
	defer server.Close()
	for _, want := range []string{"surface", "chats"} {
		res, err := server.Client().Get(server.URL + "/api/events")
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(res.Body)
		var names []string
		for len(names) < 2 && lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				names = append(names, name)
				broker.Publish(events.Event{Name: "chats"})
			}
		}
		res.Body.Close()
		if len(names) != 2 || names[0] != "engine" || names[1] != want {
			t.Errorf("events %v, want engine and %s", names, want)
		}
	}
}
