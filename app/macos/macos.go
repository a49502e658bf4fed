// Package macos joins Qwill to the Mac: a status item and the Services menu.
//
// Every decision is plain Go against the small interface kit, so that it runs
// and is tested anywhere; kit_darwin.go, the only importer of darwinkit, does
// what kit says and nothing else. That file was never run on a Mac: it is
// type-checked for darwin/arm64 (see app/typecheck) and its selectors are held
// against its methods there.
package macos

import (
	"cmp"
	"errors"
	"sync"

	"qwill/app/shell"
)

// kit is what Qwill asks of AppKit. Calls come from any goroutine; the
// implementation moves them to the main thread, in order.
type kit interface {
	// showStatusItem puts an icon with a menu into the menu bar, or replaces the
	// menu of the one that is there.
	showStatusItem(symbol, title string, entries []shell.Entry)
	removeStatusItem()
	// accessory takes the app out of the Dock. Wails puts it there at launch.
	accessory()
	// provideServices registers the one provider for the selectors of Selectors.
	provideServices(handler)
	withdrawServices()
}

// pasteboard is the part of NSPasteboard that Services use.
type pasteboard interface {
	text() string
	// setText replaces the contents; false when the pasteboard refused.
	setText(string) bool
}

// handler answers one call of the Services menu. It runs on the main thread.
// The message, when there is one, is shown to the user by the calling app.
type handler func(selector string, pb pasteboard, userData string, wait waiter) (message string)

// waiter keeps AppKit alive on the main thread until done is closed.
type waiter func(done <-chan struct{})

// Status is the status item. It implements shell.StatusItem.
type Status struct{ kit kit }

// Start implements shell.StatusItem.
func (s *Status) Start(entries []shell.Entry, state string) error {
	s.Update(entries, state)
	s.kit.accessory()
	return nil
}

// symbols are the SF Symbols of the states.
var symbols = map[string]string{
	shell.StateWriting: "pencil.and.outline", shell.StateLoading: "hourglass",
	shell.StateNoModel: "pencil.slash", shell.StateFailed: "exclamationmark.triangle",
}

// Update implements shell.StatusItem.
func (s *Status) Update(entries []shell.Entry, state string) {
	s.kit.showStatusItem(cmp.Or(symbols[state], "pencil.line"), "Qwill", visible(entries))
}

// visible leaves hidden lines out and moves what the others run off the main
// thread, which must never be held up.
func visible(entries []shell.Entry) []shell.Entry {
	var menu []shell.Entry
	for _, e := range entries {
		if e.Hidden {
			continue
		}
		if run := e.Run; run != nil {
			e.Run = func() { go run() }
		}
		e.Entries = visible(e.Entries)
		menu = append(menu, e)
	}
	return menu
}

// Stop implements shell.StatusItem.
func (s *Status) Stop() { s.kit.removeStatusItem() }

// Services is the provider of the Services menu. It implements shell.Services.
type Services struct {
	kit      kit
	mu       sync.Mutex
	answerer shell.Answerer
}

// Start implements shell.Services.
func (s *Services) Start(a shell.Answerer) error {
	if a == nil {
		return errors.New("start the Services menu: no answerer")
	}
	s.mu.Lock()
	s.answerer = a
	s.mu.Unlock()
	s.kit.provideServices(s.handle)
	return nil
}

// Stop implements shell.Services.
func (s *Services) Stop() { s.kit.withdrawServices() }

func (s *Services) handle(selector string, pb pasteboard, userData string, wait waiter) string {
	s.mu.Lock()
	a := s.answerer
	s.mu.Unlock()
	text := pb.text()
	switch selector {
	case OpenSelector:
		go a.Open(userData, text)
		return ""
	case ReplaceSelector:
	default:
		return "Qwill does not know this service: open Qwill once, so that macOS reads its services again"
	}
	var out string
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		out, err = a.Replace(userData, text)
	}()
	wait(done)
	if err != nil {
		return err.Error() // the pasteboard stays as it was, and so does the text
	}
	if !pb.setText(out) {
		return "macOS did not take the new text: your text was left as it was"
	}
	return ""
}
