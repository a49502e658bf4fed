package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Part is a piece of an excerpt.
type Part struct {
	Text string `json:"text"`
	Hit  bool   `json:"hit"`
}

// span is a piece of a text in bytes.
type span struct{ start, end int }

// Lengths of an excerpt in characters.
const (
	lead    = 40  // before the first hit
	excerpt = 180 // in all
)

// Match says whether every phrase of the query occurs in the text.
func (q Query) Match(text string) bool {
	if q.Empty() {
		return false
	}
	left := len(q.phrases)
	found := make([]bool, left)
	q.scan(text, func(phrase int, _ span) bool {
		if !found[phrase] {
			found[phrase] = true
			left--
		}
		return left > 0
	})
	return left == 0
}

// Excerpt gives the text around the first hit, in one line, with the hits in
// it marked. whole gives all of the text, for a title.
func (q Query) Excerpt(text string, whole bool) []Part {
	var hits []span
	to := len(text)
	from := 0
	q.scan(text, func(_ int, s span) bool {
		if len(hits) == 0 && !whole {
			from = back(text, s.start, lead)
			to = forth(text, from, excerpt)
			to = max(to, s.end)
		}
		if s.start >= to {
			return false
		}
		s.end = min(s.end, to)
		hits = append(hits, s)
		return true
	})
	if len(hits) == 0 && !whole {
		to = forth(text, 0, excerpt)
	}
	slices.SortFunc(hits, func(a, b span) int { return a.start - b.start })
	var parts []Part
	add := func(s string, hit bool) {
		if s == "" {
			return
		}
		if n := len(parts); n > 0 && parts[n-1].Hit == hit {
			parts[n-1].Text += s
			return
		}
		parts = append(parts, Part{s, hit})
	}
	at := from
	if from > 0 {
		add("… ", false)
	}
	for _, h := range hits {
		if h.end <= at {
			continue
		}
		h.start = max(h.start, at)
		add(line(text[at:h.start]), false)
		add(line(text[h.start:h.end]), true)
		at = h.end
	}
	add(line(text[at:to]), false)
	if to < len(text) {
		add(" …", false)
	}
	if parts == nil {
		parts = []Part{}
	}
	return parts
}

// scan tells each place where a phrase occurs, in the order of their ends,
// until tell says to stop.
func (q Query) scan(text string, tell func(phrase int, s span) bool) {
	if q.Empty() {
		return
	}
	longest := 0
	for _, p := range q.phrases {
		longest = max(longest, len(p))
	}
	var window []token // the last tokens
	for at := 0; ; {
		t, ok := next(text, at)
		if !ok {
			return
		}
		at = t.end
		if len(window) == longest {
			copy(window, window[1:])
			window = window[:longest-1]
		}
		window = append(window, t)
		for i, p := range q.phrases {
			if n := len(window); n >= len(p) && q.equal(window[n-len(p):], p, i == len(q.phrases)-1 && q.prefix) {
				if !tell(i, span{window[n-len(p)].start, t.end}) {
					return
				}
			}
		}
	}
}

func (q Query) equal(tokens []token, phrase []string, prefix bool) bool {
	last := len(phrase) - 1
	for i, t := range tokens {
		if t.text != phrase[i] && !(prefix && i == last && strings.HasPrefix(t.text, phrase[i])) {
			return false
		}
	}
	return true
}

// back goes up to n characters back, to a word's start where there is one.
func back(text string, at, n int) int {
	start := at
	for range n {
		if start == 0 {
			return 0
		}
		_, size := utf8.DecodeLastRuneInString(text[:start])
		start -= size
	}
	if i := strings.IndexFunc(text[start:at], unicode.IsSpace); i >= 0 {
		_, size := utf8.DecodeRuneInString(text[start+i:])
		return start + i + size
	}
	return start
}

// forth goes n characters on, back to a word's end where there is one near.
func forth(text string, at, n int) int {
	end := at
	for range n {
		if end == len(text) {
			return end
		}
		_, size := utf8.DecodeRuneInString(text[end:])
		end += size
	}
	if i := strings.LastIndexFunc(text[at:end], unicode.IsSpace); i > (end-at)*3/4 {
		return at + i
	}
	return end
}

// line makes one line of a text.
func line(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	var b strings.Builder
	space := false
	for _, r := range s {
		if unicode.IsControl(r) {
			r = ' '
		}
		if r == ' ' && space {
			continue
		}
		space = r == ' '
		b.WriteRune(r)
	}
	return b.String()
}
