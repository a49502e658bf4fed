package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"qwill/app/errs"
	"qwill/app/filelock"
	"qwill/app/models"
	"qwill/app/paths"
	"qwill/app/wire"
)

// check is one line of the doctor's report.
type check struct {
	Name  string `json:"name"`
	State string `json:"state"` // ok, note, problem
	Found string `json:"found"`
	Hint  string `json:"hint,omitempty"`
}

type report struct {
	Checks   []check `json:"checks"`
	Problems int     `json:"problems"`
}

func (d *report) ok(name, format string, args ...any) {
	d.Checks = append(d.Checks, check{Name: name, State: "ok", Found: fmt.Sprintf(format, args...)})
}

func (d *report) note(name, found, hint string) {
	d.Checks = append(d.Checks, check{name, "note", found, hint})
}

func (d *report) problem(name string, err error) {
	e := errs.From(err)
	found := e.Message
	if e.Detail != "" {
		found = e.Detail + ": " + found
	}
	d.Checks = append(d.Checks, check{name, "problem", found, e.Hint})
	d.Problems++
}

// engineTime bounds the engine's start and a first answer.
const engineTime = 2 * time.Minute

func (r *runner) doctor() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "Look for what is wrong and say what to do", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := r.examine(cmd.Context())
			if cmd.Context().Err() != nil {
				return errInterrupted
			}
			err := r.print(d, func(w io.Writer) {
				for _, c := range d.Checks {
					fmt.Fprintf(w, "%-8s %-12s %s\n", c.State, c.Name, c.Found)
					if c.Hint != "" {
						fmt.Fprintf(w, "%-8s %-12s -> %s\n", "", "", c.Hint)
					}
				}
			})
			if err == nil && d.Problems > 0 {
				err = errs.New(errs.Internal, 500, "%d of %d checks found a problem.", d.Problems, len(d.Checks)).Try("follow the arrows above")
			}
			return err
		},
	}
}

func (r *runner) examine(ctx context.Context) *report {
	d := &report{}
	d.ok("version", "qwill %s, %s/%s, %s", wire.Version, runtime.GOOS, runtime.GOARCH, runtime.Version())
	p, err := paths.Resolve()
	if err != nil {
		d.problem("folders", err)
		return d
	}
	folders(d, p)
	r.surface(d)
	a, err := wire.Open(ctx, nil)
	if err != nil {
		d.problem("database", err)
		return d
	}
	defer a.Close()
	for _, n := range a.Notices {
		d.note("database", n.Message+" "+n.Detail, n.Hint)
	}
	if err := a.Store.Check(ctx); err != nil {
		d.problem("database", err)
	} else if library, schema, err := a.Store.Version(ctx); err != nil {
		d.problem("database", err)
	} else {
		d.ok("database", "%s, schema %d, SQLite %s, whole", p.Database(), schema, library)
	}
	instance(d, p)
	engineChecks(ctx, d, a)
	return d
}

func folders(d *report, p paths.Paths) {
	if err := p.Ensure(); err != nil {
		d.problem("folders", errs.New(errs.Database, 500, "%v.", err).Try("make the folder writable for you, or set %s to another one", paths.HomeVariable))
		return
	}
	for _, f := range []struct{ name, path string }{{"data", p.Data}, {"models", p.Models}, {"logs", p.Logs}, {"cache", p.Cache}} {
		if err := unix.Access(f.path, unix.W_OK|unix.X_OK); err != nil {
			d.problem(f.name, errs.New(errs.Database, 500, "The folder cannot be written.").At(f.path).Try("give yourself the right to write there: chmod u+rwx"))
			continue
		}
		var fs unix.Statfs_t
		if err := unix.Statfs(f.path, &fs); err != nil {
			d.ok(f.name, "%s", f.path)
			continue
		}
		free := int64(fs.Bavail) * int64(fs.Bsize)
		if f.name == "data" && free < 100<<20 {
			d.note(f.name, fmt.Sprintf("%s, only %s free", f.path, size(free)), "free some space, so that chats can be saved")
			continue
		}
		d.ok(f.name, "%s, %s free", f.path, size(free))
	}
}

func (r *runner) surface(d *report) {
	switch {
	case r.Window == nil:
		d.note("window", "this binary was built without a window", "make build makes one with it; qwill ui serves the same interface")
	case !display():
		d.note("window", "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)", "qwill ui serves the same interface to a browser on this machine")
	default:
		d.ok("window", "display %s", strings.TrimSpace(os.Getenv("DISPLAY")+" "+os.Getenv("WAYLAND_DISPLAY")))
	}
	if r.Window != nil && runtime.GOOS == "linux" && os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" {
		d.note("session", "there is no session bus (DBUS_SESSION_BUS_ADDRESS is not set)", "the tray icon and other programs need one: start qwill from your desktop, or with dbus-run-session")
	}
	if r.Static == nil {
		return
	}
	if f, err := r.Static.Open("index.html"); err != nil {
		d.note("interface", "the page has not been built into this binary", "run make build")
	} else {
		f.Close()
		d.ok("interface", "built in")
	}
}

func instance(d *report, p paths.Paths) {
	lock, err := filelock.Try(p.Instance())
	switch {
	case errors.Is(err, filelock.ErrHeld):
		d.ok("instance", "Qwill is open now")
	case err != nil:
		d.problem("instance", err)
	default:
		lock.Release()
		d.ok("instance", "Qwill is not open now")
	}
}

func engineChecks(ctx context.Context, d *report, a *wire.App) {
	ctx, cancel := context.WithTimeout(ctx, engineTime)
	defer cancel()
	h, err := a.Engine.Start(ctx)
	if err != nil {
		d.problem("engine", err)
		return
	}
	d.ok("engine", "build %s, MLX %s, started", h.Build, h.MLX)
	d.ok("processor", "%s, kernels %s, %d threads, %s of memory", h.Device, h.Kernels, h.Threads, size(h.MemoryByte))
	d.ok("confined", "%s", h.Confined)
	if err := a.Models.EnsureStarter(ctx); err != nil {
		d.problem("starter", err)
	}
	all, err := a.Models.List(ctx)
	if err != nil {
		d.problem("models", err)
		return
	}
	if len(all) == 0 {
		d.note("models", "none is installed", "install one with: qwill models import PATH --name NAME")
	}
	for _, m := range all {
		name := "model " + m.Name
		if m.Missing {
			d.problem(name, errs.New(errs.ModelMissing, 409, "The folder is not there.").At(m.Path).Try("connect its drive, or: qwill models rm %s", m.Name))
			continue
		}
		if _, err := models.Inspect(m.Path); err != nil {
			d.problem(name, err)
			continue
		}
		d.ok(name, "%s, %s, %s, %s", m.Title, m.Architecture, m.Quantization, size(m.Bytes))
	}
	m, err := a.Models.Find(ctx, "")
	if err != nil {
		return
	}
	start := time.Now()
	info, err := a.Serve.Open(ctx, m.Path, a.Settings.Get().Mode, nil)
	if err != nil {
		d.problem("loading", err)
		return
	}
	d.ok("loading", "%s in %.1f s, %s mode", m.Name, time.Since(start).Seconds(), info.Mode)
}
