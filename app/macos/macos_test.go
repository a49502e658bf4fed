package macos

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"qwill/app/shell"
)

// recorder notes what Qwill asks of AppKit.
type recorder struct {
	calls   []string
	entries []shell.Entry
	handler handler
}

func (r *recorder) showStatusItem(symbol, title string, entries []shell.Entry) {
	r.calls = append(r.calls, fmt.Sprintf("status %s %s %d", symbol, title, len(entries)))
	r.entries = entries
}
func (r *recorder) removeStatusItem() { r.calls = append(r.calls, "remove") }
func (r *recorder) accessory()        { r.calls = append(r.calls, "accessory") }
func (r *recorder) withdrawServices() { r.calls = append(r.calls, "withdraw") }
func (r *recorder) provideServices(h handler) {
	r.calls = append(r.calls, "provide")
	r.handler = h
}

func TestStatus(t *testing.T) {
	r := &recorder{}
	s := &Status{kit: r}
	release, ran := make(chan bool), make(chan bool, 1)
	entry := shell.Entry{Title: "Slow", Run: func() { <-release; ran <- true }}
	menu := []shell.Entry{entry, {}, {Title: "More", Entries: []shell.Entry{{Title: "Hidden", Hidden: true}, entry}}, {Title: "Hidden", Hidden: true}}
	if err := s.Start(menu, shell.StateIdle); err != nil {
		t.Fatal(err)
	}
	s.Update(menu, shell.StateWriting)
	s.Stop()
	// The icon comes first: an accessory without one could not be reached.
	if want := []string{"status pencil.line Qwill 3", "accessory", "status pencil.and.outline Qwill 3", "remove"}; !slices.Equal(r.calls, want) {
		t.Errorf("calls %q, want %q", r.calls, want)
	}
	r.entries[0].Run() // returns at once, though the entry waits
	close(release)
	select {
	case <-ran:
	case <-time.After(5 * time.Second):
		t.Error("the entry did not run")
	}
	if r.entries[1].Run != nil {
		t.Error("a separator runs something")
	}
	if sub := r.entries[2].Entries; len(sub) != 1 || sub[0].Title != "Slow" {
		t.Errorf("the submenu is %v", sub)
	}
}

type board struct {
	contents string
	refuse   bool
	writes   int
}

func (b *board) text() string { return b.contents }
func (b *board) setText(s string) bool {
	if b.refuse {
		return false
	}
	b.contents = s
	b.writes++
	return true
}

type answerer struct {
	err    error
	opened chan string
}

func (a answerer) Replace(command, text string) (string, error) { return command + ":" + text, a.err }
func (a answerer) Open(command, text string)                    { a.opened <- command + ":" + text }

func TestServices(t *testing.T) {
	tests := []struct {
		name, selector string
		err            error
		refuse         bool
		contents       string
		message        string
		opened         string
		waited         int
	}{
		{name: "replaces", selector: ReplaceSelector, contents: "rewrite:hi", waited: 1},
		{name: "fails and leaves the text", selector: ReplaceSelector, err: errors.New("no model"), contents: "hi", message: "no model", waited: 1},
		{name: "pasteboard refuses", selector: ReplaceSelector, refuse: true, contents: "hi",
			message: "macOS did not take the new text: your text was left as it was", waited: 1},
		{name: "opens without waiting", selector: OpenSelector, contents: "hi", opened: "rewrite:hi"},
		{name: "unknown selector", selector: "sing:userData:error:", contents: "hi",
			message: "Qwill does not know this service: open Qwill once, so that macOS reads its services again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, a := &recorder{}, answerer{tt.err, make(chan string, 1)}
			s := &Services{kit: r}
			if err := s.Start(a); err != nil {
				t.Fatal(err)
			}
			pb, waited := &board{contents: "hi", refuse: tt.refuse}, 0
			message := r.handler(tt.selector, pb, "rewrite", func(done <-chan struct{}) { waited++; <-done })
			if message != tt.message || pb.contents != tt.contents || waited != tt.waited {
				t.Errorf("message %q, pasteboard %q, waited %d; want %q, %q, %d", message, pb.contents, waited, tt.message, tt.contents, tt.waited)
			}
			if tt.opened != "" {
				select {
				case got := <-a.opened:
					if got != tt.opened {
						t.Errorf("opened %q, want %q", got, tt.opened)
					}
				case <-time.After(5 * time.Second):
					t.Error("nothing was opened")
				}
			}
			s.Stop()
			if want := []string{"provide", "withdraw"}; !slices.Equal(r.calls, want) {
				t.Errorf("calls %q, want %q", r.calls, want)
			}
		})
	}
	if err := (&Services{kit: &recorder{}}).Start(nil); err == nil {
		t.Error("services without an answerer must not start")
	}
}

func TestGoMethod(t *testing.T) {
	for selector, want := range map[string]string{
		ReplaceSelector: "ReplaceTextUserDataError", OpenSelector: "OpenTextUserDataError",
		"quit": "Quit", "a:b:": "AB",
	} {
		if got := GoMethod(selector); got != want {
			t.Errorf("%s: %s, want %s", selector, got, want)
		}
	}
}
