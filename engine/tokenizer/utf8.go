package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// ValidUTF8 replaces invalid bytes by U+FFFD, one for each maximal part of a
// broken character (Unicode's recommended practice, as Rust and Python do).
func ValidUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			n = brokenLen(s)
			b.WriteString("\uFFFD")
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// brokenLen is the length of the maximal part of a character at the start of
// s, which does not start with a whole one. It is at least 1.
func brokenLen(s string) int {
	need, lo, hi := 0, byte(0x80), byte(0xBF)
	switch c := s[0]; {
	case c >= 0xC2 && c <= 0xDF:
		need = 1
	case c >= 0xE0 && c <= 0xEF:
		need = 2
		if c == 0xE0 {
			lo = 0xA0
		}
		if c == 0xED {
			hi = 0x9F
		}
	case c >= 0xF0 && c <= 0xF4:
		need = 3
		if c == 0xF0 {
			lo = 0x90
		}
		if c == 0xF4 {
			hi = 0x8F
		}
	default:
		return 1
	}
	n := 1
	for n <= need && n < len(s) && s[n] >= lo && s[n] <= hi {
		lo, hi = 0x80, 0xBF
		n++
	}
	return n
}

// halfLen is the length of the unfinished character at the end of b: bytes
// that more bytes can still complete. It is 0 to 3.
func halfLen(b []byte) int {
	for n := 1; n <= 3 && n <= len(b); n++ {
		tail := string(b[len(b)-n:])
		if utf8.RuneStart(tail[0]) {
			if !utf8.FullRuneInString(tail) && brokenLen(tail) == n {
				return n
			}
			return 0
		}
	}
	return 0
}

// Detokenizer turns a stream of tokens into text that never ends inside a
// character. Bytes become U+FFFD only when nothing can complete them.
type Detokenizer struct {
	t    *Tokenizer
	held []byte
}

// Detokenizer starts a stream.
func (t *Tokenizer) Detokenizer() *Detokenizer { return &Detokenizer{t: t} }

// Push adds a token and gives the text that is now certain. Control tokens are
// for the caller to withhold: they come out as their content.
func (d *Detokenizer) Push(id int) string { return d.PushBytes(d.t.piece(id)) }

// PushBytes adds raw bytes and gives the text that is now certain.
func (d *Detokenizer) PushBytes(s string) string {
	d.held = append(d.held, s...)
	n := len(d.held) - halfLen(d.held)
	out := ValidUTF8(string(d.held[:n]))
	d.held = append(d.held[:0], d.held[n:]...)
	return out
}

// Held reports whether half a character is waiting.
func (d *Detokenizer) Held() bool { return len(d.held) > 0 }

// Flush ends the stream: half a character becomes U+FFFD.
func (d *Detokenizer) Flush() string {
	out := ValidUTF8(string(d.held))
	d.held = d.held[:0]
	return out
}
