package desktop

import (
	"log/slog"

	"qwill/app/macos"
	"qwill/app/shell"
)

type macSession struct {
	status   shell.StatusItem
	services shell.Services
}

// join cannot find another Qwill: macOS itself opens an app only once.
func join(string, string, *Desktop) (session, bool) {
	return &macSession{macos.NewStatus(), macos.NewServices()}, false
}

func (s *macSession) start(o Options, d *Desktop) {
	// Early: macOS delivers a waiting request as soon as the provider is set,
	// and gives up when that comes late.
	if err := s.services.Start(&shell.Service{Commands: o.Commands, Write: o.Write, Actions: d}); err != nil {
		slog.Warn("the Services menu is not available", "error", err)
	}
	d.mu.Lock()
	menu, state := d.menu(), d.status.State
	d.mu.Unlock()
	if err := s.status.Start(menu, state); err != nil {
		slog.Warn("no status item", "error", err)
	}
}

func (s *macSession) update(menu []shell.Entry, status shell.Status) {
	s.status.Update(menu, status.State)
}

// hotkey: the Mac's is not built yet.
func (s *macSession) hotkey() shell.Hotkey {
	return shell.Hotkey{State: shell.HotkeyUnavailable, Message: "this version has no shortcut for the whole Mac: use the menu bar's item"}
}

// suggesting: the Mac's is not built yet.
func (s *macSession) suggesting() shell.Suggesting {
	return shell.Suggesting{State: shell.SuggestingUnavailable, Programs: []shell.SuggestingIn{},
		Message: "this version suggests only in its own window on a Mac"}
}

// keep: the Dock and the status item bring the window back.
func (s *macSession) keep() bool { return true }

func (s *macSession) stop() {
	s.status.Stop()
	s.services.Stop()
}
