package guard

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// text is a text with what the checks share: the same bytes with literals
// (links, code, placeholders) blanked out, and its words and sentences.
type text struct {
	raw       string
	masked    string // same length; literals are spaces
	literals  []fact
	words     []word
	sentences []sentence
	neg       *negated // found once, as the next two
	times     *moments
	figures   *[]quantity
	percents  []quantity
}

// fact is something that must survive. Two facts are the same when they share
// a key: an ambiguous one ("03/05") has several.
type fact struct {
	kind  Kind
	keys  []string
	loose []string // keys of less exact facts that this one includes: a date's month
	text  string
	at    Span
	// weak facts may be dropped or added; only one lost together with one
	// new is a fault.
	weak bool
	// quiet facts may stand for another one, but are never missed themselves.
	quiet bool
}

func (f fact) same(g fact) bool {
	return meet(f.keys, g.keys) || meet(f.keys, g.loose) || meet(f.loose, g.keys)
}

func meet(a, b []string) bool {
	return slices.ContainsFunc(a, func(k string) bool { return slices.Contains(b, k) })
}

// word is a run of letters, marks, digits and inner apostrophes; a character
// of a script without spaces is a word by itself.
type word struct {
	text  string
	lower string
	at    Span
	first bool // the first of its sentence or line
}

type sentence struct {
	at       Span
	question bool
}

func read(raw string) *text {
	t := &text{raw: raw}
	t.literals, t.masked = findLiterals(raw)
	t.findPercents()
	t.split()
	return t
}

// han says whether a character belongs to a script written without spaces.
func han(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai)
}

func (t *text) split() {
	s := t.masked
	start, first := 0, true
	end := func(at int, question bool) {
		if strings.TrimSpace(s[start:at]) != "" {
			t.sentences = append(t.sentences, sentence{Span{start, at}, question})
		}
		start, first = at, true
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case han(r):
			t.words = append(t.words, word{s[i : i+n], s[i : i+n], Span{i, i + n}, first})
			first = false
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			j := i + n
			for j < len(s) {
				q, m := utf8.DecodeRuneInString(s[j:])
				inner := (q == '\'' || q == '’') && j+m < len(s) && letterAt(s, j+m)
				if han(q) || !(unicode.IsLetter(q) || unicode.IsDigit(q) || unicode.IsMark(q) || inner) {
					break
				}
				j += m
			}
			w := s[i:j]
			lower := strings.ReplaceAll(strings.ToLower(w), "’", "'")
			if full := withApostrophe[lower]; full != "" {
				lower = full
			}
			t.words = append(t.words, word{w, lower, Span{i, j}, first})
			first = false
			i = j
			continue
		case r == '\n':
			end(i+n, false)
		case r == '?' || r == '？':
			end(i+n, true)
		case r == '!' || r == '。' || r == '！' || r == '；' || r == ';':
			end(i+n, false)
		case r == '.' && (i+n == len(s) || s[i+n] == ' ' || s[i+n] == '\n' || s[i+n] == '"' || s[i+n] == ')') && !t.abbreviation(i):
			end(i+n, false)
		case r == ':' && strings.HasPrefix(strings.TrimLeft(s[i+n:], "*_"), " "):
			first = true // "Note: The…" starts like a sentence
		case r == '"' || r == '“' || r == '«' || r == '(' || r == '—' || r == '–':
			if r != '(' {
				first = true // a quotation starts like a sentence
			}
		}
		i += n
	}
	end(len(s), false)
}

func letterAt(s string, i int) bool {
	r, _ := utf8.DecodeRuneInString(s[i:])
	return unicode.IsLetter(r)
}

// withApostrophe are short forms as people type them.
var withApostrophe = map[string]string{"dont": "don't", "doesnt": "doesn't", "didnt": "didn't", "isnt": "isn't", "arent": "aren't", "wasnt": "wasn't", "werent": "weren't", "cant": "can't", "wont": "won't", "wouldnt": "wouldn't", "couldnt": "couldn't", "shouldnt": "shouldn't", "havent": "haven't", "hasnt": "hasn't", "hadnt": "hadn't", "noone": "nobody"}

var abbreviations = set("mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "no", "approx", "a.m", "p.m", "am", "pm", "inc", "ltd", "jr", "sr", "fig", "z.b", "bzw", "ca", "nr")

// abbreviation says whether the full stop at i belongs to a short form.
func (t *text) abbreviation(i int) bool {
	s := t.masked[:i]
	j := len(s)
	for j > 0 && (s[j-1] == '.' || s[j-1] >= 'A' && s[j-1] <= 'Z' || s[j-1] >= 'a' && s[j-1] <= 'z') {
		j--
	}
	w := strings.ToLower(s[j:])
	if len(w) == 1 && w != "i" && s[j] >= 'A' && s[j] <= 'Z' {
		return true // an initial
	}
	if w == "a.m" || w == "p.m" || w == "am" || w == "pm" || w == "no" || w == "etc" {
		// They also end sentences: they do where a capital follows.
		rest := strings.TrimLeft(t.masked[min(i+1, len(t.masked)):], " ")
		r, _ := utf8.DecodeRuneInString(rest)
		return rest != "" && !unicode.IsUpper(r)
	}
	return abbreviations[w]
}

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}

// compare reports strong facts that are in one text only, and weak ones where
// one was lost and one is new.
func compare(was, is []fact) (lost, fresh []fact) {
	missing := func(from, in []fact) (strong, weak []fact) {
		for _, f := range from {
			found := false
			for _, g := range in {
				if f.same(g) {
					found = true
					break
				}
			}
			switch {
			case found || f.quiet:
			case f.weak:
				weak = append(weak, f)
			default:
				strong = append(strong, f)
			}
		}
		return strong, weak
	}
	lost, weakLost := missing(was, is)
	fresh, weakFresh := missing(is, was)
	if len(fresh)+len(weakFresh) == 0 && len(weakLost) > 0 {
		weakFresh = moreOften(was, is) // "two and three" became "three and three"
	}
	if len(lost)+len(weakLost) > 0 && len(fresh)+len(weakFresh) > 0 {
		// Something was put in another's place.
		if len(lost) == 0 {
			lost = weakLost
		}
		if len(fresh) == 0 {
			fresh = weakFresh
		}
	}
	return lost, fresh
}

// moreOften gives weak facts that is holds more often than was.
func moreOften(was, is []fact) (out []fact) {
	for i, f := range is {
		if !f.weak || f.quiet {
			continue
		}
		before, now := 0, 0
		for _, g := range was {
			if f.same(g) && !g.quiet {
				before++
			}
		}
		for _, g := range is[:i+1] {
			if f.same(g) && !g.quiet {
				now++
			}
		}
		if now > before {
			out = append(out, f)
		}
	}
	return out
}

// added gives the strong facts of is that was has not.
func added(was, is []fact) (out []fact) {
	for _, f := range absent(is, was) {
		if !f.weak && !f.quiet {
			out = append(out, f)
		}
	}
	return out
}

// faults pairs lost facts with new ones in their order, so that a warning can
// say "5 became 7".
func faults(lost, fresh []fact) []Fault {
	var all []Fault
	for i := range max(len(lost), len(fresh)) {
		var f Fault
		if i < len(lost) {
			f.Kind, f.Old, f.In = lost[i].kind, lost[i].text, lost[i].at
		}
		if i < len(fresh) {
			if f.Kind == "" {
				f.Kind = fresh[i].kind
			}
			f.New, f.Out = fresh[i].text, fresh[i].at
		}
		all = append(all, f)
	}
	return all
}
