//go:build linux

package atspi

import (
	"context"
	"fmt"
	"unicode/utf8"
)

// Range is a part of a text in characters, from before To.
type Range struct{ From, To int }

// Len counts the characters of a range.
func (r Range) Len() int { return r.To - r.From }

// Length counts the characters of an object's text.
func (o Object) Length(ctx context.Context) (int, error) {
	var n int32
	err := o.get(ctx, "Text.CharacterCount", &n)
	return int(n), err
}

// Caret gives where the caret is, in characters; negative when there is none.
func (o Object) Caret(ctx context.Context) (int, error) {
	var n int32
	err := o.get(ctx, "Text.CaretOffset", &n)
	return int(n), err
}

// SetCaret moves the caret.
func (o Object) SetCaret(ctx context.Context, at int) error {
	return o.do(ctx, "Text.SetCaretOffset", int32(at))
}

// Text reads a part of an object's text. Callers make sure first that the
// object is not Secure. Beyond TextLimit characters it is ErrTooLong.
func (o Object) Text(ctx context.Context, r Range) (string, error) {
	if r.Len() > TextLimit {
		return "", ErrTooLong
	}
	if r.Len() <= 0 {
		return "", nil
	}
	var s string
	err := o.call(ctx, "Text.GetText", []any{int32(r.From), int32(r.To)}, &s)
	return s, err
}

// All reads an object's whole text.
func (o Object) All(ctx context.Context) (string, error) {
	n, err := o.Length(ctx)
	if err != nil {
		return "", err
	}
	return o.Text(ctx, Range{0, n})
}

// Selections lists the selected parts; empty ones, which some toolkits give for
// a caret, are left out.
func (o Object) Selections(ctx context.Context) ([]Range, error) {
	var n int32
	if err := o.call(ctx, "Text.GetNSelections", nil, &n); err != nil {
		return nil, err
	}
	var all []Range
	for i := range min(n, 16) {
		var from, to int32
		if err := o.call(ctx, "Text.GetSelection", []any{i}, &from, &to); err != nil {
			return nil, err
		}
		if to < from { // selected backwards
			from, to = to, from
		}
		if to > from {
			all = append(all, Range{int(from), int(to)})
		}
	}
	return all, nil
}

// Select makes r the one selected part.
func (o Object) Select(ctx context.Context, r Range) error {
	var n int32
	if err := o.call(ctx, "Text.GetNSelections", nil, &n); err != nil {
		return err
	}
	for ; n > 1; n-- {
		if err := o.do(ctx, "Text.RemoveSelection", n-1); err != nil {
			return err
		}
	}
	if n == 1 {
		if o.do(ctx, "Text.SetSelection", int32(0), int32(r.From), int32(r.To)) == nil {
			return nil
		}
	}
	return o.do(ctx, "Text.AddSelection", int32(r.From), int32(r.To))
}

// CharacterExtents gives where one character is on the screen.
func (o Object) CharacterExtents(ctx context.Context, at int) (Rect, error) {
	var r Rect
	err := o.call(ctx, "Text.GetCharacterExtents", []any{int32(at), uint32(0)}, &r.X, &r.Y, &r.Width, &r.Height)
	return r, err
}

// RangeExtents gives what a part of the text covers of the screen.
func (o Object) RangeExtents(ctx context.Context, part Range) (Rect, error) {
	var r Rect
	err := o.call(ctx, "Text.GetRangeExtents", []any{int32(part.From), int32(part.To), uint32(0)}, &r.X, &r.Y, &r.Width, &r.Height)
	return r, err
}

// Insert puts text before the character at. Programs may take it without doing
// it: read it back.
func (o Object) Insert(ctx context.Context, at int, text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("insert: the text is not valid UTF-8")
	}
	return o.do(ctx, "EditableText.InsertText", int32(at), text, int32(len(text))) // the length is in bytes
}

// Delete takes a part of the text away.
func (o Object) Delete(ctx context.Context, r Range) error {
	return o.do(ctx, "EditableText.DeleteText", int32(r.From), int32(r.To))
}

// SetText replaces the whole text.
func (o Object) SetText(ctx context.Context, text string) error {
	return o.do(ctx, "EditableText.SetTextContents", text)
}
