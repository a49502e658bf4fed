package shell

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// editor is a place in a program that behaves as told.
type editor struct {
	text        string
	read        error
	paste, edit error
	ignores     bool   // takes the paste, changes nothing
	garbles     bool   // changes what it takes
	blind       bool   // cannot be read back
	did         string // the ways that changed something
}

func (e *editor) Read(context.Context) (string, error) { return e.text, e.read }
func (e *editor) put(way, text string) {
	e.did += way
	switch {
	case e.ignores:
	case e.garbles:
		e.text = strings.ToUpper(text)
	default:
		e.text = text
	}
}
func (e *editor) Paste(_ context.Context, text string) error {
	if e.paste == nil {
		e.put("paste", text)
	}
	return e.paste
}
func (e *editor) Edit(_ context.Context, text string) error {
	if e.edit == nil {
		e.put("edit", text)
	}
	return e.edit
}
func (e *editor) Holds(_ context.Context, text string) (bool, bool) { return e.text == text, !e.blind }

func TestInsert(t *testing.T) {
	tests := []struct {
		name   string
		editor editor
		want   Inserted
		err    error
		did    string
	}{
		{"paste goes first", editor{text: "old"}, Inserted{"paste", true}, nil, "paste"},
		{"edit where pasting is impossible", editor{text: "old", paste: ErrNoPaste}, Inserted{"edit", true}, nil, "edit"},
		{"neither", editor{text: "old", paste: ErrNoPaste, edit: ErrUnsupported}, Inserted{}, ErrUnsupported, ""},
		{"changed", editor{text: "older"}, Inserted{}, ErrChanged, ""},
		{"gone", editor{text: "old", read: ErrGone}, Inserted{}, ErrGone, ""},
		{"secure", editor{text: "old", read: ErrSecure}, Inserted{}, ErrSecure, ""},
		{"changed before the paste", editor{text: "old", paste: ErrChanged}, Inserted{}, ErrChanged, ""},
		{"not taken", editor{text: "old", ignores: true}, Inserted{}, ErrNotTaken, "paste"},
		{"something else", editor{text: "old", garbles: true}, Inserted{}, ErrOther, "paste"},
		{"cannot be read back", editor{text: "old", blind: true}, Inserted{"paste", false}, nil, "paste"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Insert(context.Background(), &tt.editor, "old", "new")
			if got != tt.want || !errors.Is(err, tt.err) || tt.editor.did != tt.did {
				t.Errorf("got %+v, %v by %q; want %+v, %v by %q", got, err, tt.editor.did, tt.want, tt.err, tt.did)
			}
		})
	}
}
