package desktop

import (
	"context"
	"errors"
	"log/slog"

	"qwill/app/linux"
	"qwill/app/shell"
	"qwill/app/suggest"
	"qwill/assets/icons"
)

// linuxSession works with what there is: a display without a session bus still
// has the window and X's shortcuts.
type linuxSession struct {
	bus  *linux.Bus    // nil without a session bus
	sock *linux.Socket // nil without a run-time folder
	tray *linux.Tray   // nil without one
	key  *linux.Hotkey
	edit *linux.Editor
	hint *linux.Suggestions
}

func join(home, action string, d *Desktop) (s session, running bool) {
	bus, err := linux.Connect(home, action, d)
	if errors.Is(err, linux.ErrRunning) {
		return nil, true
	}
	if err != nil { // the window works, other programs cannot reach it
		slog.Warn("Qwill is not reachable for other programs", "error", err)
	}
	sock, err := linux.Listen(home, action, d)
	if errors.Is(err, linux.ErrRunning) { // started where there was no bus, or another one
		if bus != nil {
			bus.Stop()
		}
		return nil, true
	}
	if err != nil && bus == nil {
		slog.Warn("a second start will not find this one", "error", err)
	}
	edit := &linux.Editor{}
	return &linuxSession{bus: bus, sock: sock, edit: edit, hint: &linux.Suggestions{Editor: edit}, key: &linux.Hotkey{
		Press: func() { d.pressed(edit.Capture) },
		Tell: func(state shell.Hotkey) {
			if state.State == shell.HotkeyActive { // programs show their texts only to those who ask before
				edit.Open()
			}
			d.options.Hotkey(state)
		},
	}}, false
}

func (s *linuxSession) start(o Options, d *Desktop) {
	s.hint.Cache = o.Cache
	s.hint.New = func(tell func(suggest.Effect), said func(suggest.Reason)) linux.Session { return o.Suggest(tell, said) }
	if s.bus == nil {
		return
	}
	d.mu.Lock()
	menu, state := d.menu(), d.status.State
	d.mu.Unlock()
	tray := &linux.Tray{Icon: icons.Tray}
	if err := tray.Start(menu, state); err != nil {
		slog.Warn("no tray icon", "error", err)
	} else {
		s.tray = tray
	}
	if err := s.bus.Start(&shell.Service{Commands: o.Commands, Write: o.Write, Actions: d}); err != nil {
		slog.Warn("other programs cannot run the commands", "error", err)
	}
}

func (s *linuxSession) update(menu []shell.Entry, status shell.Status) {
	if s.tray != nil {
		s.tray.Update(menu, status.State)
	}
	s.hint.Set(status.Suggest)
	s.key.Set(status.Enabled, status.Hotkey, shell.WordsFor(status.Language).HotkeyTitle)
}

func (s *linuxSession) hotkey() shell.Hotkey { return s.key.State() }

func (s *linuxSession) find(ctx context.Context, program, text string) (shell.Place, error) {
	return s.edit.Find(ctx, program, text)
}

func (s *linuxSession) suggesting() shell.Suggesting { return s.hint.State() }

func (s *linuxSession) keep() bool {
	return s.tray != nil && linux.HasTray() || s.key.State().State == shell.HotkeyActive
}

func (s *linuxSession) stop() {
	s.hint.Stop()
	s.key.Stop()
	s.edit.Close()
	if s.sock != nil {
		s.sock.Close()
	}
	if s.tray != nil {
		s.tray.Stop()
	}
	if s.bus != nil {
		s.bus.Stop()
	}
}
