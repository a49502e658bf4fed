//go:build linux

package atspi

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// Kind is what an event tells.
type Kind string

// Events that can be watched.
const (
	FocusChanged     Kind = "object:state-changed:focused"   // A: 1 got it, 0 lost it
	CaretMoved       Kind = "object:text-caret-moved"        // A: where to
	TextChanged      Kind = "object:text-changed"            // Detail: insert or delete; A: where, B: characters; Text
	SelectionChanged Kind = "object:text-selection-changed"  //
	WindowActivated  Kind = "window:activate"                //
	WindowDeactive   Kind = "window:deactivate"              //
	BoundsChanged    Kind = "object:bounds-changed"          //
	StateChanged     Kind = "object:state-changed:sensitive" //
)

// members are the signals that carry the events.
var members = map[Kind]struct{ iface, member, detail string }{
	FocusChanged:     {"Object", "StateChanged", "focused"},
	CaretMoved:       {"Object", "TextCaretMoved", ""},
	TextChanged:      {"Object", "TextChanged", ""},
	SelectionChanged: {"Object", "TextSelectionChanged", ""},
	WindowActivated:  {"Window", "Activate", ""},
	WindowDeactive:   {"Window", "Deactivate", ""},
	BoundsChanged:    {"Object", "BoundsChanged", ""},
	StateChanged:     {"Object", "StateChanged", "sensitive"},
}

// Event is a change in another program.
type Event struct {
	Kind   Kind
	Source Object
	Detail string
	A, B   int
	Text   string    // what was put in or taken away; never of a password, which shows dots
	At     time.Time // when it came here
}

// waiting is how many events a slow reader may leave; the oldest go first.
const waiting = 256

type watcher struct {
	kinds map[Kind]bool
	out   chan Event
	once  sync.Once
}

// Watch sends the events of all programs until ctx ends or the connection does;
// then the channel is closed. Programs are asked for these events only while
// somebody watches. A reader that is slow loses the oldest.
func (c *Conn) Watch(ctx context.Context, kinds ...Kind) (<-chan Event, error) {
	w := &watcher{kinds: map[Kind]bool{}, out: make(chan Event, waiting)}
	for _, k := range kinds {
		if _, ok := members[k]; !ok {
			return nil, fmt.Errorf("watch: no event %q", k)
		}
		w.kinds[k] = true
	}
	for k := range w.kinds {
		if err := c.register(ctx, k); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	c.watchers[w] = struct{}{}
	c.mu.Unlock()
	go func() {
		select {
		case <-ctx.Done():
		case <-c.Closed():
		}
		c.mu.Lock()
		delete(c.watchers, w)
		c.mu.Unlock()
		for k := range w.kinds {
			c.deregister(k)
		}
		w.once.Do(func() { close(w.out) })
	}()
	return w.out, nil
}

func (c *Conn) match(k Kind) []dbus.MatchOption {
	m := members[k]
	o := []dbus.MatchOption{dbus.WithMatchInterface(prefix + "Event." + m.iface), dbus.WithMatchMember(m.member)}
	if m.detail != "" {
		o = append(o, dbus.WithMatchArg(0, m.detail))
	}
	return o
}

func (c *Conn) register(ctx context.Context, k Kind) error {
	c.mu.Lock()
	c.wanted[string(k)]++
	first := c.wanted[string(k)] == 1
	c.mu.Unlock()
	if !first {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, CallTime)
	defer cancel()
	if err := c.bus.AddMatchSignalContext(ctx, c.match(k)...); err != nil {
		return fmt.Errorf("watch %s: %w", k, err)
	}
	registry := c.bus.Object(registryName, registryPath)
	if err := registry.CallWithContext(ctx, registryName+".RegisterEvent", 0, string(k), []string{}, "").Err; err != nil {
		return fmt.Errorf("watch %s: %w", k, err)
	}
	return nil
}

func (c *Conn) deregister(k Kind) {
	c.mu.Lock()
	c.wanted[string(k)]--
	last := c.wanted[string(k)] == 0
	c.mu.Unlock()
	if !last || c.bus.Context().Err() != nil {
		return
	}
	_ = c.bus.RemoveMatchSignal(c.match(k)...)
	c.bus.Object(registryName, registryPath).Call(registryName+".DeregisterEvent", dbus.FlagNoReplyExpected, string(k))
}

// deliver hands signals to the watchers until the connection ends.
func (c *Conn) deliver() {
	signals := make(chan *dbus.Signal, waiting)
	c.bus.Signal(signals)
	for s := range signals {
		if s == nil {
			return
		}
		e, ok := c.event(s)
		if !ok {
			continue
		}
		c.mu.Lock()
		for w := range c.watchers {
			if w.kinds[e.Kind] {
				w.send(e)
			}
		}
		c.mu.Unlock()
	}
}

// send never blocks: the oldest event makes room.
func (w *watcher) send(e Event) {
	for {
		select {
		case w.out <- e:
			return
		default:
		}
		select {
		case <-w.out:
		default:
		}
	}
}

// event reads a signal of type siiv…: detail, two numbers and a value.
func (c *Conn) event(s *dbus.Signal) (Event, bool) {
	if len(s.Body) < 4 {
		return Event{}, false
	}
	detail, _ := s.Body[0].(string)
	a, _ := s.Body[1].(int32)
	b, _ := s.Body[2].(int32)
	e := Event{Source: c.Object(Ref{s.Sender, s.Path}), Detail: detail, A: int(a), B: int(b), At: time.Now()}
	if v, ok := s.Body[3].(dbus.Variant); ok {
		e.Text, _ = v.Value().(string)
	}
	for k, m := range members {
		if s.Name == prefix+"Event."+m.iface+"."+m.member && (m.detail == "" || m.detail == detail) {
			e.Kind = k
			return e, true
		}
	}
	return Event{}, false
}
