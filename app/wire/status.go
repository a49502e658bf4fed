package wire

import (
	"context"
	"log/slog"
	"os"
	"time"

	"qwill/app/command"
	"qwill/app/serve"
	"qwill/app/shell"
	"qwill/engine"
)

// statusPause joins changes that follow each other fast.
const statusPause = 100 * time.Millisecond

// unloadTime bounds how long freeing the model waits for what runs on it.
const unloadTime = 2 * time.Second

// Status is Qwill as the desktop shows it while the window may be hidden.
func (a *App) Status() shell.Status {
	set, run := a.Settings.Get(), a.Serve.Status()
	language := set.Language
	if language == "system" {
		language = command.SystemLanguage(os.Getenv)
	}
	s := shell.Status{Language: shell.Language(language), State: shell.StateIdle, Percent: run.Percent, Resident: run.Open,
		Hotkey: set.Hotkey, Enabled: set.HotkeyEnabled, Suggest: set.SuggestElsewhere}
	if m, err := a.Models.Find(a.life, ""); err == nil {
		s.Model = m.Title
	}
	switch {
	case run.Phase == engine.Failed:
		s.State = shell.StateFailed
	case run.Phase == serve.Loading:
		s.State = shell.StateLoading
	case run.Running > 0:
		s.State = shell.StateWriting
	case s.Model == "":
		s.State = shell.StateNoModel
	}
	chats, err := a.Chats.List(a.life)
	if err != nil {
		return s // the menu lists none until the next change
	}
	for _, c := range chats[:min(len(chats), shell.RecentChats)] {
		s.Recent = append(s.Recent, shell.Chat{ID: c.ID, Title: c.Title})
	}
	return s
}

// FollowStatus calls fn with the status now and at each change, one call at a
// time, until the app is closed.
func (a *App) FollowStatus(fn func(shell.Status)) {
	wake := make(chan struct{}, 1)
	poke := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	stop := a.Serve.Subscribe(func(serve.Status) { poke() })
	changes := a.Events.Subscribe()
	a.work.Go(func() {
		defer changes.Close()
		for {
			e, ok := changes.Next(a.life)
			if !ok {
				return
			}
			switch e.Name {
			case "settings", "models", "chats":
				poke()
			}
		}
	})
	a.work.Go(func() {
		defer stop()
		for {
			select {
			case <-wake:
				fn(a.Status())
			case <-a.life.Done():
				return
			}
			select {
			case <-time.After(statusPause):
			case <-a.life.Done():
				return
			}
		}
	})
}

// StopWriting ends all replies and commands that run, keeping their text.
func (a *App) StopWriting() {
	a.Writer.stopAll()
	chats, err := a.Chats.List(a.life)
	if err != nil {
		slog.Warn("chats not stopped", "error", err)
		return
	}
	for _, c := range chats {
		if !c.Replying {
			continue
		}
		if err := a.Chats.Stop(a.life, c.ID); err != nil {
			slog.Warn("chat not stopped", "error", err)
		}
	}
}

// Unload frees the models' memory until they are needed again.
func (a *App) Unload() {
	ctx, cancel := context.WithTimeout(a.life, unloadTime)
	defer cancel()
	if err := a.Serve.ForgetAll(ctx); err != nil {
		slog.Warn("model not unloaded", "error", err)
	}
}
