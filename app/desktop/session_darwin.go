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
func join(string, shell.Surface, *Desktop) (session, bool, error) {
	return &macSession{macos.NewStatus(), macos.NewServices()}, false, nil
}

func (s *macSession) start(o Options, d *Desktop) (keep bool) {
	// Early: macOS delivers a waiting request as soon as the provider is set,
	// and gives up when that comes late.
	if err := s.services.Start(&shell.Service{Commands: o.Commands, Write: o.Write, Actions: d}); err != nil {
		slog.Warn("the Services menu is not available", "error", err)
	}
	if err := s.status.Start(shell.Menu(o.Commands, d)); err != nil {
		slog.Warn("no status item", "error", err)
	}
	return true // the Dock and the status item bring the window back
}

func (s *macSession) stop() {
	s.status.Stop()
	s.services.Stop()
}
