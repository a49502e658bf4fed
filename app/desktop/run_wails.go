//go:build desktop

package desktop

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/logger"
	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
	linuxoptions "github.com/wailsapp/wails/v2/pkg/options/linux"
	macoptions "github.com/wailsapp/wails/v2/pkg/options/mac"
	"github.com/wailsapp/wails/v2/pkg/runtime"

	"qwill/app/shell"
	"qwill/assets/icons"
)

// Available says whether this build can show a window.
const Available = true

// Native is what the page may call directly, because HTTP cannot do it.
type Native struct{ ctx context.Context }

// ChooseModel asks for a GGUF file and gives its path, "" when cancelled.
func (n *Native) ChooseModel() (string, error) {
	return runtime.OpenFileDialog(n.ctx, runtime.OpenDialogOptions{
		Title:   "Choose a model file",
		Filters: []runtime.FileFilter{{DisplayName: "GGUF models (*.gguf)", Pattern: "*.gguf"}},
	})
}

// ChooseModelFolder asks for a folder in MLX form, "" when cancelled.
func (n *Native) ChooseModelFolder() (string, error) {
	return runtime.OpenDirectoryDialog(n.ctx, runtime.OpenDialogOptions{Title: "Choose a model folder"})
}

// ChooseExport asks where to save an export and gives the path, "" when
// cancelled; name is what the file is called at first.
func (n *Native) ChooseExport(name string) (string, error) {
	return runtime.SaveFileDialog(n.ctx, runtime.SaveDialogOptions{DefaultFilename: name, CanCreateDirectories: true})
}

// Run shows the window until Qwill is quit. It must be called on the main
// goroutine.
func (d *Desktop) Run(o Options) error {
	var once sync.Once
	closeAll := func() {
		once.Do(func() {
			if d.joined != nil {
				d.joined.stop()
			}
			if o.Close != nil {
				o.Close()
			}
		})
	}
	defer closeAll()

	saved, ok := readPlace(o.StateFile)
	if !ok {
		saved = Place{Width: defaultWidth, Height: defaultHeight}
	}
	native := &Native{}
	d.mu.Lock()
	d.options = o
	d.mu.Unlock()
	keepWebIn(o.Web)
	app := &options.App{
		Title:  "Qwill",
		Width:  saved.Width,
		Height: saved.Height,
		// The frame shows the window once it knows its shape.
		StartHidden: true,
		AssetServer: &assetserver.Options{Assets: o.Page, Handler: o.Handler},
		Bind:        []any{native},
		LogLevel:    logger.WARNING, LogLevelProduction: logger.ERROR,
		EnableDefaultContextMenu: true, // copy and paste by mouse
		OnStartup: func(ctx context.Context) {
			native.ctx = ctx
			d.has(func() {
				d.frame = newFrame(ctx, d, saved, ok)
				d.clipboard = func() string {
					text, err := runtime.ClipboardGetText(ctx)
					if err != nil {
						slog.Warn("read the clipboard", "error", err)
					}
					return text
				}
				d.quit = func() { runtime.Quit(ctx) }
			})
			if d.joined != nil {
				d.joined.start(o, d)
				d.mu.Lock()
				d.started = true
				status := d.status
				d.mu.Unlock()
				d.Update(status)
			}
		},
		OnDomReady: func(ctx context.Context) {
			d.has(func() { d.loaded = true })
			d.mu.Lock()
			surface := d.surface
			d.mu.Unlock()
			if surface == shell.Prompt { // sooner than the page hears of it
				runtime.WindowExecJS(ctx, `location.hash = "#/prompt"`)
			}
			o.Loaded()
		},
		OnBeforeClose: func(context.Context) bool {
			if d.beforeClose() {
				return true
			}
			d.savePlace(o.StateFile)
			return false
		},
		OnShutdown: func(context.Context) { closeAll() },
		Linux: &linuxoptions.Options{
			Icon: icons.App, ProgramName: "qwill",
			// Software rendering: the page is text, and drivers of virtual
			// displays and old cards show blank windows otherwise.
			WebviewGpuPolicy: linuxoptions.WebviewGpuPolicyNever,
		},
		Mac: &macoptions.Options{
			TitleBar: macoptions.TitleBarHiddenInset(),
			About:    &macoptions.AboutInfo{Title: "Qwill", Message: "Private writing and chat on this Mac", Icon: icons.App},
		},
	}
	if err := wails.Run(app); err != nil {
		return fmt.Errorf("open the window: %w", err)
	}
	return nil
}

func (d *Desktop) savePlace(file string) {
	d.mu.Lock()
	f := d.frame
	d.mu.Unlock()
	if f == nil {
		return
	}
	if p, ok := f.place(); ok {
		if err := writePlace(file, p); err != nil {
			slog.Warn("the window's place is not kept", "error", err)
		}
	}
}
