package api

import (
	"context"
	"net/http"

	"qwill/app/shell"
)

// Desktop is what the native window knows; none of it is there in a browser.
type Desktop struct {
	// First gives, once, the surface that was asked for before the page listened.
	First  func() (s shell.Surface, ok bool)
	Hotkey func() shell.Hotkey
	// Suggesting tells what became of suggestions in other programs.
	Suggesting func() shell.Suggesting
	// Insert puts a text back where the quick prompt's was captured.
	Insert func(ctx context.Context, target, text, command string) (shell.Inserted, error)
	// Restore puts an original back where its replacement stands.
	Restore func(ctx context.Context, program, result, original string) (shell.Inserted, error)
}

func (a *api) hotkey(w http.ResponseWriter, _ *http.Request) error {
	if a.Desktop != nil {
		return reply(w, http.StatusOK, a.Desktop.Hotkey())
	}
	return reply(w, http.StatusOK, shell.Hotkey{State: shell.HotkeyUnavailable, Hotkey: a.Settings.Get().Hotkey,
		Message: "only Qwill's own window can have a shortcut: run qwill without ui"})
}

func (a *api) suggesting(w http.ResponseWriter, _ *http.Request) error {
	if a.Desktop != nil && a.Desktop.Suggesting != nil {
		return reply(w, http.StatusOK, a.Desktop.Suggesting())
	}
	return reply(w, http.StatusOK, shell.Suggesting{State: shell.SuggestingUnavailable, Programs: []shell.SuggestingIn{},
		Message: "only Qwill's own window can suggest in other programs: run qwill without ui"})
}
