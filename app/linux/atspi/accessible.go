//go:build linux

package atspi

import (
	"context"
	"slices"
)

// Role is AtspiRole (atspi-constants.h).
type Role uint32

// Roles that are told apart here.
const (
	RoleFrame        Role = 23
	RoleDialog       Role = 16
	RolePasswordText Role = 40
	RoleTerminal     Role = 60
	RoleText         Role = 61
	RoleWindow       Role = 69
	RoleParagraph    Role = 73
	RoleApplication  Role = 75
	RoleEntry        Role = 79
	RoleDocumentWeb  Role = 95
)

// State is one of AtspiStateType.
type State uint

// States that are told apart here.
const (
	Active         State = 1
	Defunct        State = 6
	Editable       State = 7
	Enabled        State = 8
	Focusable      State = 11
	Focused        State = 12
	MultiLine      State = 17
	Sensitive      State = 24
	Showing        State = 25
	SingleLine     State = 26
	Visible        State = 30
	SelectableText State = 38
	ReadOnly       State = 43
)

// States is a set of states.
type States uint64

// Has says whether all of the states are in the set.
func (s States) Has(all ...State) bool {
	for _, one := range all {
		if s>>one&1 == 0 {
			return false
		}
	}
	return true
}

// Rect is a place on the screen in pixels.
type Rect struct{ X, Y, Width, Height int32 }

// Role reads the object's role.
func (o Object) Role(ctx context.Context) (Role, error) {
	var r uint32
	err := o.call(ctx, "Accessible.GetRole", nil, &r)
	return Role(r), err
}

// States reads the object's states.
func (o Object) States(ctx context.Context) (States, error) {
	var words []uint32
	if err := o.call(ctx, "Accessible.GetState", nil, &words); err != nil {
		return 0, err
	}
	var s States
	for i, w := range words[:min(2, len(words))] {
		s |= States(w) << (32 * i)
	}
	return s, nil
}

// Name reads what the object is called, "" when it has no name.
func (o Object) Name(ctx context.Context) (string, error) {
	var s string
	err := o.get(ctx, "Accessible.Name", &s)
	return s, err
}

// Interfaces lists what the object can do, such as "Text", without the prefix.
func (o Object) Interfaces(ctx context.Context) ([]string, error) {
	var all []string
	err := o.call(ctx, "Accessible.GetInterfaces", nil, &all)
	for i, name := range all {
		if len(name) > len(prefix) {
			all[i] = name[len(prefix):]
		}
	}
	return all, err
}

// Has says whether the object has an interface, such as "EditableText".
func (o Object) Has(ctx context.Context, name string) bool {
	all, err := o.Interfaces(ctx)
	return err == nil && slices.Contains(all, name)
}

// Attributes reads what a toolkit adds, such as a web page's tag.
func (o Object) Attributes(ctx context.Context) (map[string]string, error) {
	var all map[string]string
	err := o.call(ctx, "Accessible.GetAttributes", nil, &all)
	return all, err
}

// Parent gives the object around this one; it is Null at the top.
func (o Object) Parent(ctx context.Context) (Object, error) {
	var r Ref
	err := o.get(ctx, "Accessible.Parent", &r)
	return Object{r, o.conn}, err
}

// ChildCount counts the objects in this one.
func (o Object) ChildCount(ctx context.Context) (int, error) {
	var n int32
	err := o.get(ctx, "Accessible.ChildCount", &n)
	return int(n), err
}

// Children lists the objects in this one.
func (o Object) Children(ctx context.Context) ([]Object, error) {
	var refs []Ref
	if err := o.call(ctx, "Accessible.GetChildren", nil, &refs); err != nil {
		return nil, err
	}
	all := make([]Object, 0, len(refs))
	for _, r := range refs {
		if !r.Null() {
			all = append(all, Object{r, o.conn})
		}
	}
	return all, nil
}

// Extents gives where the object is on the screen.
func (o Object) Extents(ctx context.Context) (Rect, error) {
	var r Rect
	err := o.call(ctx, "Component.GetExtents", []any{uint32(0)}, &r)
	return r, err
}

// GrabFocus asks the program to give the object the focus.
func (o Object) GrabFocus(ctx context.Context) error { return o.do(ctx, "Component.GrabFocus") }

// App is a program.
type App struct {
	Object
	Name    string
	Toolkit string // such as "gtk", "Chromium", "Qt", "WebKitGtk"
	PID     int    // 0 unknown
}

// App gives the program that an object belongs to.
func (o Object) App(ctx context.Context) (App, error) {
	a := App{Object: Object{Ref{o.Bus, rootPath}, o.conn}}
	var r Ref
	if err := o.call(ctx, "Accessible.GetApplication", nil, &r); err == nil && !r.Null() {
		a.Ref = r
	}
	a.PID = a.conn.pid(ctx, o.Bus)
	_ = a.get(ctx, "Application.ToolkitName", &a.Toolkit)
	var err error
	a.Name, err = a.Object.Name(ctx)
	return a, err
}

// pid gives the process behind a name on the accessibility bus, 0 unknown.
func (c *Conn) pid(ctx context.Context, name string) int {
	ctx, cancel := context.WithTimeout(ctx, CallTime)
	defer cancel()
	var pid uint32
	err := c.bus.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetConnectionUnixProcessID", 0, name).Store(&pid)
	if err != nil {
		return 0
	}
	return int(pid)
}

// Apps lists the programs that show themselves on the bus.
func (c *Conn) Apps(ctx context.Context) ([]Object, error) {
	return Object{Ref{registryName, rootPath}, c}.Children(ctx)
}

// Secure says whether what an object holds must never be read: a password. What
// does not answer is taken for one.
func (o Object) Secure(ctx context.Context) bool {
	role, err := o.Role(ctx)
	if err != nil || role == RolePasswordText {
		return true
	}
	attributes, err := o.Attributes(ctx)
	return err == nil && attributes["text-input-type"] == "password"
}
