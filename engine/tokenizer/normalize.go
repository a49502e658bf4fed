package tokenizer

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// toNFC is Unicode's NFC. golang.org/x/text inserts U+034F into runs of more
// than 30 combining marks (its "stream-safe" form), which NFC does not: such
// runs go a slower way.
func toNFC(s string) string {
	if isASCII(s) {
		return s
	}
	if longestMarks(s) < 28 {
		return norm.NFC.String(s)
	}
	return slowNFC(s)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// longestMarks counts the longest run of combining marks in the decomposed text.
func longestMarks(s string) int {
	best, run := 0, 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			run = 0
			i++
			continue
		}
		p := norm.NFD.PropertiesString(s[i:])
		if d := p.Decomposition(); d != nil {
			for len(d) > 0 {
				q := norm.NFD.Properties(d)
				run = markRun(run, q.CCC())
				best = max(best, run)
				d = d[max(q.Size(), 1):]
			}
		} else {
			run = markRun(run, p.CCC())
			best = max(best, run)
		}
		i += max(p.Size(), 1)
	}
	return best
}

func markRun(run int, ccc uint8) int {
	if ccc == 0 {
		return 0
	}
	return run + 1
}

// slowNFC decomposes, sorts marks by class and composes again, as Unicode
// Standard Annex 15 says.
func slowNFC(s string) string {
	type mark struct {
		r   rune
		ccc uint8
	}
	all := make([]mark, 0, len(s))
	for i := 0; i < len(s); {
		p := norm.NFD.PropertiesString(s[i:])
		size := max(p.Size(), 1)
		d := norm.NFD.String(s[i : i+size]) // one character: short, and it knows Hangul
		for _, r := range d {
			all = append(all, mark{r, norm.NFD.PropertiesString(string(r)).CCC()})
		}
		i += size
	}
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].ccc != 0 {
			j++
		}
		slices.SortStableFunc(all[i:j], func(a, b mark) int { return int(a.ccc) - int(b.ccc) })
		i = j + 1
	}
	out := make([]mark, 0, len(all))
	starter := -1
	for _, m := range all {
		if starter >= 0 {
			last := out[len(out)-1]
			blocked := len(out)-1 > starter && (last.ccc == 0 || last.ccc >= m.ccc)
			if !blocked {
				if c, ok := compose(out[starter].r, m.r); ok {
					out[starter].r = c
					continue
				}
			}
		}
		if m.ccc == 0 {
			starter = len(out)
		}
		out = append(out, m)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, m := range out {
		b.WriteRune(m.r)
	}
	return b.String()
}

// compose gives the primary composite of two characters.
func compose(a, b rune) (rune, bool) {
	pair := string(a) + string(b)
	c := norm.NFC.String(pair)
	r, n := utf8.DecodeRuneInString(c)
	if c == pair || n != len(c) {
		return 0, false
	}
	return r, true
}
