//go:build linux

// Package overlay shows a suggestion over another program's editor, in a small
// window of its own that takes neither the focus nor a click.
package overlay

import "image"

// Kind says how near to the caret a suggestion is shown, by what the program
// tells of its caret.
type Kind string

// The kinds, from the most to the least that is known.
const (
	Inline Kind = "inline" // right behind the caret, as the text would go on
	Line   Kind = "line"   // a card below the caret's line: no room behind it
	Field  Kind = "field"  // a card at the text field: the caret's place is not to be trusted
	Mouse  Kind = "mouse"  // a card at the pointer: nor is the field's
)

// Anchor is what is known of where one writes, in pixels of the screen.
type Anchor struct {
	Caret   image.Rectangle // as the program says; its width does not matter
	Field   image.Rectangle // as the program says
	Window  image.Rectangle // as the X server says
	Screen  image.Rectangle
	Pointer image.Point
}

// Heights of a line of text that are believed.
const (
	lowest  = 7
	highest = 120
)

// gap is between a card and what it belongs to.
const gap = 4

// Trusted says whether the caret is where the program says: on a line of
// sensible height, inside the field, inside the window. Toolkits that do not
// know answer with zeros, with the window's corner, or with the coordinates of
// another monitor.
func (a Anchor) Trusted() bool {
	caret := a.Caret
	if caret.Dy() < lowest || caret.Dy() > highest || caret.Dx() < 0 || !a.fieldTrusted() {
		return false
	}
	// A caret at the very edge counts as inside; a field's frame may cut its line.
	inside := func(r image.Rectangle) bool {
		return caret.Min.X >= r.Min.X-1 && caret.Min.X <= r.Max.X+1 && caret.Min.Y >= r.Min.Y-2 && caret.Max.Y <= r.Max.Y+2
	}
	return inside(a.Field) && inside(a.Window) && inside(a.Screen)
}

func (a Anchor) fieldTrusted() bool {
	seen := a.Field.Intersect(a.Window).Intersect(a.Screen)
	return seen.Dx() >= lowest && seen.Dy() >= lowest
}

// Room gives how many pixels the line has behind the caret.
func (a Anchor) Room() int {
	return a.Field.Intersect(a.Window).Intersect(a.Screen).Max.X - a.Caret.Min.X
}

// Place decides where a suggestion goes. inline is how wide it is in the line's
// own size, in pixels; card is the size of a card with it.
func (a Anchor) Place(inline int, card image.Point) (Kind, image.Rectangle) {
	if a.Trusted() {
		if inline <= a.Room() {
			return Inline, image.Rect(a.Caret.Min.X, a.Caret.Min.Y, a.Caret.Min.X+inline, a.Caret.Max.Y)
		}
		return Line, a.below(a.Caret, card)
	}
	if a.fieldTrusted() {
		return Field, a.below(a.Field.Intersect(a.Window), card)
	}
	return Mouse, a.below(image.Rectangle{Min: a.Pointer, Max: a.Pointer.Add(image.Pt(1, 16))}, card)
}

// below puts a card under something, above it where the screen ends, and inside
// the screen in any case.
func (a Anchor) below(what image.Rectangle, card image.Point) image.Rectangle {
	at := image.Pt(what.Min.X, what.Max.Y+gap)
	if at.Y+card.Y > a.Screen.Max.Y {
		at.Y = what.Min.Y - gap - card.Y
		if at.Y < a.Screen.Min.Y { // a field as high as the screen: inside, at its end
			at.Y = a.Screen.Max.Y - card.Y - gap
		}
	}
	at.X = max(a.Screen.Min.X, min(at.X, a.Screen.Max.X-card.X))
	at.Y = max(a.Screen.Min.Y, at.Y)
	return image.Rectangle{Min: at, Max: at.Add(card)}
}
