package jinja

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Str is a string that knows which of its bytes come from outside the
// template. Ranges are ascending, disjoint and not empty.
type Str struct {
	s    string
	user []span
}

type span struct{ start, end int }

// Trusted is text of the template's own side.
func Trusted(s string) Str { return Str{s: s} }

// Untrusted is text of a user, a document or a model.
func Untrusted(s string) Str {
	if s == "" {
		return Str{}
	}
	return Str{s: s, user: []span{{0, len(s)}}}
}

// String gives the text.
func (s Str) String() string { return s.s }

// Run is a stretch of text from one side.
type Run struct {
	Text    string
	Trusted bool
}

// Runs gives the text in stretches, neighbours differing in trust.
func (s Str) Runs() []Run {
	var out []Run
	at := 0
	for _, u := range s.user {
		if u.start > at {
			out = append(out, Run{s.s[at:u.start], true})
		}
		out = append(out, Run{s.s[u.start:u.end], false})
		at = u.end
	}
	if at < len(s.s) {
		out = append(out, Run{s.s[at:], true})
	}
	return out
}

// slice cuts bytes [a, b).
func (s Str) slice(a, b int) Str {
	if a == 0 && b == len(s.s) {
		return s
	}
	out := Str{s: s.s[a:b]}
	for _, u := range s.user {
		if x, y := max(u.start, a), min(u.end, b); x < y {
			out.user = append(out.user, span{x - a, y - a})
		}
	}
	return out
}

// mapText applies f to each run on its own.
func (s Str) mapText(f func(string) string) Str {
	var b builder
	for _, r := range s.Runs() {
		b.write(f(r.Text), !r.Trusted)
	}
	return b.str()
}

// builder joins text.
type builder struct {
	b    strings.Builder
	user []span
}

func (b *builder) write(s string, user bool) {
	start := b.b.Len()
	b.b.WriteString(s)
	if user && s != "" {
		b.mark(start, b.b.Len())
	}
}

func (b *builder) mark(start, end int) {
	if n := len(b.user); n > 0 && b.user[n-1].end == start {
		b.user[n-1].end = end
	} else {
		b.user = append(b.user, span{start, end})
	}
}

func (b *builder) add(s Str) {
	start := b.b.Len()
	b.b.WriteString(s.s)
	for _, u := range s.user {
		b.mark(start+u.start, start+u.end)
	}
}

func (b *builder) str() Str { return Str{s: b.b.String(), user: b.user} }

// index gives byte offsets of the code points of s: s[i] starts at the i-th,
// and the last entry is the length.
func offsets(s string) []int {
	out := make([]int, 0, len(s)+1)
	for i := range s {
		out = append(out, i)
	}
	return append(out, len(s))
}

// isSpace is Python's str.isspace for one character.
func isSpace(r rune) bool {
	switch {
	case r >= '\t' && r <= '\r', r >= 0x1C && r <= ' ', r == 0x85, r == 0xA0, r == 0x1680,
		r >= 0x2000 && r <= 0x200A, r == 0x2028, r == 0x2029, r == 0x202F, r == 0x205F, r == 0x3000:
		return true
	}
	return false
}

// strip cuts characters of a set (nil: white space) off either end.
func (s Str) strip(set *Str, left, right bool) Str {
	in := isSpace
	if set != nil {
		chars := []rune(set.s)
		in = func(r rune) bool { return slices.Contains(chars, r) }
	}
	a, b := 0, len(s.s)
	for left && a < b {
		r, w := utf8.DecodeRuneInString(s.s[a:b])
		if !in(r) {
			break
		}
		a += w
	}
	for right && a < b {
		r, w := utf8.DecodeLastRuneInString(s.s[a:b])
		if !in(r) {
			break
		}
		b -= w
	}
	return s.slice(a, b)
}

// split cuts at sep at most n times (n < 0: everywhere); sep nil is runs of
// white space, as in Python.
func (s Str) split(sep *Str, n int) []Str {
	var out []Str
	if sep == nil {
		at := 0
		for {
			for at < len(s.s) {
				r, w := utf8.DecodeRuneInString(s.s[at:])
				if !isSpace(r) {
					break
				}
				at += w
			}
			if at >= len(s.s) {
				return out
			}
			if n >= 0 && len(out) == n {
				return append(out, s.slice(at, len(s.s)))
			}
			end := at
			for end < len(s.s) {
				r, w := utf8.DecodeRuneInString(s.s[end:])
				if isSpace(r) {
					break
				}
				end += w
			}
			out = append(out, s.slice(at, end))
			at = end
		}
	}
	at := 0
	for n < 0 || len(out) < n {
		i := strings.Index(s.s[at:], sep.s)
		if i < 0 {
			break
		}
		out = append(out, s.slice(at, at+i))
		at += i + len(sep.s)
	}
	return append(out, s.slice(at, len(s.s)))
}

// rsplit cuts from the right.
func (s Str) rsplit(sep *Str, n int) []Str {
	if n < 0 {
		return s.split(sep, -1)
	}
	var out []Str
	end := len(s.s)
	if sep == nil {
		for {
			for end > 0 {
				r, w := utf8.DecodeLastRuneInString(s.s[:end])
				if !isSpace(r) {
					break
				}
				end -= w
			}
			if end == 0 {
				break
			}
			if len(out) == n {
				out = append(out, s.slice(0, end))
				break
			}
			start := end
			for start > 0 {
				r, w := utf8.DecodeLastRuneInString(s.s[:start])
				if isSpace(r) {
					break
				}
				start -= w
			}
			out = append(out, s.slice(start, end))
			end = start
		}
		slices.Reverse(out)
		return out
	}
	for len(out) < n {
		i := strings.LastIndex(s.s[:end], sep.s)
		if i < 0 {
			break
		}
		out = append(out, s.slice(i+len(sep.s), end))
		end = i
	}
	out = append(out, s.slice(0, end))
	slices.Reverse(out)
	return out
}

// replace exchanges the first n occurrences (n < 0: all).
func (s Str) replace(old, repl Str, n int) Str {
	if old.s == "" { // between all characters
		var b builder
		count := 0
		for i, r := range s.s {
			if n < 0 || count < n {
				b.add(repl)
				count++
			}
			b.add(s.slice(i, i+utf8.RuneLen(r)))
		}
		if n < 0 || count < n {
			b.add(repl)
		}
		return b.str()
	}
	var b builder
	at := 0
	for count := 0; n < 0 || count < n; count++ {
		i := strings.Index(s.s[at:], old.s)
		if i < 0 {
			break
		}
		b.add(s.slice(at, at+i))
		b.add(repl)
		at += i + len(old.s)
	}
	if at == 0 {
		return s
	}
	b.add(s.slice(at, len(s.s)))
	return b.str()
}

// lines is Python's str.splitlines.
func (s Str) lines(keep bool) []Str {
	var out []Str
	at := 0
	for i := 0; i < len(s.s); {
		r, w := utf8.DecodeRuneInString(s.s[i:])
		switch r {
		case '\n', '\r', '\v', '\f', 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029:
			end := i + w
			if r == '\r' && end < len(s.s) && s.s[end] == '\n' {
				end++
			}
			if keep {
				out = append(out, s.slice(at, end))
			} else {
				out = append(out, s.slice(at, i))
			}
			at, i = end, end
		default:
			i += w
		}
	}
	if at < len(s.s) {
		out = append(out, s.slice(at, len(s.s)))
	}
	return out
}
