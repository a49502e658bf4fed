package guard

import (
	"regexp"
	"strings"
	"unicode"
)

var quoted = regexp.MustCompile(`"([^"\n]{2,400})"|“([^”\n]{2,400})”|„([^“”\n]{2,400})[“”]|«\s?([^»\n]{2,400}?)\s?»|「([^」\n]{2,400})」|『([^』\n]{2,400})』`)

// quotations compares what stands in quotation marks, which is somebody else's
// text. The kind of marks, the case of the first letter and the punctuation at
// the end may change; a misspelled word may be corrected.
func quotations(was, is *text, o Options) []Fault {
	if o.Reform {
		return nil
	}
	var all []Fault
	kept := words(is.raw)
	for _, m := range quoted.FindAllStringSubmatchIndex(was.raw, -1) {
		for g := 2; g < len(m); g += 2 {
			if m[g] < 0 {
				continue
			}
			q := was.raw[m[g]:m[g+1]]
			said := words(q)
			if len(said) < 3 {
				continue // a single word in marks is emphasis or a name
			}
			if !within(said, kept) {
				all = append(all, Fault{Kind: Quotation, Old: q, In: Span{m[g], m[g+1]}})
			}
		}
	}
	return all
}

// words gives a text's words in lower case, characters of scripts without
// spaces one by one.
func words(s string) (out []string) {
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
			b.Reset()
		}
	}
	for _, r := range s {
		switch {
		case han(r):
			flush()
			out = append(out, string(r))
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			b.WriteRune(unicode.ToLower(r))
		case r == '\'' || r == '’':
		default:
			flush()
		}
	}
	flush()
	return out
}

// within says whether the words follow each other in all, each at most a
// misspelling away.
func within(some, all []string) bool {
	for i := 0; i+len(some) <= len(all); i++ {
		ok := true
		for j, w := range some {
			if w != all[i+j] && !misspelled(w, all[i+j]) {
				ok = false
				break
			}
		}
		if ok {
			return true
		}
	}
	return false
}

// misspelled says whether two words of at least four letters that are no
// numbers are one edit, or two in a long word, apart.
func misspelled(a, b string) bool {
	if min(len(a), len(b)) < 4 || strings.ContainsAny(a+b, "0123456789") {
		return false
	}
	limit := 1
	if min(len(a), len(b)) > 6 {
		limit = 2
	}
	return distance([]rune(a), []rune(b)) <= limit
}

// distance counts insertions, deletions, replacements and swaps of neighbours
// (Damerau and Levenshtein's, optimal string alignment).
func distance(a, b []rune) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, now := rows[(i+2)%3], rows[i%3], rows[(i+1)%3]
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
	}
	return rows[(len(a)+1)%3][len(b)]
}
