// Package automaton turns regular expressions into deterministic automata over
// bytes. The same expression can be read as plain UTF-8 text or as the inside
// of a JSON string, where quotes, backslashes and control characters stand
// escaped.
package automaton

import "unicode/utf8"

// Op is the kind of an expression.
type Op uint8

// Kinds of expressions.
const (
	Empty  Op = iota // the empty text
	Bytes            // Text as it is, whatever the encoding
	Class            // one character of Ranges
	Cat              // Subs one after the other
	Alt              // one of Subs; none of them matches nothing
	Repeat           // Subs[0] from Min to Max times
)

// Expr is a regular expression over characters.
type Expr struct {
	Op     Op
	Text   string
	Ranges []rune // pairs, both ends included
	Subs   []*Expr
	Min    int
	Max    int // -1: without limit
}

// Literal matches the characters of s.
func Literal(s string) *Expr {
	e := &Expr{Op: Cat}
	for _, r := range s {
		e.Subs = append(e.Subs, &Expr{Op: Class, Ranges: []rune{r, r}})
	}
	return e
}

// Raw matches the bytes of s whatever the encoding.
func Raw(s string) *Expr { return &Expr{Op: Bytes, Text: s} }

// Concat matches its parts one after the other.
func Concat(subs ...*Expr) *Expr { return &Expr{Op: Cat, Subs: subs} }

// Either matches one of its parts.
func Either(subs ...*Expr) *Expr { return &Expr{Op: Alt, Subs: subs} }

// Times matches e from lo to hi times; hi -1 is without limit.
func Times(e *Expr, lo, hi int) *Expr { return &Expr{Op: Repeat, Subs: []*Expr{e}, Min: lo, Max: hi} }

// Any matches one character.
func Any() *Expr { return &Expr{Op: Class, Ranges: []rune{0, utf8.MaxRune}} }

// Negate gives the characters that are in none of the ranges.
func Negate(ranges []rune) []rune {
	r := clean(ranges)
	var out []rune
	next := rune(0)
	for i := 0; i < len(r); i += 2 {
		if r[i] > next {
			out = append(out, next, r[i]-1)
		}
		next = r[i+1] + 1
	}
	if next <= utf8.MaxRune {
		out = append(out, next, utf8.MaxRune)
	}
	return out
}
