//go:build linux

package linux

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"log/slog"
	"math"
	"sync"

	"fyne.io/systray"
	"github.com/godbus/dbus/v5"

	"qwill/app/shell"
)

const watcherName = "org.kde.StatusNotifierWatcher"

// Tray is the icon in the panel, by StatusNotifierItem. There can be one in a
// process. It implements shell.StatusItem.
type Tray struct {
	Icon []byte // PNG

	mu    sync.Mutex
	lines map[string]*line
	state string
	end   func()
}

// line is one line of the menu. Lines are never removed: the library would
// close a channel that a click may just be sent on.
type line struct {
	item   *systray.MenuItem
	title  string
	hidden bool
	run    func() // guarded by Tray.mu
}

// HasTray reports whether a panel on this session shows tray icons. Without
// one, a hidden window could only come back by starting Qwill again.
func HasTray() bool {
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		return false
	}
	defer conn.Close()
	var owned bool
	err = conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, watcherName).Store(&owned)
	return err == nil && owned
}

// Start shows the icon, at once or when a panel appears. Entries always have
// the same lines.
func (t *Tray) Start(entries []shell.Entry, state string) error {
	if _, err := dbus.SessionBus(); err != nil { // systray would only log it
		return fmt.Errorf("show the tray icon: %w", err)
	}
	// All is set before the start: the library reads it then without a lock.
	t.mu.Lock()
	t.lines = map[string]*line{}
	t.add(entries, nil)
	t.show(state)
	t.mu.Unlock()
	systray.SetTitle("Qwill")
	if len(entries) > 0 {
		systray.SetOnTapped(entries[0].Run)
	}
	start, end := systray.RunWithExternalLoop(nil, nil)
	t.end = end
	start()
	return nil
}

func (t *Tray) add(entries []shell.Entry, parent *systray.MenuItem) {
	for _, e := range entries {
		switch {
		case e.Title == "" && parent == nil:
			systray.AddSeparator()
			continue
		case e.Title == "":
			parent.AddSeparator()
			continue
		}
		l := &line{title: e.Title, run: e.Run}
		if parent == nil {
			l.item = systray.AddMenuItem(e.Title, "")
		} else {
			l.item = parent.AddSubMenuItem(e.Title, "")
		}
		t.lines[e.ID] = l
		if e.Run == nil && e.Entries == nil && !e.Hidden {
			l.item.Disable()
		}
		l.hide(e.Hidden)
		t.add(e.Entries, l.item)
		go func() {
			for range l.item.ClickedCh {
				t.mu.Lock()
				run := l.run
				t.mu.Unlock()
				if run != nil {
					run()
				}
			}
		}()
	}
}

// Update changes what differs; a menu that is open stays open.
func (t *Tray) Update(entries []shell.Entry, state string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.end == nil {
		return
	}
	defer func() {
		if r := recover(); r != nil { // the library's answer to a bus that has gone
			slog.Warn("the tray icon is lost", "error", r)
			t.end = nil
		}
	}()
	t.change(entries)
	t.show(state)
}

func (t *Tray) change(entries []shell.Entry) {
	for _, e := range entries {
		l := t.lines[e.ID]
		if l == nil {
			continue // a separator
		}
		l.run = e.Run
		if l.title != e.Title {
			l.title = e.Title
			l.item.SetTitle(e.Title)
		}
		l.hide(e.Hidden)
		t.change(e.Entries)
	}
}

func (l *line) hide(hidden bool) {
	if l.hidden == hidden {
		return
	}
	l.hidden = hidden
	if hidden {
		l.item.Hide()
	} else {
		l.item.Show()
	}
}

// show puts a state on the icon. The caller holds mu.
func (t *Tray) show(state string) {
	if state == t.state && t.end != nil {
		return
	}
	t.state = state
	systray.SetIcon(badge(t.Icon, state))
	systray.SetTooltip("Qwill")
}

// badges are the colours of the dot that a state puts on the icon.
var badges = map[string]color.NRGBA{
	shell.StateWriting: {0x2e, 0xa0, 0x43, 0xff},
	shell.StateLoading: {0xf2, 0xb1, 0x4a, 0xff},
	shell.StateNoModel: {0x8a, 0x8a, 0x8a, 0xff},
	shell.StateFailed:  {0xd1, 0x3b, 0x3b, 0xff},
}

// badge draws a dot in the icon's lower right corner; no state, no dot.
func badge(icon []byte, state string) []byte {
	dot, ok := badges[state]
	if !ok {
		return icon
	}
	base, err := png.Decode(bytes.NewReader(icon))
	if err != nil {
		return icon
	}
	img := image.NewNRGBA(base.Bounds())
	draw.Draw(img, img.Bounds(), base, base.Bounds().Min, draw.Src)
	b := img.Bounds()
	radius := float64(b.Dx()) * 0.2
	cx, cy := float64(b.Max.X)-radius-0.5, float64(b.Max.Y)-radius-0.5
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			switch d := math.Hypot(float64(x)-cx, float64(y)-cy); {
			case d <= radius:
				img.SetNRGBA(x, y, dot)
			case d <= radius+1.5: // a gap keeps it apart from the icon
				img.SetNRGBA(x, y, color.NRGBA{})
			}
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		return icon
	}
	return out.Bytes()
}

// Stop removes the icon.
func (t *Tray) Stop() {
	t.mu.Lock()
	end := t.end
	t.end = nil
	t.mu.Unlock()
	if end != nil {
		end()
	}
}
