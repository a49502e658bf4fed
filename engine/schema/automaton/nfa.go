package automaton

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Encoding says how characters stand in the output.
type Encoding uint8

// Encodings.
const (
	UTF8 Encoding = iota // as they are
	JSON                 // as inside a JSON string, in the shortest form
)

// Limits bounds the work for one automaton, so that no expression can take a
// process's memory or time.
type Limits struct {
	States int // of the automaton
	Nodes  int // of the nondeterministic one before it
	Work   int // steps
	// Spent, if not nil, adds up the steps of several automata, which Work then
	// bounds together.
	Spent *int
}

// spend counts steps.
func (l Limits) spend(n int) error {
	if l.Spent == nil {
		if n > l.Work {
			return ErrTooLarge
		}
		return nil
	}
	if *l.Spent += n; *l.Spent > l.Work {
		return ErrTooLarge
	}
	return nil
}

// Default limits: some 10 MB and 100 ms at most.
var Default = Limits{States: 20_000, Nodes: 200_000, Work: 20_000_000}

// ErrTooLarge is the error of an expression beyond the limits.
var ErrTooLarge = errors.New("the expression needs too large an automaton")

// ErrNothing is the error of an expression that matches no text.
var ErrNothing = errors.New("the expression matches nothing")

// nfaNode goes on by a byte from lo to hi, or to all of eps without one.
type nfaNode struct {
	lo, hi byte
	to     int32 // -1: no byte
	eps    []int32
}

type builder struct {
	nodes []nfaNode
	enc   Encoding
	limit int
}

type tooLarge struct{}

func (b *builder) node(n nfaNode) int32 {
	if len(b.nodes) >= b.limit {
		panic(tooLarge{})
	}
	b.nodes = append(b.nodes, n)
	return int32(len(b.nodes) - 1)
}

func (b *builder) split(to ...int32) int32 { return b.node(nfaNode{to: -1, eps: to}) }

func (b *builder) text(s string, to int32) int32 {
	for i := len(s) - 1; i >= 0; i-- {
		to = b.node(nfaNode{lo: s[i], hi: s[i], to: to})
	}
	return to
}

// expr gives the node from which e leads to node to.
func (b *builder) expr(e *Expr, to int32, depth int) int32 {
	if depth > 1000 {
		panic(tooLarge{})
	}
	switch e.Op {
	case Empty:
		return to
	case Bytes:
		return b.text(e.Text, to)
	case Class:
		return b.class(e.Ranges, to)
	case Cat:
		for i := len(e.Subs) - 1; i >= 0; i-- {
			to = b.expr(e.Subs[i], to, depth+1)
		}
		return to
	case Alt:
		all := make([]int32, 0, len(e.Subs))
		for _, s := range e.Subs {
			all = append(all, b.expr(s, to, depth+1))
		}
		return b.split(all...)
	case Repeat:
		sub := e.Subs[0]
		if e.Max < 0 {
			loop := b.split()
			b.nodes[loop].eps = []int32{b.expr(sub, loop, depth+1), to}
			to = loop
		} else {
			end := to
			for i := e.Min; i < e.Max; i++ {
				to = b.split(b.expr(sub, to, depth+1), end)
			}
		}
		for i := 0; i < e.Min; i++ {
			to = b.expr(sub, to, depth+1)
		}
		return to
	}
	panic(fmt.Sprintf("automaton: unknown operation %d", e.Op))
}

// clean sorts and joins ranges and takes out the surrogates, which are no
// characters.
func clean(ranges []rune) []rune {
	type pair struct{ lo, hi rune }
	var ps []pair
	add := func(lo, hi rune) {
		if lo <= hi {
			ps = append(ps, pair{lo, hi})
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		lo, hi := max(ranges[i], 0), min(ranges[i+1], utf8.MaxRune)
		add(lo, min(hi, 0xD7FF))
		add(max(lo, 0xE000), hi)
	}
	slices.SortFunc(ps, func(a, b pair) int { return int(a.lo) - int(b.lo) })
	var out []rune
	for _, p := range ps {
		if n := len(out); n > 0 && p.lo <= out[n-1]+1 && !(out[n-1] == 0xD7FF && p.lo == 0xE000) {
			out[n-1] = max(out[n-1], p.hi)
		} else {
			out = append(out, p.lo, p.hi)
		}
	}
	return out
}

// class gives the node from which one character of the ranges leads to to.
func (b *builder) class(ranges []rune, to int32) int32 {
	u := utf8Builder{b: b, shared: map[nfaKey]int32{}}
	rs := clean(ranges)
	for i := 0; i < len(rs); i += 2 {
		lo, hi := rs[i], rs[i+1]
		if b.enc == UTF8 {
			u.add(lo, hi, to)
			continue
		}
		for r := lo; r <= min(hi, 0x1F); r++ {
			u.starts = append(u.starts, b.text(escape(r), to))
		}
		for _, r := range []rune{'"', '\\'} {
			if lo <= r && r <= hi {
				u.starts = append(u.starts, b.text(escape(r), to))
			}
		}
		for _, p := range [][2]rune{{0x20, 0x21}, {0x23, 0x5B}, {0x5D, utf8.MaxRune}} {
			if from, end := max(lo, p[0]), min(hi, p[1]); from <= end {
				u.add(from, end, to)
			}
		}
	}
	if len(u.starts) == 1 {
		return u.starts[0]
	}
	return b.split(u.starts...)
}

// escape is the JSON escape of a character that needs one.
func escape(r rune) string {
	switch r {
	case '"':
		return `\"`
	case '\\':
		return `\\`
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	}
	return fmt.Sprintf(`\u%04x`, r)
}

type nfaKey struct {
	lo, hi byte
	to     int32
}

// utf8Builder adds characters as bytes and shares equal tails.
type utf8Builder struct {
	b      *builder
	shared map[nfaKey]int32
	starts []int32
}

func (u *utf8Builder) byte(lo, hi byte, to int32) int32 {
	k := nfaKey{lo, hi, to}
	n, ok := u.shared[k]
	if !ok {
		n = u.b.node(nfaNode{lo: lo, hi: hi, to: to})
		u.shared[k] = n
	}
	return n
}

// add cuts the range at lengths and at full blocks of continuation bytes, until
// each piece is one sequence of byte ranges.
func (u *utf8Builder) add(lo, hi rune, to int32) {
	for _, last := range []rune{0x7F, 0x7FF, 0xFFFF} {
		if lo <= last && hi > last {
			u.add(lo, last, to)
			u.add(last+1, hi, to)
			return
		}
	}
	if hi < 0x80 {
		u.starts = append(u.starts, u.byte(byte(lo), byte(hi), to))
		return
	}
	for shift := rune(6); shift <= 18; shift += 6 {
		m := rune(1)<<shift - 1
		if lo&^m == hi&^m {
			continue
		}
		if lo&m != 0 {
			u.add(lo, lo|m, to)
			u.add(lo|m+1, hi, to)
			return
		}
		if hi&m != m {
			u.add(lo, hi&^m-1, to)
			u.add(hi&^m, hi, to)
			return
		}
	}
	var a, z [4]byte
	n := utf8.EncodeRune(a[:], lo)
	utf8.EncodeRune(z[:], hi)
	next := to
	for i := n - 1; i >= 0; i-- {
		next = u.byte(a[i], z[i], next)
	}
	u.starts = append(u.starts, next)
}

// Quote is the JSON string of s in the shortest form.
func Quote(s string) string {
	out := []byte{'"'}
	for _, r := range s {
		if r < 0x20 || r == '"' || r == '\\' {
			out = append(out, escape(r)...)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return string(append(out, '"'))
}
