//go:build desktop && !linux

package desktop

import (
	"context"

	"github.com/wailsapp/wails/v2/pkg/runtime"
)

// wailsFrame shapes the window with what Wails offers everywhere.
type wailsFrame struct {
	ctx  context.Context
	last Place
}

// keepWebIn does nothing: elsewhere the system places the web view's data.
func keepWebIn(string) {}

func newFrame(ctx context.Context, _ *Desktop, saved Place, known bool) frame {
	f := &wailsFrame{ctx: ctx, last: saved}
	if known {
		runtime.WindowSetPosition(ctx, saved.X, saved.Y)
	}
	return f
}

func (f *wailsFrame) main(focus bool) {
	runtime.WindowSetAlwaysOnTop(f.ctx, false)
	runtime.WindowSetSize(f.ctx, f.last.Width, f.last.Height)
	if focus {
		runtime.WindowShow(f.ctx)
	}
}

func (f *wailsFrame) prompt() {
	if p, ok := f.place(); ok {
		f.last = p
	}
	runtime.WindowSetSize(f.ctx, PromptWidth, PromptHeight)
	runtime.WindowCenter(f.ctx)
	runtime.WindowSetAlwaysOnTop(f.ctx, true)
	runtime.WindowShow(f.ctx)
}

func (f *wailsFrame) hide() { runtime.WindowHide(f.ctx) }

func (f *wailsFrame) place() (Place, bool) {
	x, y := runtime.WindowGetPosition(f.ctx)
	w, h := runtime.WindowGetSize(f.ctx)
	p := Place{X: x, Y: y, Width: w, Height: h}
	return p, w > PromptWidth && h > PromptHeight
}
