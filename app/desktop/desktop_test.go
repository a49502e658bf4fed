package desktop

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"qwill/app/shell"
)

// recordingFrame notes what the window was told.
type recordingFrame struct{ calls []string }

func (f *recordingFrame) main(focus bool) {
	if focus {
		f.calls = append(f.calls, "main")
	} else {
		f.calls = append(f.calls, "main behind")
	}
}
func (f *recordingFrame) prompt()              { f.calls = append(f.calls, "prompt") }
func (f *recordingFrame) hide()                { f.calls = append(f.calls, "hide") }
func (f *recordingFrame) place() (Place, bool) { return Place{}, false }

func TestSurfaces(t *testing.T) {
	show := func(s string) func(*Desktop) { return func(d *Desktop) { d.Show(shell.Surface{Surface: s}) } }
	window := func(a string) func(*Desktop) { return func(d *Desktop) { d.Window(a) } }
	lost := func(d *Desktop) { d.lostFocus() }
	type steps []func(*Desktop)
	tests := []struct {
		name    string
		steps   steps
		calls   []string
		surface []string // what the page was told
	}{
		{"prompt alone hides on Escape", steps{window("hide"), show("prompt"), window("hide")},
			[]string{"hide", "prompt", "hide"}, []string{"prompt", "main"}},
		{"prompt alone hides when it loses the focus", steps{window("hide"), show("prompt"), lost, lost},
			[]string{"hide", "prompt", "hide"}, []string{"prompt", "main"}},
		{"Escape gives the main window back", steps{show("prompt"), window("hide")},
			[]string{"prompt", "main"}, []string{"prompt", "main"}},
		{"a lost focus gives it back behind", steps{show("prompt"), lost},
			[]string{"prompt", "main behind"}, []string{"prompt", "main"}},
		{"prompt twice still remembers the main window", steps{show("prompt"), show("prompt"), window("hide")},
			[]string{"prompt", "prompt", "main"}, []string{"prompt", "prompt", "main"}},
		{"the main window stays without focus", steps{lost}, nil, nil},
		{"continue in chat", steps{window("hide"), show("prompt"), window("main"), lost},
			[]string{"hide", "prompt", "main"}, []string{"prompt", "main"}},
		{"show repeats the surface", steps{show("prompt"), window("show")},
			[]string{"prompt", "prompt"}, []string{"prompt", "prompt"}},
		{"an unknown surface is the main one", steps{show("cellar")}, []string{"main"}, []string{"main"}},
		{"an unknown action does nothing", steps{window("explode")}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, f := New(), &recordingFrame{}
			var told []string
			d.frame, d.visible, d.ready = f, true, true
			d.options.Publish = func(s shell.Surface) { told = append(told, s.Surface) }
			for _, step := range tt.steps {
				step(d)
			}
			if !slices.Equal(f.calls, tt.calls) {
				t.Errorf("window: %q, want %q", f.calls, tt.calls)
			}
			if !slices.Equal(told, tt.surface) {
				t.Errorf("page: %q, want %q", told, tt.surface)
			}
		})
	}
}

// recordingSession stands in for the desktop around the window.
type recordingSession struct {
	session
	way   bool
	menus int
}

func (s *recordingSession) keep() bool                         { return s.way }
func (s *recordingSession) update([]shell.Entry, shell.Status) { s.menus++ }

func TestClose(t *testing.T) {
	d, f := New(), &recordingFrame{}
	d.frame, d.visible = f, true
	if d.beforeClose() {
		t.Error("without a session the close button must end Qwill")
	}
	around := &recordingSession{}
	d.joined = around
	if d.beforeClose() {
		t.Error("without a way back the close button must end Qwill")
	}
	around.way = true
	if !d.beforeClose() || !slices.Equal(f.calls, []string{"hide"}) {
		t.Errorf("with a way back it hides: %q", f.calls)
	}
	quit := 0
	d.quit = func() { quit++ }
	d.Quit()
	if d.beforeClose() || quit != 1 {
		t.Error("Quit must end Qwill")
	}
}

// Requests that come before the window and its page exist are done then, and
// the page learns of the last one when it first asks.
func TestRequestsBeforeTheWindow(t *testing.T) {
	d, f := New(), &recordingFrame{}
	d.clipboard = func() string { return "copied" }
	d.options.Commands = []shell.Command{{ID: "rewrite", Title: "Rewrite"}}
	d.Show(shell.Surface{Surface: shell.Main})
	d.Do("command.rewrite")
	d.has(func() { d.loaded = true })
	if len(f.calls) != 0 {
		t.Fatalf("shown without a window: %q", f.calls)
	}
	d.has(func() { d.frame = f })
	if !slices.Equal(f.calls, []string{"main", "prompt"}) {
		t.Errorf("window: %q", f.calls)
	}
	if s, ok := d.First(); !ok || s != (shell.Surface{Surface: shell.Prompt, Text: "copied", Command: "rewrite"}) {
		t.Errorf("the page was told %v, %v", s, ok)
	}
	d.Show(shell.Surface{Surface: shell.Main})
	if s, ok := d.First(); ok {
		t.Errorf("told again: %v", s)
	}
	if d.Do("explode") {
		t.Error("an unknown action was done")
	}
}

// In the background no window is shown until one is asked for.
func TestBackground(t *testing.T) {
	d, f := New(), &recordingFrame{}
	d.has(func() { d.loaded, d.frame = true, f })
	if len(f.calls) != 0 || d.visible {
		t.Errorf("window: %q", f.calls)
	}
	d.Show(shell.Surface{Surface: shell.Prompt})
	d.Window("hide")
	if !slices.Equal(f.calls, []string{"prompt", "hide"}) {
		t.Errorf("window: %q", f.calls)
	}
}

func TestHotkeyPressed(t *testing.T) {
	d, f := New(), &recordingFrame{}
	var told []shell.Surface
	d.frame, d.ready = f, true
	d.options.Publish = func(s shell.Surface) { told = append(told, s) }
	d.pressed(func() shell.Selected { return shell.Selected{Text: "selected"} })
	d.pressed(func() shell.Selected { t.Error("asked for the selection to hide"); return shell.Selected{} })
	if !slices.Equal(f.calls, []string{"prompt", "hide"}) {
		t.Errorf("window: %q", f.calls)
	}
	if len(told) == 0 || told[0] != (shell.Surface{Surface: shell.Prompt, Text: "selected"}) {
		t.Errorf("page: %v", told)
	}
}

// The status is kept until the session is there.
func TestUpdate(t *testing.T) {
	d, around := New(), &recordingSession{}
	d.joined = around
	d.Update(shell.Status{State: shell.StateLoading})
	if around.menus != 0 || d.status.State != shell.StateLoading {
		t.Errorf("%d menus before the start, state %q", around.menus, d.status.State)
	}
	d.started = true
	d.Update(shell.Status{State: shell.StateIdle})
	if around.menus != 1 {
		t.Errorf("%d menus after it", around.menus)
	}
}

func TestPlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "window.json")
	if _, ok := readPlace(file); ok {
		t.Error("a place without a file")
	}
	want := Place{X: -20, Y: 40, Width: 900, Height: 700, Maximised: true}
	if err := writePlace(file, want); err != nil {
		t.Fatal(err)
	}
	if got, ok := readPlace(file); !ok || got != want {
		t.Errorf("got %v, %v, want %v", got, ok, want)
	}
	for _, bad := range []string{"", "{", `{"width":10,"height":700}`, `{"width":900,"height":700,"x":99999999}`} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := readPlace(file); ok {
			t.Errorf("%s was taken as %v", bad, got)
		}
	}
}
