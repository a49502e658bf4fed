package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"qwill/app/api/guard"
	"qwill/app/diag"
	"qwill/app/errs"
	"qwill/app/paths"
	"qwill/app/wire"
)

// defaultAddr takes any free port.
const defaultAddr = "127.0.0.1:0"

// tokenVariable fixes the access token, for tests and scripts.
const tokenVariable = "QWILL_TOKEN"

func (r *runner) ui() *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use: "ui", Short: "Serve the interface on this machine and print its address", Args: cobra.NoArgs,
		Long: "Serves the same interface as the window on a loopback address and prints that\naddress with its access token. " + tokenVariable + " sets the token.",
		RunE: func(cmd *cobra.Command, _ []string) error { return r.browser(cmd.Context(), addr) },
	}
	cmd.Flags().StringVar(&addr, "addr", defaultAddr, "loopback address and port; port 0 takes any free one")
	return cmd
}

// open shows the window, or the interface where there is none.
func (r *runner) open(ctx context.Context, addr, action string) error {
	if r.Window == nil || !display() {
		if action != "" {
			return errs.New(errs.Invalid, 400, "There is no window to do that in.").
				Try("start it from your desktop, or set DISPLAY; qwill ui serves the interface to a browser")
		}
		return r.browser(ctx, addr)
	}
	if r.Window.Start(os.Getenv(paths.HomeVariable), action) {
		return nil
	}
	a, err := r.interfaceApp(ctx)
	if err != nil {
		return err
	}
	return r.Window.Run(ctx, a, r.Static)
}

// display reports whether a window can be shown.
func display() bool {
	return runtime.GOOS != "linux" || os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}

// interfaceApp opens the parts for the one process that shows the chats.
func (r *runner) interfaceApp(ctx context.Context) (*wire.App, error) {
	a, err := r.logged(ctx, "qwill")
	if err != nil {
		return nil, err
	}
	if err := a.Interface(ctx); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}

// logged opens the parts for a process that stays: it logs to a file too, and
// leaves reports of crashes. A log that cannot be written is no reason to fail.
func (r *runner) logged(ctx context.Context, name string) (*wire.App, error) {
	var log *diag.Log
	if p, err := paths.Resolve(); err == nil && p.Ensure() == nil {
		if log, err = diag.Open(p.Logs, name); err == nil { // before the parts that log
			slog.SetDefault(slog.New(log.Handler(diag.Terminal(r.Err, slog.LevelWarn))))
		} else {
			slog.Warn("no log file", "error", err)
		}
	}
	a, err := r.app(ctx, slog.Default())
	if err != nil {
		if log != nil {
			log.Close()
		}
		return nil, err
	}
	a.Log = log
	return a, nil
}

// browser serves the interface until Ctrl-C.
func (r *runner) browser(ctx context.Context, addr string) error {
	l, err := guard.Listen(addr)
	if err != nil {
		return err
	}
	defer l.Close()
	a, err := r.interfaceApp(ctx)
	if err != nil {
		return err
	}
	defer a.Close()
	a.Prepare()
	token := os.Getenv(tokenVariable)
	if token == "" {
		token = rand.Text()
	}
	url := fmt.Sprintf("http://%s/?token=%s", l.Addr(), token)
	if err := r.print(map[string]string{"url": url}, func(w io.Writer) { fmt.Fprintln(w, url) }); err != nil {
		return err
	}
	if !r.json {
		fmt.Fprintln(r.Err, "Open this address in a browser on this machine. Ctrl-C ends.")
	}
	return serveUntil(ctx, l, a.Handler(r.Static, token, false, nil))
}

// serveUntil serves h on l until ctx ends, then lets short requests finish.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	s := guard.Server(h)
	life, end := context.WithCancel(context.Background())
	defer end()
	s.BaseContext = func(net.Listener) context.Context { return life }
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	end() // streams end, so that the server can
	wait, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := s.Shutdown(wait); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("serve: %w", err)
	}
	s.Close()
	return nil
}
