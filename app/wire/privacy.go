package wire

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"qwill/app/api"
	"qwill/app/chat"
	"qwill/app/diag"
	"qwill/app/errs"
	"qwill/app/privacy"
	"qwill/app/settings"
	"qwill/engine"
)

// stopTime bounds how long what runs may take to end before all is erased.
const stopTime = 30 * time.Second

// idle hands the time without use to the models' owner.
func (a *App) idle() {
	a.Serve.SetIdle(time.Duration(a.Settings.Get().IdleMinutes) * time.Minute)
}

// Keep starts the background work that the settings ask for: models are
// unloaded, and expired chats erased.
func (a *App) Keep() {
	changes := a.Events.Subscribe()
	changed, choice := make(chan struct{}, 1), make(chan struct{}, 1)
	a.work.Go(func() {
		defer changes.Close()
		for {
			e, ok := changes.Next(a.life)
			if !ok {
				return
			}
			if e.Name != "settings" {
				continue
			}
			a.idle()
			for _, c := range []chan struct{}{changed, choice} {
				select {
				case c <- struct{}{}:
				default:
				}
			}
		}
	})
	j := &privacy.Janitor{Store: a.Store, Chats: a.Chats, Settings: a.Settings.Get, Now: time.Now}
	a.work.Go(func() { j.Run(a.life, changed) })
	a.work.Go(func() { a.History.Run(a.life, choice) })
}

// keepsHistory reports whether replacements are kept; another process may have
// changed that.
func (a *App) keepsHistory() bool {
	s := a.Settings
	if a.instance == nil {
		if now, err := settings.Open(a.life, a.Store, a.Events); err == nil {
			s = now
		}
	}
	return s.Get().KeepHistory
}

// EraseOptions say what goes besides all that was written.
type EraseOptions struct {
	Models   bool // every installed model
	Settings bool // every choice, preset and command of the user's own
}

// Erase erases all chats, drafts, folders, history, logs, crash reports, caches
// and databases that were set aside, and counts the bytes that came free.
// Settings, with presets and the user's own commands, and models stay unless o
// says otherwise.
func (a *App) Erase(ctx context.Context, o EraseOptions) (int64, error) {
	release, err := a.Store.Alone()
	if err != nil {
		return 0, err
	}
	defer release()
	ctx = context.WithoutCancel(ctx) // whoever asked may have gone: it must not stop half way
	p := privacy.Parts{Paths: a.Paths, Window: a.Desktop != nil, Stop: a.stopAll, Chats: a.Chats.EraseAll}
	if a.Log != nil {
		p.Logs = a.Log.Empty
	}
	if o.Models {
		p.Models = a.eraseModels
	}
	if o.Settings {
		p.Settings = a.eraseSettings
	}
	n, err := privacy.Erase(ctx, p)
	if err != nil {
		return n, errs.From(err)
	}
	return n, nil
}

// stopAll ends commands and replies, and the engine with what it remembers of
// them.
func (a *App) stopAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	a.StopWriting()
	for !a.Engine.Rest() {
		if s := a.Engine.State().Phase; s == engine.Stopped || s == engine.Failed {
			break
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// eraseSettings gives every choice its default. The database is written anew
// once more: the old choices held texts.
func (a *App) eraseSettings(ctx context.Context) error {
	err := a.Settings.Reset(ctx)
	for _, c := range a.Commands.Custom() {
		err = errors.Join(err, a.Commands.Remove(ctx, c.ID))
	}
	presets, e := a.Chats.Presets(ctx)
	err = errors.Join(err, e)
	for _, p := range presets {
		err = errors.Join(err, a.Chats.DeletePreset(ctx, p.ID))
	}
	return errors.Join(err, a.Store.Compact(ctx))
}

func (a *App) eraseModels(ctx context.Context) error {
	jobs, err := a.Pulls.Jobs(ctx)
	if err != nil {
		return err
	}
	for _, j := range jobs { // a download would write on
		err = errors.Join(err, a.Pulls.Cancel(ctx, j.ID))
	}
	all, e := a.Models.List(ctx)
	if e != nil {
		return errors.Join(err, e)
	}
	for _, m := range all {
		err = errors.Join(err, a.Models.Remove(ctx, m.Name))
	}
	entries, e := os.ReadDir(a.Paths.Models)
	if e != nil {
		return errors.Join(err, e)
	}
	for _, entry := range entries { // what nothing lists any more
		if !strings.HasSuffix(entry.Name(), ".lock") {
			err = errors.Join(err, os.RemoveAll(filepath.Join(a.Paths.Models, entry.Name())))
		}
	}
	return err
}

// retention gives what the settings say now; another process may have changed
// them.
func (a *App) retention(ctx context.Context) settings.Retention {
	if a.instance != nil {
		return a.Settings.Get().Retention
	}
	now, err := settings.Open(ctx, a.Store, a.Events)
	if err != nil { // then nothing is kept
		return settings.Retention{Chat: settings.None, Prompt: settings.None, Services: settings.None, Server: settings.None}
	}
	return now.Get().Retention
}

// keeps reports whether the history of a door is kept.
func (a *App) keeps(door string) bool {
	r := a.retention(a.life)
	return map[string]string{chat.DoorPrompt: r.Prompt, chat.DoorServices: r.Services, chat.DoorServer: r.Server}[door] != settings.None
}

// recordWriting keeps a command's text and result as a chat, where its door
// keeps any.
func (a *App) recordWriting(ctx context.Context, r api.WriteRequest, model, result string) {
	keep := a.retention(ctx)
	door, period := "", settings.None
	switch r.Door {
	case "prompt":
		door, period = chat.DoorPrompt, keep.Prompt
	case "services":
		door, period = chat.DoorServices, keep.Services
	}
	if period == settings.None {
		return
	}
	title, text := "", r.Text
	if c, err := a.Commands.Find(r.Command); err == nil && r.Command != "ask" {
		title = c.Title
	}
	if r.Instruction != "" {
		text = r.Instruction + "\n\n" + text
	}
	a.record(ctx, door, title, model, "", chat.Message{Role: chat.User, Content: text}, chat.Message{Role: chat.Assistant, Content: result})
}

// KeepServed keeps a request of another program and its answer as a chat, where
// the settings keep any.
func (a *App) KeepServed(ctx context.Context, p engine.GenerateParams, text, reasoning string) {
	if a.retention(ctx).Server == settings.None {
		return
	}
	var system string
	var all []chat.Message
	for _, m := range p.Messages {
		if m.Role == chat.User || m.Role == chat.Assistant {
			all = append(all, chat.Message{Role: m.Role, Content: m.Content, Reasoning: m.Reasoning})
		} else if m.Content != "" {
			system = m.Content
		}
	}
	if len(p.Messages) == 0 {
		all = append(all, chat.Message{Role: chat.User, Content: p.Text})
	}
	all = append(all, chat.Message{Role: chat.Assistant, Content: text, Reasoning: reasoning})
	a.record(ctx, chat.DoorServer, "", a.modelName(p.Path), system, all...)
}

func (a *App) record(ctx context.Context, door, title, model, system string, all ...chat.Message) {
	all = slices.DeleteFunc(all, func(m chat.Message) bool { return m.Content == "" && m.Reasoning == "" })
	if len(all) < 2 {
		return
	}
	if err := a.Chats.Record(context.WithoutCancel(ctx), door, title, model, system, all...); err != nil {
		slog.Warn("history not kept", "door", door, "error", err)
	}
}

// Examine adds to the report what these parts tell.
func (a *App) Examine(ctx context.Context, r *diag.Report) {
	for _, n := range a.Notices {
		r.Note("database", n.Message+" "+n.Detail, n.Hint)
	}
	diag.Database(ctx, r, a.Store, a.Paths.Database())
	diag.Instance(r, a.Paths)
	diag.Switches(r, a.Settings.Get())
	if a.Desktop != nil && a.Desktop.Hotkey != nil {
		h := a.Desktop.Hotkey()
		r.OK("shortcut", "%s %s %s", h.State, h.Via, h.Hotkey)
	}
	diag.Logs(r, a.Paths.Logs)
	diag.Inference(ctx, r, a.Engine, a.Models, a.Serve, a.Settings.Get().Mode)
}

// Doctor is the whole report, as the page shows it.
func (a *App) Doctor(ctx context.Context) *diag.Report {
	r := &diag.Report{}
	diag.Machine(r, Version)
	diag.Folders(r, a.Paths)
	a.Examine(ctx, r)
	r.Write()
	return r
}
