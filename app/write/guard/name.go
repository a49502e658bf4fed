package guard

import (
	"regexp"
	"strings"
	"unicode"
)

// names compares proper names: words with a capital where none is due,
// acronyms, and words with inner capitals. A capital at the start of a
// sentence is a weak sign: there a name must be seen to be replaced by
// another one.
func names(was, is *text, o Options) []Fault {
	lower := map[string]bool{} // words that either text also writes small
	for _, t := range []*text{was, is} {
		for _, w := range t.words {
			if w.text == strings.ToLower(w.text) {
				lower[stripS(w.lower)] = true
			}
		}
	}
	tongue := was.tongue()
	a, b := was.names(lower, tongue), is.names(lower, tongue)
	lost, fresh := added(b, a), added(a, b)
	if o.Reform {
		lost = nil
	} else {
		l, f := replaced(was, is, a, b)
		lost, fresh = append(lost, l...), append(fresh, f...)
	}
	lost, fresh = corrected(lost, fresh)
	// A name kept in another case or inside a compound is kept.
	lost, fresh = elsewhere(lost, is.raw), elsewhere(fresh, was.raw)
	return append(faults(lost, fresh), titles(was, is, o)...)
}

// replaced finds weak names in whose place another name stands: the words
// behind them are the same.
func replaced(was, is *text, a, b []fact) (lost, fresh []fact) {
	for _, f := range a {
		if !f.weak || len(absent([]fact{f}, b)) == 0 {
			continue
		}
		for _, g := range b {
			if len(absent([]fact{g}, a)) > 0 && was.after(f.at) != "" && was.after(f.at) == is.after(g.at) {
				lost, fresh = append(lost, f), append(fresh, g)
				break
			}
		}
	}
	return lost, fresh
}

// after gives the word behind a place.
func (t *text) after(at Span) string {
	for _, w := range t.words {
		if w.at.Start >= at.End {
			return w.lower
		}
	}
	return ""
}

// corrected leaves out pairs that are one long word spelled in two ways, or a
// land and its people.
func corrected(lost, fresh []fact) (l, f []fact) {
	used := map[int]bool{}
	for _, a := range lost {
		found := false
		for i, b := range fresh {
			if !used[i] && (len(a.keys[0]) >= 8 && misspelled(a.keys[0], b.keys[0]) || people(a.keys[0], b.keys[0]) || people(b.keys[0], a.keys[0])) {
				used[i], found = true, true
				break
			}
		}
		if !found {
			l = append(l, a)
		}
	}
	for i, b := range fresh {
		if !used[i] {
			f = append(f, b)
		}
	}
	return l, f
}

// people are written as a land is: English, England.
func people(a, b string) bool {
	for _, end := range []string{"ish", "ese", "ian"} {
		if strings.HasSuffix(a, end) && len(a) > 6 && strings.HasPrefix(b, a[:4]) {
			return true
		}
	}
	return false
}

func elsewhere(facts []fact, raw string) (left []fact) {
	low := strings.ToLower(raw)
	for _, f := range facts {
		if !strings.Contains(low, f.keys[0]) && !(len(f.keys[0]) > 4 && strings.Contains(low, strings.TrimSuffix(f.keys[0], "s"))) {
			left = append(left, f)
		}
	}
	return left
}

func stripS(w string) string { return strings.TrimSuffix(strings.TrimSuffix(w, "'s"), "'") }

// names finds a text's names. German writes every noun with a capital: there
// only acronyms and words with inner capitals count.
func (t *text) names(lower map[string]bool, tongue string) (out []fact) {
	for i, w := range t.words {
		base := w.text
		for _, end := range []string{"'s", "’s", "'", "’"} {
			base = strings.TrimSuffix(base, end)
		}
		if n := len(base) - 1; n > 1 && base[n] == 's' && acronym([]rune(base[:n])) {
			base = base[:n] // PDFs
		}
		key := strings.ToLower(base)
		if quarter.MatchString(base) {
			continue
		}
		runes := []rune(base)
		if len(runes) < 2 || han(runes[0]) || !unicode.IsUpper(runes[0]) && !innerCapital(runes) {
			continue
		}
		switch {
		case t.masked[w.at.Start] == ' ', weekdayNames[key] > 0, weekdayNames[strings.TrimSuffix(key, "s")] > 0, monthNames[key] > 0 && key != "may" && key != "mark", relativeNames[key] != "",
			unitNames[key] != "", common[key], strings.Contains(base, "'") && common[key], titleWords[key]:
			continue
		}
		strong := acronym(runes) || innerCapital(runes)
		if strings.ToUpper(base) == base && len(runes) > 1 && shouting(t, w) {
			continue // a text in capitals
		}
		switch {
		case strong:
		case tongue == "de", w.first && tongue != "" && tongue != "en":
			continue // the list of common words is English
		case lower[stripS(key)] || lower[key+"s"] || lower[strings.TrimSuffix(key, "s")]:
			continue
		case w.first && strings.HasSuffix(key, "ly") || w.first && (strings.HasSuffix(key, "ing") || strings.HasSuffix(key, "ed")):
			continue // Unfortunately, Looking, Based
		}
		f := fact{kind: Name, keys: []string{key}, text: base, at: Span{w.at.Start, w.at.Start + len(base)}}
		f.weak = !strong && (w.first || headline(t, i))
		out = append(out, f)
	}
	return out
}

func acronym(r []rune) bool {
	upper := 0
	for _, c := range r {
		if unicode.IsUpper(c) {
			upper++
		}
	}
	return len(r) >= 2 && len(r) <= 6 && upper >= len(r)-1 && upper >= 2
}

// innerCapital: McKay, iPhone, GitHub.
func innerCapital(r []rune) bool {
	small := false
	for _, c := range r {
		if small && unicode.IsUpper(c) {
			return true
		}
		small = small || unicode.IsLower(c)
	}
	return false
}

// shouting says whether the neighbours of an all-capital word are so too.
func shouting(t *text, w word) bool {
	line := lineOf(t.masked, w.at.Start)
	upper, letters := 0, 0
	for _, r := range line {
		if unicode.IsLetter(r) {
			letters++
			if unicode.IsUpper(r) {
				upper++
			}
		}
	}
	return letters > len(w.text) && upper*10 > letters*7
}

// headline says whether the word stands in a line whose words mostly begin
// with capitals, such as a heading.
func headline(t *text, i int) bool {
	line := lineOf(t.masked, t.words[i].at.Start)
	if strings.HasPrefix(strings.TrimSpace(line), "#") {
		return true
	}
	if strings.ContainsAny(strings.TrimRight(line, " \r\n"), ".!?") && len(strings.TrimSpace(line)) > 60 {
		return false
	}
	capital, all := 0, 0
	for _, w := range strings.FieldsFunc(line, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
		if len(w) > 3 {
			all++
			if unicode.IsUpper([]rune(w)[0]) {
				capital++
			}
		}
	}
	return all >= 3 && capital*10 >= all*8
}

func lineOf(s string, i int) string {
	start := strings.LastIndexByte(s[:i], '\n') + 1
	if end := strings.IndexByte(s[i:], '\n'); end >= 0 {
		return s[start : i+end]
	}
	return s[start:]
}

// quarter is a part of the year, which is a number.
var quarter = regexp.MustCompile(`^[QH][1-4]$`)

var titleWords = set("mr", "mrs", "ms", "dr", "prof", "professor", "sir", "madam", "i", "i'm", "i'll", "i've", "i'd", "herr", "frau", "madame", "monsieur", "señor", "señora")

// titles compares works in 《》, which Chinese marks as names.
func titles(was, is *text, o Options) []Fault {
	of := func(t *text) (out []fact) {
		for s, at := t.raw, 0; ; {
			i := strings.Index(s, "《")
			if i < 0 {
				return out
			}
			j := strings.Index(s[i:], "》")
			if j < 0 {
				return out
			}
			end := i + j + len("》")
			out = append(out, fact{kind: Name, keys: []string{s[i:end]}, text: s[i:end], at: Span{at + i, at + end}})
			s, at = s[end:], at+end
		}
	}
	lost, fresh := compare(of(was), of(is))
	if o.Reform {
		lost = nil
	}
	return faults(lost, fresh)
}
