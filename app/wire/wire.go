// Package wire joins Qwill's parts, the same way for every door.
package wire

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime"
	"sync"
	"time"

	"qwill/app/api"
	"qwill/app/chat"
	"qwill/app/command"
	"qwill/app/diag"
	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/fetch"
	"qwill/app/filelock"
	"qwill/app/history"
	"qwill/app/models"
	"qwill/app/models/pull"
	"qwill/app/paths"
	"qwill/app/power"
	"qwill/app/serve"
	"qwill/app/settings"
	"qwill/app/store"
	"qwill/app/transfer"
	"qwill/engine"
)

// Version is set by the build: -ldflags "-X qwill/app/wire.Version=1.2.3".
var Version = "0.1.0-dev"

// closeTime bounds how long the end may take.
const closeTime = 10 * time.Second

// App is Qwill without a door.
type App struct {
	Paths    paths.Paths
	Store    *store.DB
	Notices  []*errs.Error // what the user must know once
	Events   *events.Broker
	Settings *settings.Service
	Engine   *engine.Engine
	Serve    *serve.Server
	Models   *models.Service
	Chats    *chat.Manager
	Commands *command.Registry
	Writer   *Writer
	History  *history.Service
	Transfer *transfer.Service
	Fetch    *fetch.Client
	Pulls    *pull.Service
	Desktop  *api.Desktop // set by the window before Handler
	Log      *diag.Log    // of a process that stays; set before the first use of the engine

	memory   *store.DB // temporary chats
	instance *filelock.Lock
	life     context.Context // ends at Close
	end      context.CancelFunc
	power    *power.Watcher
	work     sync.WaitGroup // background work, which ends with life
	prepared sync.Once
}

// Open joins the parts below the user's folders. The engine's process starts
// with its first use.
func Open(ctx context.Context, log *slog.Logger) (*App, error) {
	p, err := paths.Resolve()
	if err != nil {
		return nil, err
	}
	if err := p.Ensure(); err != nil {
		return nil, errs.New(errs.Database, 500, "%v.", err).At(p.Data).
			Try("make the folder writable for you, or set %s to another one", paths.HomeVariable).Because(err)
	}
	a := &App{Paths: p, Events: &events.Broker{}}
	a.life, a.end = context.WithCancel(context.Background())
	db, notice, err := store.Open(ctx, p.Database(), p.Backups())
	if err != nil {
		return nil, err
	}
	a.Store = db
	if notice != nil {
		a.Notices = append(a.Notices, notice)
	}
	if a.Settings, err = settings.Open(ctx, db, a.Events); err != nil {
		db.Close()
		return nil, err
	}
	a.Engine = engine.New(engine.Config{Log: log, Crashed: func(cause string, stderr []string) {
		if a.Log != nil {
			a.Log.Crashed(cause, stderr)
		}
	}})
	a.Serve = serve.New(a.Engine, serve.Options{})
	a.power = power.Watch(power.System(), powerPause)
	a.idle()
	a.Models = models.New(models.Config{Store: db, Engine: a.Engine, Events: a.Events, Folder: p.Models,
		Default: func() string { return a.Settings.Get().Model }, Unload: a.Serve.Forget})
	a.fetching()
	if a.memory, err = store.OpenMemory(ctx); err != nil {
		db.Close()
		return nil, err
	}
	a.Chats = chat.New(db, a.memory, a.Models, a.Settings, a.Serve, a.Events)
	if a.Commands, err = command.Open(ctx, db, a.tellCommands); err != nil {
		db.Close()
		return nil, err
	}
	a.Writer = &Writer{commands: a.Commands, models: a.Models, settings: a.Settings, serve: a.Serve, engine: a.Engine, record: a.recordWriting,
		trials: newTrials(p.Cache)}
	a.History = &history.Service{Store: db, Keep: a.keepsHistory, Now: time.Now}
	a.Transfer = &transfer.Service{Chats: a.Chats, Ids: db, Cache: p.Cache, Keeps: a.keeps}
	if notice != nil {
		// The list of models was lost with the database; their folders were not.
		if err := a.Models.Rescan(ctx); err != nil {
			a.Notices = append(a.Notices, errs.From(err))
		}
	}
	return a, nil
}

// Interface makes this process the one that shows the chats; replies that an
// ended process left half written are marked.
func (a *App) Interface(ctx context.Context) error {
	lock, err := filelock.Try(a.Paths.Instance())
	if errors.Is(err, filelock.ErrHeld) {
		return errs.New(errs.Running, 409, "Qwill is open already.").At(a.Paths.Data).
			Try("use its window, or quit it first; another %s can run beside it", paths.HomeVariable)
	}
	if err != nil {
		return err
	}
	a.instance = lock
	if _, err := a.Chats.Recover(ctx); err != nil {
		return err
	}
	a.followEngine()
	a.Keep()
	return nil
}

// Prepare installs the starter, loads the default model and goes on with
// downloads, in the background. Of several calls the first one counts.
func (a *App) Prepare() {
	a.prepared.Do(func() {
		if a.life.Err() == nil {
			a.work.Go(a.prepare)
			a.work.Go(a.downloads)
		}
	})
}

// prepare makes Qwill ready to chat, and again when another model or mode is
// chosen.
func (a *App) prepare() {
	changes := a.Events.Subscribe()
	defer changes.Close()
	if err := a.Models.Rescan(a.life); err != nil {
		slog.Warn("models folder not read", "error", err)
	}
	if err := a.Models.EnsureStarter(a.life); err != nil && a.life.Err() == nil {
		slog.Warn("starter not installed", "error", err)
	}
	loaded := a.load("")
	for {
		e, ok := changes.Next(a.life)
		if !ok {
			return
		}
		if e.Name == "settings" || e.Name == "models" {
			loaded = a.load(loaded)
		}
	}
}

// load makes the default model resident unless it is the one loaded last, and
// says which that is now.
func (a *App) load(last string) string {
	m, err := a.Models.Find(a.life, "")
	if err != nil {
		return ""
	}
	mode := a.Settings.Get().Mode
	this := string(mode) + " " + m.Path
	if this == last {
		return last
	}
	if _, err := a.Serve.Open(a.life, m.Path, mode, nil); err != nil && a.life.Err() == nil {
		slog.Warn("model not loaded", "model", m.Name, "error", err)
	}
	return this
}

func (a *App) tellCommands() {
	a.Events.Publish(events.Event{Name: "commands", Data: a.Commands.All()})
}

// Handler is the page's door over these parts.
func (a *App) Handler(static fs.FS, token string, native bool, window func(action string)) http.Handler {
	return api.New(api.Config{
		Version: Version, Platform: runtime.GOOS, Native: native, Token: token, Static: static,
		Chats: a.Chats, Models: a.Models, Settings: a.Settings, Events: a.Events, Writer: a.Writer, Commands: a.Commands, History: a.History, Suggest: a.suggest,
		Engine: a.EngineState, Pulls: a.Pulls, Connections: a.Store.Connections, Window: window, Desktop: a.Desktop, Notices: a.Notices,
		Transfer: a.Transfer, Doctor: a.Doctor,
		Erase: func(ctx context.Context, models, choices bool) (int64, error) {
			return a.Erase(ctx, EraseOptions{Models: models, Settings: choices})
		},
	})
}

// Close interrupts what runs, keeping its text, and ends the engine's process.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	a.end()
	a.Chats.Close(ctx)
	a.Serve.Close()
	err := a.Engine.Close()
	a.work.Wait()
	a.Events.Close()
	err = errors.Join(err, a.memory.Close(), a.Store.Close())
	if a.instance != nil {
		err = errors.Join(err, a.instance.Release())
	}
	if a.Log != nil {
		err = errors.Join(err, a.Log.Close())
	}
	return err
}
