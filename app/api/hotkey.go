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
