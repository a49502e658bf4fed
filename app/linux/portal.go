//go:build linux

package linux

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"qwill/app/shortcut"
)

// The portal's names (xdg-desktop-portal, org.freedesktop.portal.GlobalShortcuts).
const (
	portalName      = "org.freedesktop.portal.Desktop"
	portalPath      = dbus.ObjectPath("/org/freedesktop/portal/desktop")
	portalShortcuts = "org.freedesktop.portal.GlobalShortcuts"
	portalRequest   = "org.freedesktop.portal.Request"
	portalSession   = "org.freedesktop.portal.Session"
	portalRegistry  = "org.freedesktop.host.portal.Registry"
	portalShortcut  = "quick-prompt" // our one shortcut's id
)

// portalTime bounds calls that need no user. Starting the portal takes seconds.
const portalTime = 10 * time.Second

var (
	errNoPortal = errors.New("the desktop offers no global shortcuts")
	errDenied   = errors.New("the desktop refused the shortcut")
)

// portal is a session with the desktop's global shortcuts.
type portal struct {
	conn    *dbus.Conn
	session dbus.ObjectPath
	signals chan *dbus.Signal
	// trigger is the keys in the desktop's own words, "" when it gave none.
	trigger string
}

// bindPortal asks the desktop for a shortcut; the desktop may ask the user,
// which takes as long as it takes. errNoPortal means that there is no such
// portal. press is called at each use; changed when the keys change, and with
// lost when the desktop ends the session.
func bindPortal(ctx context.Context, s shortcut.Shortcut, title string, press func(), changed func(trigger string, lost bool)) (*portal, error) {
	conn, err := dbus.ConnectSessionBus()
	if err != nil {
		return nil, errNoPortal
	}
	p := &portal{conn: conn, signals: make(chan *dbus.Signal, 64)}
	if err := p.bind(ctx, s, title); err != nil {
		conn.Close()
		return nil, err
	}
	go p.follow(press, changed)
	return p, nil
}

func (p *portal) close() {
	p.conn.Object(portalName, p.session).Call(portalSession+".Close", dbus.FlagNoReplyExpected)
	p.conn.Close()
}

func (p *portal) bind(ctx context.Context, s shortcut.Shortcut, title string) error {
	quick, cancel := context.WithTimeout(ctx, portalTime)
	defer cancel()
	object := p.conn.Object(portalName, portalPath)
	var version dbus.Variant
	err := object.CallWithContext(quick, "org.freedesktop.DBus.Properties.Get", 0, portalShortcuts, "version").Store(&version)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errNoPortal
	}
	// Newer portals want to know who asks when no sandbox tells them.
	object.CallWithContext(quick, portalRegistry+".Register", 0, ID, map[string]dbus.Variant{})

	p.conn.Signal(p.signals)
	for _, i := range []string{portalRequest, portalShortcuts, portalSession} {
		if err := p.conn.AddMatchSignal(dbus.WithMatchInterface(i), dbus.WithMatchSender(portalName)); err != nil {
			return fmt.Errorf("follow the desktop's portal: %w", err)
		}
	}
	results, err := p.request(ctx, "CreateSession", func(token string) []any {
		return []any{map[string]dbus.Variant{"handle_token": dbus.MakeVariant(token), "session_handle_token": dbus.MakeVariant(token)}}
	})
	if err != nil {
		return err
	}
	switch handle := results["session_handle"].Value().(type) { // a string by an old mistake of the interface
	case string:
		p.session = dbus.ObjectPath(handle)
	case dbus.ObjectPath:
		p.session = handle
	}
	if !p.session.IsValid() {
		return errors.New("the desktop's portal gave no session")
	}
	wanted := []portalBinding{{portalShortcut, map[string]dbus.Variant{
		"description": dbus.MakeVariant(title), "preferred_trigger": dbus.MakeVariant(trigger(s))}}}
	results, err = p.request(ctx, "BindShortcuts", func(token string) []any {
		return []any{p.session, wanted, "", map[string]dbus.Variant{"handle_token": dbus.MakeVariant(token)}}
	})
	if err != nil {
		p.conn.Object(portalName, p.session).Call(portalSession+".Close", dbus.FlagNoReplyExpected)
		return err
	}
	p.trigger = triggerOf(results["shortcuts"])
	return nil
}

// portalBinding is one shortcut, of D-Bus type (sa{sv}).
type portalBinding struct {
	ID   string
	Data map[string]dbus.Variant
}

func triggerOf(v dbus.Variant) string {
	var all []portalBinding
	if err := dbus.Store([]any{v.Value()}, &all); err != nil {
		return ""
	}
	for _, b := range all {
		if b.ID == portalShortcut {
			text, _ := b.Data["trigger_description"].Value().(string)
			return text
		}
	}
	return ""
}

// request calls a method whose answer comes later, as a signal.
func (p *portal) request(ctx context.Context, method string, args func(token string) []any) (map[string]dbus.Variant, error) {
	token := "qwill" + strings.ToLower(rand.Text())
	sender := strings.ReplaceAll(strings.TrimPrefix(p.conn.Names()[0], ":"), ".", "_")
	handle := dbus.ObjectPath(fmt.Sprintf("%s/request/%s/%s", portalPath, sender, token))
	object := p.conn.Object(portalName, portalPath)
	var given dbus.ObjectPath
	if err := object.CallWithContext(ctx, portalShortcuts+"."+method, 0, args(token)...).Store(&given); err != nil {
		return nil, fmt.Errorf("ask the desktop's portal (%s): %w", method, err)
	}
	for {
		select {
		case s := <-p.signals:
			if s == nil {
				return nil, errors.New("the session bus ended")
			}
			if s.Name != portalRequest+".Response" || s.Path != handle && s.Path != given || len(s.Body) < 2 {
				continue
			}
			code, _ := s.Body[0].(uint32)
			results, _ := s.Body[1].(map[string]dbus.Variant)
			if code != 0 { // 1: the user cancelled; 2: ended some other way
				return nil, errDenied
			}
			return results, nil
		case <-ctx.Done():
			p.conn.Object(portalName, given).Call(portalRequest+".Close", dbus.FlagNoReplyExpected)
			return nil, ctx.Err()
		}
	}
}

func (p *portal) follow(press func(), changed func(string, bool)) {
	for s := range p.signals {
		if s == nil {
			return
		}
		switch {
		case s.Name == portalSession+".Closed" && s.Path == p.session:
			changed("", true)
		case len(s.Body) < 2 || s.Body[0] != p.session:
		case s.Name == portalShortcuts+".Activated" && s.Body[1] == portalShortcut:
			press()
		case s.Name == portalShortcuts+".ShortcutsChanged":
			changed(triggerOf(dbus.MakeVariant(s.Body[1])), false)
		}
	}
}
