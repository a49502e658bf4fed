package main

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"qwill/app/api"
	"qwill/app/desktop"
	"qwill/app/events"
	"qwill/app/history"
	"qwill/app/paths"
	"qwill/app/shell"
	"qwill/app/wire"
)

// window joins the app to its window.
type window struct{ *desktop.Desktop }

func (w window) Run(ctx context.Context, a *wire.App, static fs.FS) error {
	defer context.AfterFunc(ctx, w.Quit)()
	web := "" // the system's place, beside other programs' data
	if os.Getenv(paths.HomeVariable) != "" {
		web = a.Paths.Cache
	}
	var commands []shell.Command
	for _, c := range a.Commands.All() {
		if c.Key != "" { // the others need more than a text
			commands = append(commands, shell.Command{ID: c.ID, Title: c.Title})
		}
	}
	a.Desktop = &api.Desktop{First: w.First, Hotkey: w.HotkeyState, Suggesting: w.Suggesting, Insert: w.Insert, Restore: w.Restore}
	a.FollowStatus(w.Update)
	// Loading a model takes every core: it waits until the window is painted,
	// or for a while where no page comes up.
	defer time.AfterFunc(5*time.Second, a.Prepare).Stop()
	return w.Desktop.Run(desktop.Options{
		Loaded:   func() { time.AfterFunc(200*time.Millisecond, a.Prepare) },
		Page:     static,
		Handler:  a.Handler(static, "", true, w.Window),
		Publish:  func(s shell.Surface) { a.Events.Publish(events.Event{Name: "surface", Data: s}) },
		Hotkey:   func(h shell.Hotkey) { a.Events.Publish(events.Event{Name: "hotkey", Data: h}) },
		Commands: commands,
		Write: func(ctx context.Context, command, text string) (string, error) {
			r, err := a.Writer.Write(ctx, api.WriteRequest{Command: command, Text: text, Door: "services"}, func(events.Event) {})
			out := r.Unwarned()
			if err == nil && strings.TrimSpace(out) != "" {
				// Before the other program has it: the original must outlive a crash.
				_, err = a.History.Add(ctx, history.ServicesDoor, command, text, out)
			}
			return out, err
		},
		Replacing: func(program, command, original, replacement string) (func(), error) {
			ctx := context.Background()
			id, err := a.History.Add(ctx, program, command, original, replacement)
			return func() {
				if id == "" {
					return
				}
				if err := a.History.Erase(ctx, id); err != nil {
					slog.Warn("history of an insertion that failed not erased", "error", err)
				}
			}, err
		},
		Suggest:     a.SuggestElsewhere,
		Cache:       a.Paths.Cache,
		StopWriting: a.StopWriting,
		Unload:      a.Unload,
		StateFile:   filepath.Join(a.Paths.Data, "window.json"),
		Web:         web,
		Close: func() {
			if err := a.Close(); err != nil {
				slog.Error("not all was closed in order", "error", err)
			}
		},
	})
}
