package tokenizer

import "unicode/utf8"

// splitter cuts a text into pieces, in order, none lost.
type splitter func(text string, emit func(piece string))

// The regular expressions of known tokenizers, matched by hand: Go's engine
// has no look-ahead, and a hand-written scanner cannot backtrack badly. A
// tokenizer with another one is refused.
const (
	patternQwen2  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternLlama3 = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	patternGPT2   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
)

var patterns = map[string]splitter{
	patternQwen2:  func(s string, emit func(string)) { splitModern(s, 1, emit) },
	patternLlama3: func(s string, emit func(string)) { splitModern(s, 3, emit) },
	patternGPT2:   splitGPT2,
}

// splitModern matches patternQwen2 (digits 1) and patternLlama3 (digits 3).
func splitModern(s string, digits int, emit func(string)) {
	for len(s) > 0 {
		n := modernLen(s, digits)
		emit(s[:n])
		s = s[n:]
	}
}

func modernLen(s string, digits int) int {
	if n := contraction(s, true); n > 0 {
		return n
	}
	r, w := utf8.DecodeRuneInString(s)
	c := classOf(r)
	switch c {
	case letter:
		return w + runLen(s[w:], letter, -1)
	case number:
		return w + runLen(s[w:], number, digits-1)
	}
	// [^\r\n\p{L}\p{N}]?\p{L}+ with the optional character taken.
	if r != '\r' && r != '\n' {
		if n := runLen(s[w:], letter, -1); n > 0 {
			return w + n
		}
	}
	//  ?[^\s\p{L}\p{N}]+[\r\n]*
	skip := 0
	if r == ' ' {
		skip = 1
	}
	if n := runLen(s[skip:], other, -1); n > 0 {
		n += skip
		for n < len(s) && (s[n] == '\r' || s[n] == '\n') {
			n++
		}
		return n
	}
	// Only white space is left: up to the last line end in the run, else all
	// of it but the last character, which goes with the word that follows.
	total, line, last := spaceRun(s)
	if line > 0 {
		return line
	}
	if total == len(s) || total == last {
		return total
	}
	return total - last
}

// splitGPT2 matches patternGPT2.
func splitGPT2(s string, emit func(string)) {
	for len(s) > 0 {
		n := gpt2Len(s)
		emit(s[:n])
		s = s[n:]
	}
}

func gpt2Len(s string) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	skip := 0
	if s[0] == ' ' {
		skip = 1
	}
	if skip < len(s) {
		r, _ := utf8.DecodeRuneInString(s[skip:])
		if c := classOf(r); c != space {
			return skip + runLen(s[skip:], c, -1)
		}
	}
	total, _, last := spaceRun(s)
	if total == len(s) || total == last {
		return total
	}
	return total - last
}

// contraction matches 's 't 're 've 'm 'll 'd; folded also U+017F, which folds
// to s.
func contraction(s string, fold bool) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	lower := func(c byte) byte {
		if fold && c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}
	switch lower(s[1]) {
	case 's', 't', 'm', 'd':
		return 2
	case 'r', 'v':
		if len(s) > 2 && lower(s[2]) == 'e' {
			return 3
		}
	case 'l':
		if len(s) > 2 && lower(s[2]) == 'l' {
			return 3
		}
	case 0xC5: // U+017F is C5 BF
		if fold && len(s) > 2 && s[2] == 0xBF {
			return 3
		}
	}
	return 0
}

// runLen is the length in bytes of the run of class c at the start of s, of at
// most limit characters unless limit is negative.
func runLen(s string, c class, limit int) int {
	n := 0
	for n < len(s) && limit != 0 {
		r, w := utf8.DecodeRuneInString(s[n:])
		if classOf(r) != c {
			break
		}
		n += w
		limit--
	}
	return n
}

// spaceRun measures the white space at the start of s: its length, the length
// up to and with its last line end (0: none), and its last character's.
func spaceRun(s string) (total, line, last int) {
	for total < len(s) {
		r, w := utf8.DecodeRuneInString(s[total:])
		if classOf(r) != space {
			break
		}
		total += w
		last = w
		if r == '\r' || r == '\n' {
			line = total
		}
	}
	return total, line, last
}

// splitDigits sets numbers apart, one by one or in runs.
func splitDigits(single bool) splitter {
	return func(s string, emit func(string)) {
		start, in := 0, false
		for i, r := range s {
			d := isDigit(r)
			if i > start && (d != in || d && single) {
				emit(s[start:i])
				start = i
			}
			in = d
		}
		if start < len(s) {
			emit(s[start:])
		}
	}
}

// class is what the patterns tell apart.
type class uint8

const (
	other class = iota
	letter
	number
	space
)

var asciiClass = func() (t [128]class) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			t[c] = letter
		case c >= '0' && c <= '9':
			t[c] = number
		case c == ' ' || c >= '\t' && c <= '\r':
			t[c] = space
		}
	}
	return t
}()

func classOf(r rune) class {
	if r < 128 {
		return asciiClass[r]
	}
	switch {
	case inTable(letterTable, r):
		return letter
	case isSpace(r):
		return space
	case inTable(numberTable, r):
		return number
	}
	return other
}

func isSpace(r rune) bool {
	switch {
	case r < 128:
		return asciiClass[r] == space
	case r == 0x85, r == 0xA0, r == 0x1680, r == 0x2028, r == 0x2029, r == 0x202F, r == 0x205F, r == 0x3000:
		return true
	}
	return r >= 0x2000 && r <= 0x200A
}

// isDigit is the Digits pre-tokenizer's idea of a number, from a newer Unicode
// than the patterns'.
func isDigit(r rune) bool {
	if r < 128 {
		return asciiClass[r] == number
	}
	return inTable(numberTable, r) || inTable(newerNumberTable, r)
}

// inTable searches ascending, disjoint ranges given as first, last pairs.
func inTable(t []rune, r rune) bool {
	lo, hi := 0, len(t)/2
	for lo < hi {
		m := (lo + hi) / 2
		switch {
		case r < t[2*m]:
			hi = m
		case r > t[2*m+1]:
			lo = m + 1
		default:
			return true
		}
	}
	return false
}
