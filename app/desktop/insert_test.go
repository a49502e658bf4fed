package desktop

import (
	"context"
	"errors"
	"slices"
	"testing"

	"qwill/app/shell"
)

// field is a place in another program.
type field struct {
	text  string
	paste error
}

func (f *field) Read(context.Context) (string, error) { return f.text, nil }
func (f *field) Paste(_ context.Context, text string) error {
	if f.paste == nil {
		f.text = text
	}
	return f.paste
}
func (f *field) Edit(context.Context, string) error { return shell.ErrUnsupported }
func (f *field) Holds(_ context.Context, text string) (bool, bool) {
	return f.text == text, true
}

func TestInsert(t *testing.T) {
	tests := []struct {
		name     string
		field    field
		mainOpen bool
		err      error
		calls    []string // of the window after the prompt was shown
		surface  string   // what the page was told last
		text     string
	}{
		{"replaced", field{text: "old"}, false, nil, []string{"hide"}, shell.Main, "new"},
		{"replaced, with the main window open before", field{text: "old"}, true, nil, []string{"main behind"}, shell.Main, "new"},
		{"changed", field{text: "older"}, false, shell.ErrChanged, nil, shell.Prompt, "older"},
		{"no way", field{text: "old", paste: shell.ErrNoPaste}, false, shell.ErrUnsupported, []string{"hide", "prompt"}, shell.Prompt, "old"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, f := New(), &recordingFrame{}
			d.frame, d.ready, d.visible = f, true, tt.mainOpen
			var shown shell.Surface
			var replaced []string
			d.options.Publish = func(s shell.Surface) { shown = s }
			d.options.Replacing = func(program, command, original, replacement string) (func(), error) {
				if tt.field.text != "old" {
					t.Error("told after the text was replaced")
				}
				replaced = []string{program, command, original, replacement}
				return func() { replaced = nil }, nil
			}
			d.pressed(func() shell.Selected { return shell.Selected{Text: "old", Program: "Editor", Place: &tt.field} })
			if shown.Target == nil || shown.Target.ID == "" || shown.Target.Program != "Editor" {
				t.Fatalf("the page was told %+v", shown)
			}
			f.calls = nil
			id := shown.Target.ID
			_, err := d.Insert(t.Context(), id, "new", "rewrite")
			if !errors.Is(err, tt.err) || !slices.Equal(f.calls, tt.calls) || shown.Surface != tt.surface || tt.field.text != tt.text {
				t.Errorf("%v, window %v, page %q, text %q", err, f.calls, shown.Surface, tt.field.text)
			}
			if want := []string{"Editor", "rewrite", "old", "new"}; (tt.err == nil) != slices.Equal(replaced, want) {
				t.Errorf("told of %v", replaced)
			}
			if _, err := d.Insert(t.Context(), "another", "new", ""); !errors.Is(err, shell.ErrGone) {
				t.Errorf("an unknown target: %v", err)
			}
			if _, err := d.Insert(t.Context(), id, "again", ""); tt.err == nil && !errors.Is(err, shell.ErrGone) {
				t.Errorf("the same target twice: %v", err)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	d := New()
	d.frame, d.ready = &recordingFrame{}, true
	var shown shell.Surface
	d.options.Publish = func(s shell.Surface) { shown = s }
	d.pressed(func() shell.Selected { return shell.Selected{Refused: shell.RefusedSecure} })
	if shown.Text != "" || shown.Target == nil || shown.Target.ID != "" || shown.Target.Refused != shell.RefusedSecure {
		t.Errorf("a field for passwords showed %+v", shown)
	}
	d.leave(true)
	d.pressed(func() shell.Selected { return shell.Selected{Text: "read only"} })
	if shown.Text != "read only" || shown.Target != nil {
		t.Errorf("a text that cannot be put back showed %+v", shown)
	}
}

// searched is a session in which a text is found, or is not.
type searched struct {
	session
	field *field
	asked []string
}

func (s *searched) find(_ context.Context, program, text string) (shell.Place, error) {
	s.asked = []string{program, text}
	if s.field == nil {
		return nil, shell.ErrGone
	}
	return s.field, nil
}

func TestRestore(t *testing.T) {
	d := New()
	if _, err := d.Restore(t.Context(), "Editor", "new", "old"); !errors.Is(err, shell.ErrUnsupported) {
		t.Errorf("without a session: %v", err)
	}
	s := &searched{}
	d.joined = s
	if _, err := d.Restore(t.Context(), "Editor", "new", "old"); !errors.Is(err, shell.ErrGone) || !slices.Equal(s.asked, []string{"Editor", "new"}) {
		t.Errorf("not found: %v, asked for %v", err, s.asked)
	}
	s.field = &field{text: "new"}
	if _, err := d.Restore(t.Context(), "Editor", "new", "old"); err != nil || s.field.text != "old" {
		t.Errorf("%v, the field holds %q", err, s.field.text)
	}
	if _, err := d.Restore(t.Context(), "Editor", "new", "old"); !errors.Is(err, shell.ErrChanged) || s.field.text != "old" {
		t.Errorf("changed meanwhile: %v, the field holds %q", err, s.field.text)
	}
}
