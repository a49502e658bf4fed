package desktop

import (
	"errors"
	"log/slog"

	"qwill/app/linux"
	"qwill/app/shell"
	"qwill/assets/icons"
)

type linuxSession struct {
	bus  *linux.Bus
	tray *linux.Tray
}

func join(home string, first shell.Surface, d *Desktop) (session, bool, error) {
	bus, err := linux.Connect(home, first, d)
	if errors.Is(err, linux.ErrRunning) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	return &linuxSession{bus: bus}, false, nil
}

func (s *linuxSession) start(o Options, d *Desktop) (keep bool) {
	keep = linux.HasTray()
	s.tray = &linux.Tray{Icon: icons.Tray}
	if err := s.tray.Start(shell.Menu(o.Commands, d)); err != nil {
		slog.Warn("no tray icon", "error", err)
		keep = false
	}
	if err := s.bus.Start(&shell.Service{Commands: o.Commands, Write: o.Write, Actions: d}); err != nil {
		slog.Warn("other programs cannot run the commands", "error", err)
	}
	return keep
}

func (s *linuxSession) stop() {
	if s.tray != nil {
		s.tray.Stop()
	}
	s.bus.Stop()
}
