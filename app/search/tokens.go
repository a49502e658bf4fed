// Package search cuts texts and queries into the tokens of the full-text index
// and shows where a query hits. Words are folded (case, accents, width);
// scripts without spaces, Chinese above all, are cut into single characters,
// so that a query of two characters finds them side by side.
package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Version changes when the same text gives other tokens: an index of another
// version is built anew.
const Version = 1

// TokenLimit is the longest token in bytes; the rest of a longer one, such as
// a line of base64, is not found.
const TokenLimit = 256

// token is a token and where it stands in its text, in bytes.
type token struct {
	text       string
	start, end int
	word       bool // of a script with spaces: its start can be looked for
}

// Tokens gives a text as the index stores it: its tokens, folded, with a space
// between each two.
func Tokens(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	for at := 0; ; {
		t, ok := next(text, at)
		if !ok {
			return b.String()
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
		at = t.end
	}
}

// next finds the first token at or behind a place.
func next(text string, at int) (token, bool) {
	for at < len(text) {
		r, n := utf8.DecodeRuneInString(text[at:])
		switch kindOf(r) {
		case single:
			end := at + n + marks(text[at+n:])
			if folded := fold(text[at:end]); folded != "" {
				return token{folded, at, end, false}, true
			}
			at = end
		case letter:
			end := at + n
			for end < len(text) {
				r, n := utf8.DecodeRuneInString(text[end:])
				if k := kindOf(r); k != letter && k != mark {
					break
				}
				end += n
			}
			if folded := fold(text[at:end]); folded != "" {
				return token{folded, at, end, true}, true
			}
			at = end
		default:
			at += n
		}
	}
	return token{}, false
}

type kind int

const (
	gap    kind = iota // between tokens
	letter             // of a word
	mark               // belongs to the character before
	single             // a token of its own
)

// spaceless are the scripts that do not part words, and Korean, whose words
// carry endings.
var spaceless = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai,
	unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Bopomofo, unicode.Yi}

func kindOf(r rune) kind {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return letter
		}
		return gap
	case r == utf8.RuneError:
		return gap
	case unicode.Is(unicode.M, r):
		return mark
	case unicode.IsOneOf(spaceless, r), unicode.Is(unicode.So, r):
		return single
	case unicode.IsLetter(r), unicode.IsNumber(r):
		return letter
	}
	return gap
}

func marks(text string) (n int) {
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		if kindOf(r) != mark {
			break
		}
		n += size
	}
	return n
}

// fold makes spellings of one word equal.
func fold(s string) string {
	plain := true
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			plain = false
			break
		}
	}
	if !plain {
		s = strings.Map(func(r rune) rune {
			switch r = unicode.ToLower(r); {
			case unicode.Is(unicode.Mn, r):
				return -1
			case r == 'ß':
				return 's' // SS in capitals: "strasse" is another word all the same
			case kindOf(r) == gap:
				return -1 // such as the spaces that ﷺ is made of
			}
			return r
		}, norm.NFKD.String(s))
	}
	if len(s) > TokenLimit {
		s = strings.ToValidUTF8(s[:TokenLimit], "")
	}
	return s
}
