//go:build linux

// Package linux joins Qwill to a freedesktop session: a tray icon by
// StatusNotifierItem and, on the session bus, an object through which other
// programs run the commands and a second start reaches the first one.
package linux

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/introspect"

	"qwill/app/shell"
)

const (
	busInterface = "org.qwill.Qwill1"
	appInterface = "org.freedesktop.Application" // of the Desktop Entry Specification
	busPath      = dbus.ObjectPath("/org/qwill/Qwill")
)

// ErrRunning says that another Qwill owns this data folder.
var ErrRunning = errors.New("Qwill is already running")

// Bus is Qwill's place on the session bus. It implements shell.Services.
type Bus struct {
	conn *dbus.Conn
	name string
	do   Doer
}

// Doer does what the session asks for.
type Doer interface {
	Show(shell.Surface)
	// Do runs an action by its id; ok is false when there is none.
	Do(action string) (ok bool)
}

// Background starts Qwill without a window: the bus does so when a program asks
// for Qwill, and says next what it wants.
const Background = "background"

// ID is the app as desktops know it: its bus name and its .desktop file.
const ID = "org.qwill.Qwill"

// Name is the bus name of the Qwill whose data lies in the folder home; the
// default folder has the plain name, so that scripts can rely on it.
func Name(home string) string {
	if home == "" {
		return ID
	}
	sum := sha256.Sum256([]byte(home))
	return ID + ".home" + hex.EncodeToString(sum[:6])
}

// Connect takes the bus name. When another process has it, that one is asked
// to do the action, an id of shell.Do or Background, and the error is ErrRunning.
func Connect(home, action string, do Doer) (*Bus, error) {
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		return nil, fmt.Errorf("connect to the session bus: %w", err)
	}
	b := &Bus{conn: conn, name: Name(home), do: do}
	objects := map[string]any{busInterface: &windowObject{b}, appInterface: &appObject{b}, "org.freedesktop.DBus.Introspectable": description()}
	for name, object := range objects {
		if err := conn.Export(object, busPath, name); err != nil {
			conn.Close()
			return nil, fmt.Errorf("export Qwill's object on the session bus: %w", err)
		}
	}
	reply, err := conn.RequestName(b.name, dbus.NameFlagDoNotQueue)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("take the name %s on the session bus: %w", b.name, err)
	}
	if reply == dbus.RequestNameReplyPrimaryOwner {
		return b, nil
	}
	defer conn.Close()
	if action == Background {
		return nil, ErrRunning
	}
	call := conn.Object(b.name, busPath).Call(appInterface+".ActivateAction", 0, cmp.Or(action, shell.Main), []dbus.Variant{}, platformData())
	if call.Err != nil {
		return nil, fmt.Errorf("reach the running Qwill: %w", call.Err)
	}
	return nil, ErrRunning
}

// description tells tools the methods and their types, from the first moment.
func description() introspect.Introspectable {
	return introspect.NewIntrospectable(&introspect.Node{Interfaces: []introspect.Interface{
		introspect.IntrospectData,
		{Name: busInterface, Methods: introspect.Methods(&commandObject{})},
		{Name: appInterface, Methods: introspect.Methods(&appObject{})},
	}})
}

// Start offers the commands as well.
func (b *Bus) Start(a shell.Answerer) error {
	return b.conn.Export(&commandObject{windowObject{b}, a}, busPath, busInterface)
}

// Stop leaves the bus.
func (b *Bus) Stop() { b.conn.Close() }

// windowObject has the methods that work from the first moment.
type windowObject struct{ bus *Bus }

// Show shows a surface, "main" or "prompt", with a text.
func (o *windowObject) Show(surface, text string) *dbus.Error {
	if surface != shell.Main && surface != shell.Prompt {
		return dbus.MakeFailedError(fmt.Errorf("unknown surface %q: use %q or %q", surface, shell.Main, shell.Prompt))
	}
	o.bus.do.Show(shell.Surface{Surface: surface, Text: text})
	return nil
}

// commandObject adds the commands.
type commandObject struct {
	windowObject
	answerer shell.Answerer
}

// Replace runs a command on a text and gives the new text.
func (o *commandObject) Replace(command, text string) (string, *dbus.Error) {
	out, err := o.answerer.Replace(command, text)
	if err != nil {
		return "", dbus.MakeFailedError(err)
	}
	return out, nil
}

// Open shows the quick prompt with a text and a command.
func (o *commandObject) Open(command, text string) *dbus.Error {
	o.answerer.Open(command, text)
	return nil
}

// appObject is what launchers call (Desktop Entry Specification, D-Bus
// activation). Names of the .desktop file's actions are ids of shell.Do, with
// a hyphen where those have a dot.
type appObject struct{ bus *Bus }

// Activate shows the main window.
func (o *appObject) Activate(map[string]dbus.Variant) *dbus.Error {
	o.bus.do.Do("")
	return nil
}

// Open shows the main window: Qwill opens no files from a launcher.
func (o *appObject) Open([]string, map[string]dbus.Variant) *dbus.Error {
	o.bus.do.Do("")
	return nil
}

// ActivateAction does one of the .desktop file's actions.
func (o *appObject) ActivateAction(name string, _ []dbus.Variant, _ map[string]dbus.Variant) *dbus.Error {
	action := name
	if command, ok := strings.CutPrefix(name, "command-"); ok {
		action = "command." + command
	}
	if !o.bus.do.Do(action) {
		return dbus.MakeFailedError(fmt.Errorf("Qwill has no action %q", name))
	}
	return nil
}

// platformData tells the first Qwill of the click that started the second, by
// which window managers let its window come to the front.
func platformData() map[string]dbus.Variant {
	data := map[string]dbus.Variant{}
	if id := os.Getenv("DESKTOP_STARTUP_ID"); id != "" {
		data["desktop-startup-id"] = dbus.MakeVariant(id)
	}
	if token := os.Getenv("XDG_ACTIVATION_TOKEN"); token != "" {
		data["activation-token"] = dbus.MakeVariant(token)
	}
	return data
}
