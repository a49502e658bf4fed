package main

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"

	"qwill/app/api"
	"qwill/app/desktop"
	"qwill/app/events"
	"qwill/app/shell"
	"qwill/app/wire"
)

// window joins the app to its window.
type window struct{ *desktop.Desktop }

func (w window) Start(home string, prompt bool) (running bool) {
	first := shell.Surface{Surface: shell.Main}
	if prompt {
		first.Surface = shell.Prompt
	}
	return w.Desktop.Start(home, first)
}

func (w window) Run(ctx context.Context, a *wire.App, static fs.FS) error {
	defer context.AfterFunc(ctx, w.Quit)()
	var commands []shell.Command
	for _, c := range a.Writer.Commands() {
		if c.Key != "" { // the others need more than a text
			commands = append(commands, shell.Command{ID: c.ID, Title: c.Title})
		}
	}
	return w.Desktop.Run(desktop.Options{
		Page:     static,
		Handler:  a.Handler(static, "", true, w.Window),
		Publish:  func(s shell.Surface) { a.Events.Publish(events.Event{Name: "surface", Data: s}) },
		Commands: commands,
		Write: func(ctx context.Context, command, text string) (string, error) {
			r, err := a.Writer.Write(ctx, api.WriteRequest{Command: command, Text: text, Door: "services"}, func(events.Event) {})
			return r.Text, err
		},
		StateFile: filepath.Join(a.Paths.Data, "window.json"),
		Close: func() {
			if err := a.Close(); err != nil {
				slog.Error("not all was closed in order", "error", err)
			}
		},
	})
}
