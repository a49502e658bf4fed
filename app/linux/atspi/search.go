//go:build linux

package atspi

import "context"

// Fields calls found with every editable field on display, program by program,
// until it gives false, everything was seen, or SearchTime is over. The fields
// of Qwill's own process are left out; program "" is any. Passwords are left out
// as well: their text must not be read.
func (c *Conn) Fields(ctx context.Context, program string, own int, found func(window, field Object) bool) error {
	ctx, cancel := context.WithTimeout(ctx, SearchTime)
	defer cancel()
	apps, err := c.Apps(ctx)
	if err != nil {
		return err
	}
	left := searchSize
	for _, app := range apps {
		if pid := c.pid(ctx, app.Bus); pid == own && pid != 0 {
			continue
		}
		if program != "" {
			if name, err := app.Name(ctx); err != nil || name != program {
				continue
			}
		}
		windows, err := app.Children(ctx)
		if err != nil {
			continue // it hangs or has ended
		}
		for _, w := range windows {
			if !w.fields(ctx, &left, func(field Object) bool { return found(w, field) }) {
				return nil
			}
		}
	}
	return ctx.Err()
}

// fields walks what is shown below o; false when found wants no more.
func (o Object) fields(ctx context.Context, left *int, found func(Object) bool) bool {
	queue := []Object{o}
	for len(queue) > 0 && *left > 0 && ctx.Err() == nil {
		next := queue[0]
		queue = queue[1:]
		*left--
		states, err := next.States(ctx)
		if err != nil || !states.Has(Visible) && next.Ref != o.Ref {
			continue
		}
		if states.Has(Editable) && !states.Has(ReadOnly) && next.Has(ctx, "Text") {
			if !next.Secure(ctx) && !found(next) {
				return false
			}
			continue
		}
		if children, err := next.Children(ctx); err == nil {
			queue = append(queue, children[:min(len(children), *left)]...)
		}
	}
	return true
}
