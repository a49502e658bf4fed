package shell

import (
	"context"
	"errors"
)

// Target is where a text was captured, as the page shows it.
type Target struct {
	ID      string `json:"id,omitempty"`      // "" when nothing can be put back there
	Program string `json:"program,omitempty"` // such as "Mousepad"
	Refused string `json:"refused,omitempty"` // RefusedSecure: the text was not read
}

// RefusedSecure says that the focus was in a field for passwords.
const RefusedSecure = "secure"

// Selected is what was selected in the program that had the focus.
type Selected struct {
	Text    string
	Program string
	Refused string
	Place   Place // nil when nothing can be put back
}

// Place is where a text was selected in another program. A place keeps what it
// needs to find the text again.
type Place interface {
	// Read gives the text that stands there now. Its errors are this file's.
	Read(ctx context.Context) (string, error)
	// Paste puts text there as if the user pasted it: one step of undo. It is
	// ErrNoPaste where that cannot be done; then nothing was changed.
	Paste(ctx context.Context, text string) error
	// Edit puts text there without keys and clipboard. ErrUnsupported where the
	// program has no such way; then nothing was changed.
	Edit(ctx context.Context, text string) error
	// Holds waits until exactly text stands there; known is false where the
	// place cannot be read back.
	Holds(ctx context.Context, text string) (holds, known bool)
}

// What can prevent an insertion. In all cases but ErrOther the program's text
// is what it was.
var (
	ErrChanged     = errors.New("the text there has changed")
	ErrGone        = errors.New("the field with the text is gone")
	ErrSecure      = errors.New("the field is for passwords")
	ErrUnsupported = errors.New("this program lets no other one change its text")
	ErrNoPaste     = errors.New("pasting is not possible here")
	ErrNotTaken    = errors.New("the program did not take the text")
	ErrOther       = errors.New("the program put in something else")
)

// Inserted says how a text came to its place.
type Inserted struct {
	Way      string `json:"way"`      // paste or edit
	Verified bool   `json:"verified"` // it was read back there
}

// Insert replaces original by text at a place, if the place still holds exactly
// that. Pasting goes first, since editors undo it in one step.
func Insert(ctx context.Context, place Place, original, text string) (Inserted, error) {
	now, err := place.Read(ctx)
	if err != nil {
		return Inserted{}, err
	}
	if now != original {
		return Inserted{}, ErrChanged
	}
	done := Inserted{Way: "paste"}
	err = place.Paste(ctx, text)
	if errors.Is(err, ErrNoPaste) {
		done.Way = "edit"
		err = place.Edit(ctx, text)
	}
	if err != nil {
		return Inserted{}, err
	}
	holds, known := place.Holds(ctx, text)
	if !known || holds {
		done.Verified = known
		return done, nil
	}
	if now, err := place.Read(ctx); err == nil && now == original && original != text {
		return Inserted{}, ErrNotTaken
	}
	return Inserted{}, ErrOther
}
