package suggest

import (
	"strings"
	"unicode/utf8"
)

// kind of a change of the text.
type kind int

const (
	same      kind = iota
	appended       // typed at the caret
	shortened      // taken away before the caret, or behind it
	moved          // the same text, another caret or selection
	edited         // anything else
)

// pasteLimit is the longest insertion in characters that counts as typed; an
// input method or a key of a phone may bring a word at once.
const pasteLimit = 40

// difference says what happened between two states. Before may have lost
// characters at its start, where a driver cuts it.
func difference(old, now Text) (typed string, how kind) {
	if old == now {
		return "", same
	}
	if old.Before+old.After == now.Before+now.After && (old.Before == now.Before) == (old.Caret == now.Caret) {
		return "", moved
	}
	if now.Selected {
		return "", edited
	}
	if n := now.Caret - old.Caret; n > 0 && n <= pasteLimit && old.After == now.After {
		if head, tail, ok := cut(now.Before, n); ok && !old.Selected && (head == old.Before || head != "" && strings.HasSuffix(old.Before, head)) {
			return tail, appended
		}
		return "", edited
	}
	if n := old.Caret - now.Caret; n > 0 && old.After == now.After {
		if head, _, ok := cut(old.Before, n); ok && (head == now.Before || head != "" && strings.HasSuffix(now.Before, head)) {
			return "", shortened
		}
	}
	if old.Before == now.Before && strings.HasSuffix(old.After, now.After) {
		return "", shortened
	}
	return "", edited
}

// ends reports whether two texts before one caret are the same, where either
// may have lost its start.
func ends(a, b string) bool {
	return a == b || a != "" && b != "" && (strings.HasSuffix(a, b) || strings.HasSuffix(b, a))
}

// cut splits off the last n characters.
func cut(s string, n int) (head, tail string, ok bool) {
	i := len(s)
	for range n {
		if i == 0 {
			return "", "", false
		}
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	return s[:i], s[i:], true
}
