package diag

import (
	"context"
	"fmt"
	"os"
	"time"

	"qwill/app/errs"
	"qwill/app/models"
	"qwill/app/settings"
	"qwill/engine"
)

// engineTime bounds the engine's start and a first load.
const engineTime = 2 * time.Minute

// Store is what the doctor asks of the database.
type Store interface {
	Check(ctx context.Context) error // nil: the file is whole
	Version(ctx context.Context) (library string, schema int, err error)
}

// Database reports whether the database at path is whole.
func Database(ctx context.Context, r *Report, s Store, path string) {
	if err := s.Check(ctx); err != nil {
		r.Problem("database", err)
		return
	}
	library, schema, err := s.Version(ctx)
	if err != nil {
		r.Problem("database", err)
		return
	}
	var bytes int64
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(path + suffix); err == nil {
			bytes += info.Size()
		}
	}
	r.OK("database", "%s, %s, schema %d, SQLite %s, whole", path, Size(bytes), schema, library)
}

// Switches reports the choices that explain what Qwill does and does not do.
func Switches(r *Report, s settings.Settings) {
	network := "models may be downloaded when you ask for it"
	if s.Offline {
		network = "off: every connection off this machine is refused"
	}
	r.OK("network", "%s", network)
	idle := "never unloaded"
	if s.IdleMinutes > 0 {
		idle = fmt.Sprintf("unloaded after %d minutes without use", s.IdleMinutes)
	}
	r.OK("settings", "%s mode, models %s; kept: chats %s, quick prompt %s, services %s, server %s", s.Mode, idle,
		s.Retention.Chat, s.Retention.Prompt, s.Retention.Services, s.Retention.Server)
}

// Engine starts the engine.
type Engine interface {
	Start(ctx context.Context) (engine.HelloResult, error)
}

// Models are the installed ones; "" finds the default.
type Models interface {
	EnsureStarter(ctx context.Context) error
	List(ctx context.Context) ([]models.Model, error)
	Find(ctx context.Context, name string) (models.Model, error)
}

// Loader makes a model resident.
type Loader interface {
	Open(ctx context.Context, path string, mode engine.Mode, loading func(percent int)) (engine.ModelInfo, error)
}

// Inference starts the engine, looks at each model's files and loads the
// default model.
func Inference(ctx context.Context, r *Report, e Engine, m Models, l Loader, mode engine.Mode) {
	ctx, cancel := context.WithTimeout(ctx, engineTime)
	defer cancel()
	h, err := e.Start(ctx)
	if err != nil {
		r.Problem("engine", err)
		return
	}
	r.OK("engine", "build %s, MLX %s, started", h.Build, h.MLX)
	r.OK("processor", "%s, kernels %s, %d threads, %s of memory", h.Device, h.Kernels, h.Threads, Size(h.MemoryByte))
	r.OK("confined", "%s", h.Confined)
	if err := m.EnsureStarter(ctx); err != nil {
		r.Problem("starter", err)
	}
	all, err := m.List(ctx)
	if err != nil {
		r.Problem("models", err)
		return
	}
	if len(all) == 0 {
		r.Note("models", "none is installed", "install one with: qwill models import PATH --name NAME")
	}
	for _, x := range all {
		name := "model " + x.Name
		if x.Missing {
			r.Problem(name, errs.New(errs.ModelMissing, 409, "The folder is not there.").At(x.Path).Try("connect its drive, or: qwill models rm %s", x.Name))
			continue
		}
		if _, err := models.Inspect(x.Path); err != nil {
			r.Problem(name, err)
			continue
		}
		r.OK(name, "%s, %s, %s, %s, its files are there", x.Title, x.Architecture, x.Quantization, Size(x.Bytes))
	}
	x, err := m.Find(ctx, "")
	if err != nil {
		return
	}
	start := time.Now()
	info, err := l.Open(ctx, x.Path, mode, nil)
	if err != nil {
		r.Problem("loading", err)
		return
	}
	r.OK("loading", "%s in %.1f s, %s mode", x.Name, time.Since(start).Seconds(), info.Mode)
}
