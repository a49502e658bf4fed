//go:build linux

package atspi

import (
	"context"
	"errors"
)

// Focused finds the object that has the focus, on demand and without following
// events: in a window of process pid, the one that the desktop says is in
// front, else (0, or a sandbox hides the process) in the window that says of
// itself that it is active. It looks at searchSize objects at most and ends
// within SearchTime.
func (c *Conn) Focused(ctx context.Context, pid int) (Object, error) {
	ctx, cancel := context.WithTimeout(ctx, SearchTime)
	defer cancel()
	apps, err := c.Apps(ctx)
	if err != nil {
		return Object{}, err
	}
	left := searchSize
	var front, active []Object
	for _, a := range apps {
		mine := pid != 0 && c.pid(ctx, a.Bus) == pid
		windows, err := a.Children(ctx)
		if err != nil {
			continue // it hangs or has ended
		}
		for _, w := range windows {
			states, err := w.States(ctx)
			switch {
			case err != nil:
			case mine && states.Has(Active):
				front = append([]Object{w}, front...)
			case mine && states.Has(Showing): // Chromium says nothing of a window that was active before anybody asked
				front = append(front, w)
			case states.Has(Active):
				active = append(active, w)
			}
		}
	}
	for _, w := range append(front, active...) {
		if o, ok := w.focusedBelow(ctx, &left); ok {
			return o, nil
		}
	}
	if err := ctx.Err(); err != nil {
		return Object{}, errors.Join(ErrNoFocus, err)
	}
	return Object{}, ErrNoFocus
}

// matchRule is AT-SPI's (aiia{ss}iaiiasib): which objects Collection finds.
type matchRule struct {
	States         []int32
	StateMatch     int32
	Attributes     map[string]string
	AttributeMatch int32
	Roles          []int32
	RoleMatch      int32
	Interfaces     []string
	InterfaceMatch int32
	Invert         bool
}

// focusedBelow finds the focused object in o: the program itself searches where
// it can, else object by object, what is shown first of all.
func (o Object) focusedBelow(ctx context.Context, left *int) (Object, bool) {
	const all, none = 1, 3 // AtspiCollectionMatchType; an empty list matches with all
	rule := matchRule{States: []int32{1 << Focused, 0}, StateMatch: all, Attributes: map[string]string{}, AttributeMatch: all,
		Roles: []int32{}, RoleMatch: all, Interfaces: []string{}, InterfaceMatch: all}
	var found []Ref
	if err := o.call(ctx, "Collection.GetMatches", []any{rule, uint32(1), int32(0), true}, &found); err == nil && len(found) > 0 {
		best := Object{found[len(found)-1], o.conn} // the innermost comes last
		return best.innermost(ctx, left), true
	}
	queue := []Object{o}
	for len(queue) > 0 && *left > 0 && ctx.Err() == nil {
		next := queue[0]
		queue = queue[1:]
		*left--
		states, err := next.States(ctx)
		if err != nil {
			continue
		}
		if states.Has(Focused) {
			return next.innermost(ctx, left), true
		}
		if !states.Has(Visible) && next.Ref != o.Ref {
			continue
		}
		children, err := next.Children(ctx)
		if err == nil {
			queue = append(queue, children[:min(len(children), *left)]...)
		}
	}
	return Object{}, false
}

// innermost goes down from a focused container, such as a document, to what has
// the focus in it.
func (o Object) innermost(ctx context.Context, left *int) Object {
	for *left > 0 && ctx.Err() == nil {
		children, err := o.Children(ctx)
		if err != nil {
			return o
		}
		down := false
		for _, child := range children {
			*left--
			if states, err := child.States(ctx); err == nil && states.Has(Focused) {
				o, down = child, true
				break
			}
		}
		if !down {
			return o
		}
	}
	return o
}
