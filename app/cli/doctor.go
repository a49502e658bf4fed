package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"qwill/app/diag"
	"qwill/app/errs"
	"qwill/app/models/pull"
	"qwill/app/paths"
	"qwill/app/wire"
)

func (r *runner) doctor() *cobra.Command {
	var hubs bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look for what is wrong and say what to do", Args: cobra.NoArgs,
		Long: "Looks at folders, database, engine, models and display, and prints a report that\ncan be pasted: it holds no text of chats. It sends nothing. Fails when it found\na problem. With --hubs it asks both hubs for a list, a small file and the last\nbytes of a large one.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := r.examine(cmd.Context(), hubs)
			if cmd.Context().Err() != nil {
				return errInterrupted
			}
			err := r.print(d, func(w io.Writer) { fmt.Fprint(w, d.Text) })
			if err == nil && d.Problems > 0 {
				err = errs.New(errs.Internal, 500, "%d of %d checks found a problem.", d.Problems, len(d.Checks)).Try("follow the arrows above")
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&hubs, "hubs", false, "also ask Hugging Face and ModelScope whether downloads would work")
	return cmd
}

func (r *runner) examine(ctx context.Context, hubs bool) *diag.Report {
	d := &diag.Report{}
	defer d.Write()
	diag.Machine(d, wire.Version)
	p, err := paths.Resolve()
	if err != nil {
		d.Problem("folders", err)
		return d
	}
	diag.Folders(d, p)
	r.surface(d)
	a, err := wire.Open(ctx, nil)
	if err != nil {
		d.Problem("database", err)
		return d
	}
	defer a.Close()
	a.Examine(ctx, d)
	if hubs {
		for _, source := range pull.Sources {
			if found, err := a.Pulls.Probe(ctx, source); err != nil {
				d.Problem(source, err)
			} else {
				d.OK(source, "%s", found)
			}
		}
	}
	return d
}

func (r *runner) surface(d *diag.Report) {
	switch {
	case r.Window == nil:
		d.Note("window", "this binary was built without a window", "make build makes one with it; qwill ui serves the same interface")
	case !display():
		d.Note("window", "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)", "qwill ui serves the same interface to a browser on this machine")
	default:
		d.OK("window", "display %s", strings.TrimSpace(os.Getenv("DISPLAY")+" "+os.Getenv("WAYLAND_DISPLAY")))
	}
	if r.Window != nil && runtime.GOOS == "linux" && os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" {
		d.Note("session", "there is no session bus (DBUS_SESSION_BUS_ADDRESS is not set)", "the tray icon and other programs need one: start qwill from your desktop, or with dbus-run-session")
	}
	if r.Static == nil {
		return
	}
	if f, err := r.Static.Open("index.html"); err != nil {
		d.Note("interface", "the page has not been built into this binary", "run make build")
	} else {
		f.Close()
		d.OK("interface", "built in")
	}
}
