//go:build linux

package linux

import (
	"fmt"
	"sync"

	"fyne.io/systray"
	"github.com/godbus/dbus/v5"

	"qwill/app/shell"
)

const watcherName = "org.kde.StatusNotifierWatcher"

// Tray is the icon in the panel, by StatusNotifierItem. There can be one in a
// process.
type Tray struct {
	Icon []byte // PNG
	end  func()
	once sync.Once
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

// Start shows the icon, at once or when a panel appears.
func (t *Tray) Start(entries []shell.Entry) error {
	if _, err := dbus.SessionBus(); err != nil { // systray would only log it
		return fmt.Errorf("show the tray icon: %w", err)
	}
	// All is set before the start: the library reads it then without a lock.
	systray.SetIcon(t.Icon)
	systray.SetTitle("Qwill")
	systray.SetTooltip("Qwill")
	for _, e := range entries {
		if e.Title == "" {
			systray.AddSeparator()
			continue
		}
		item := systray.AddMenuItem(e.Title, "")
		go func() {
			for range item.ClickedCh {
				e.Run()
			}
		}()
	}
	if len(entries) > 0 {
		systray.SetOnTapped(entries[0].Run)
	}
	start, end := systray.RunWithExternalLoop(nil, nil)
	t.end = end
	start()
	return nil
}

// Stop removes the icon.
func (t *Tray) Stop() {
	t.once.Do(func() {
		if t.end != nil {
			t.end()
		}
	})
}
