//go:build linux

// Package atspi reads and changes the texts of other programs as assistive
// technology does: by AT-SPI 2, on the accessibility bus (at-spi2-core,
// xml/*.xml).
//
// Offsets are in characters (Unicode code points), not bytes. Every call ends
// within CallTime, a search within SearchTime, whatever the other program does.
package atspi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// Bounds on what other programs may cost.
const (
	CallTime   = 500 * time.Millisecond // one call
	SearchTime = 1500 * time.Millisecond
	searchSize = 4000    // objects that a search looks at
	TextLimit  = 1 << 20 // characters read at once
)

const (
	prefix       = "org.a11y.atspi."
	registryName = prefix + "Registry"
	registryPath = dbus.ObjectPath("/org/a11y/atspi/registry")
	rootPath     = dbus.ObjectPath("/org/a11y/atspi/accessible/root")
	nullPath     = dbus.ObjectPath("/org/a11y/atspi/null")
	busName      = "org.a11y.Bus"
	busPath      = dbus.ObjectPath("/org/a11y/bus")
	statusOn     = "org.a11y.Status.IsEnabled"
)

// Errors that callers tell apart.
var (
	ErrNoBus   = errors.New("this session has no accessibility bus")
	ErrNoFocus = errors.New("no program shows where its focus is")
	ErrGone    = errors.New("the text field is gone")
	ErrRefused = errors.New("the program refused")
	ErrTooLong = errors.New("the text is too long")
)

// Conn is a connection to the accessibility bus. Its methods may be called
// from any goroutine.
type Conn struct {
	session, bus *dbus.Conn
	switchedOn   bool // IsEnabled was false before us

	mu       sync.Mutex
	watchers map[*watcher]struct{}
	wanted   map[string]int // registered events, counted
}

// Dial connects to the accessibility bus of the session, starting it where the
// session can, and tells toolkits that somebody listens: some show nothing of
// themselves before.
func Dial(ctx context.Context) (*Conn, error) {
	session, err := dbus.ConnectSessionBus(dbus.WithContext(context.WithoutCancel(ctx)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBus, err)
	}
	c, err := dial(ctx, session)
	if err != nil {
		session.Close()
	}
	return c, err
}

func dial(ctx context.Context, session *dbus.Conn) (*Conn, error) {
	// The first call may start the bus, which takes longer than CallTime.
	starting, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	object := session.Object(busName, busPath)
	var address string
	if err := object.CallWithContext(starting, busName+".GetAddress", 0).Store(&address); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoBus, err)
	}
	bus, err := dbus.Connect(address, dbus.WithSignalHandler(dbus.NewSequentialSignalHandler())) // events keep their order
	if err != nil {
		return nil, fmt.Errorf("connect to the accessibility bus: %w", err)
	}
	c := &Conn{session: session, bus: bus, watchers: map[*watcher]struct{}{}, wanted: map[string]int{}}
	if v, err := object.GetProperty(statusOn); err == nil {
		if on, ok := v.Value().(bool); ok && !on && object.SetProperty(statusOn, dbus.MakeVariant(true)) == nil {
			c.switchedOn = true
		}
	}
	go c.deliver()
	return c, nil
}

// Close ends the connection and its watches, and switches accessibility off
// again where Dial switched it on.
func (c *Conn) Close() {
	if c.switchedOn {
		_ = c.session.Object(busName, busPath).SetProperty(statusOn, dbus.MakeVariant(false))
	}
	c.bus.Close()
	c.session.Close()
}

// Closed is closed when the connection has ended, by Close or with the bus.
func (c *Conn) Closed() <-chan struct{} { return c.bus.Context().Done() }

// Ref names an object of another program: AT-SPI's (so). It can be compared.
type Ref struct {
	Bus  string
	Path dbus.ObjectPath
}

// Null says whether r names nothing.
func (r Ref) Null() bool { return r.Bus == "" || r.Path == "" || r.Path == nullPath }

func (r Ref) String() string { return r.Bus + string(r.Path) }

// Object is an accessible object of another program.
type Object struct {
	Ref
	conn *Conn
}

// Object gives the object that r names; it may not be there any more.
func (c *Conn) Object(r Ref) Object { return Object{r, c} }

// call calls a method of an interface, such as "Text.GetText".
func (o Object) call(ctx context.Context, method string, args []any, out ...any) error {
	if o.Null() {
		return ErrGone
	}
	ctx, cancel := context.WithTimeout(ctx, CallTime)
	defer cancel()
	call := o.conn.bus.Object(o.Bus, o.Path).CallWithContext(ctx, prefix+method, dbus.FlagNoAutoStart, args...)
	if call.Err != nil {
		return o.failed(method, call.Err)
	}
	if err := call.Store(out...); err != nil {
		return o.failed(method, err)
	}
	return nil
}

// get reads a property, such as "Text.CaretOffset".
func (o Object) get(ctx context.Context, name string, out any) error {
	if o.Null() {
		return ErrGone
	}
	ctx, cancel := context.WithTimeout(ctx, CallTime)
	defer cancel()
	iface, member := cut(name)
	var v dbus.Variant
	err := o.conn.bus.Object(o.Bus, o.Path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", dbus.FlagNoAutoStart, prefix+iface, member).Store(&v)
	if err == nil {
		err = dbus.Store([]any{v.Value()}, out)
	}
	if err != nil {
		return o.failed(name, err)
	}
	return nil
}

// do calls a method that answers whether it did what it was asked for.
func (o Object) do(ctx context.Context, method string, args ...any) error {
	var done bool
	if err := o.call(ctx, method, args, &done); err != nil {
		return err
	}
	if !done {
		return fmt.Errorf("%s: %w", method, ErrRefused)
	}
	return nil
}

func (o Object) failed(what string, err error) error {
	var d dbus.Error
	if errors.As(err, &d) {
		switch d.Name {
		case "org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
			return fmt.Errorf("%s: %w", what, ErrGone)
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}

func cut(name string) (iface, member string) {
	for i := range name {
		if name[i] == '.' {
			return name[:i], name[i+1:]
		}
	}
	return "", name
}
