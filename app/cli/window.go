package cli

import (
	"context"
	"io/fs"

	"qwill/app/wire"
)

// Window is the app's window, joined in by the main package.
type Window interface {
	// Start joins the desktop and asks for an action of the status item's menu,
	// "" for the main window; running says that a Qwill that was open already
	// does it, and this process can end.
	Start(home, action string) (running bool)
	// Run shows the window until it is quit or ctx ends. It closes the app.
	Run(ctx context.Context, a *wire.App, static fs.FS) error
}
