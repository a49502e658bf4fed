package write

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/sergi/go-diff/diffmatchpatch"
)

// Kinds of a segment.
const (
	Same   = "same"
	Change = "change"
)

// Segment is a part that stayed (Old == New) or a part that changed. Joined
// Olds give the original, joined News the result.
type Segment struct {
	Kind string `json:"kind"`
	Old  string `json:"old"`
	New  string `json:"new"`
	ID   int    `json:"id,omitempty"` // of a change, from 1 upwards
	// Why tells what kind of change it is, where that is known.
	Why *Reason `json:"why,omitempty"`
	// Faults warn of this change; accepting all leaves it out.
	Faults []Fault `json:"faults,omitempty"`
}

// diffTime bounds the search for the smallest difference; what is not found by
// then counts as one big change.
const diffTime = 400 * time.Millisecond

// Diff compares two texts word by word. Words are Unicode's (UAX 29), so that
// it works in every script; text without spaces is compared by character.
func Diff(original, result string) []Segment {
	deadline := time.Now().Add(diffTime)
	head, tail := commonEnds(original, result)
	old, edited := original[head:len(original)-tail], result[head:len(result)-tail]

	var w script
	w.add(diffmatchpatch.DiffEqual, original[:head])
	// Lines first: long texts fall into short pieces, each compared by words.
	var gone, come strings.Builder
	flush := func() {
		w.words(gone.String(), come.String(), deadline)
		gone.Reset()
		come.Reset()
	}
	for _, d := range compare(lines(old), lines(edited), deadline) {
		switch d.Type {
		case diffmatchpatch.DiffDelete:
			gone.WriteString(d.Text)
		case diffmatchpatch.DiffInsert:
			come.WriteString(d.Text)
		default:
			flush()
			w.add(d.Type, d.Text)
		}
	}
	flush()
	w.add(diffmatchpatch.DiffEqual, original[len(original)-tail:])
	return w.segments()
}

// commonEnds gives the lengths of the common start and end, cut back to where
// words begin, so that no word is split.
func commonEnds(a, b string) (head, tail int) {
	n := min(len(a), len(b))
	for head < n && a[head] == b[head] {
		head++
	}
	if head == len(a) && head == len(b) {
		return head, 0
	}
	head = strings.LastIndexByte(a[:head], '\n') + 1
	for tail < n-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	// A tail starts behind a line end.
	if i := strings.IndexByte(a[len(a)-tail:], '\n'); i >= 0 {
		tail -= i + 1
	} else {
		tail = 0
	}
	return head, tail
}

func lines(s string) []string { return strings.SplitAfter(s, "\n") }

// words cuts a text at Unicode's word boundaries; every space stands alone with
// its neighbours, every line end by itself.
func words(s string) []string {
	out := make([]string, 0, len(s)/4+1)
	state := -1
	for len(s) > 0 {
		if n := asciiWord(s); n > 0 { // most of most texts, ten times as fast
			out = append(out, s[:n])
			s, state = s[n:], -1
			continue
		}
		var word string
		word, s, state = uniseg.FirstWordInString(s, state)
		out = append(out, word)
	}
	return out
}

// asciiWord is the length of a run of ASCII letters, or of one space or line
// end, that ends before another plain ASCII character where a boundary is sure.
func asciiWord(s string) int {
	letter := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
	n := 0
	for n < len(s) && letter(s[n]) {
		n++
	}
	if n == 0 {
		switch s[0] {
		case ' ':
			n = 1
			if len(s) > 1 && (s[1] == ' ' || s[1] == '\r' || s[1] == '\n') {
				return 0
			}
		case '\n':
			n = 1
		default:
			return 0
		}
		if n < len(s) && s[n] >= utf8.RuneSelf {
			return 0
		}
		return n
	}
	if n < len(s) {
		switch s[n] {
		case ' ', '\n', '!', '?', ')', '"', '/':
			return n
		}
		return 0
	}
	return n
}

// compare finds a short edit script between two lists of pieces.
func compare(a, b []string, deadline time.Time) []diffmatchpatch.Diff {
	index := map[string]rune{}
	var pieces []string
	intern := func(list []string) ([]rune, bool) {
		out := make([]rune, len(list))
		for i, s := range list {
			r, ok := index[s]
			if !ok {
				r = toRune(len(pieces))
				if r > unicode.MaxRune {
					return nil, false
				}
				index[s] = r
				pieces = append(pieces, s)
			}
			out[i] = r
		}
		return out, true
	}
	whole := []diffmatchpatch.Diff{
		{Type: diffmatchpatch.DiffDelete, Text: strings.Join(a, "")}, {Type: diffmatchpatch.DiffInsert, Text: strings.Join(b, "")}}
	ra, okA := intern(a)
	rb, okB := intern(b)
	left := time.Until(deadline)
	if !okA || !okB || left <= 0 {
		return whole
	}
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = left
	diffs := dmp.DiffMainRunes(ra, rb, false)
	for i, d := range diffs {
		var text strings.Builder
		for _, r := range d.Text {
			text.WriteString(pieces[fromRune(r)])
		}
		diffs[i].Text = text.String()
	}
	return diffs
}

// The library keeps pieces as characters of a string: surrogates are none.
func toRune(i int) rune {
	if i++; i >= 0xD800 {
		i += 0x800
	}
	return rune(i)
}

func fromRune(r rune) int {
	if r >= 0xE000 {
		r -= 0x800
	}
	return int(r) - 1
}

// script collects pieces and joins neighbours of a kind.
type script struct {
	list []Segment
}

func (w *script) add(kind diffmatchpatch.Operation, text string) {
	if text == "" {
		return
	}
	if kind == diffmatchpatch.DiffEqual {
		if n := len(w.list); n > 0 && w.list[n-1].Kind == Same {
			text = w.list[n-1].Old + text
			w.list = w.list[:n-1]
		}
		w.list = append(w.list, Segment{Kind: Same, Old: text, New: text})
		return
	}
	if n := len(w.list); n == 0 || w.list[n-1].Kind == Same {
		w.list = append(w.list, Segment{Kind: Change})
	}
	last := &w.list[len(w.list)-1]
	if kind == diffmatchpatch.DiffDelete {
		last.Old += text
	} else {
		last.New += text
	}
}

// words compares two pieces by words.
func (w *script) words(old, edited string, deadline time.Time) {
	if old == "" || edited == "" {
		w.add(diffmatchpatch.DiffDelete, old)
		w.add(diffmatchpatch.DiffInsert, edited)
		return
	}
	for _, d := range compare(words(old), words(edited), deadline) {
		w.add(d.Type, d.Text)
	}
}

// segments joins changes that only a space parts, unless each of them is one
// word for one word, and numbers them.
func (w *script) segments() []Segment {
	var out []Segment
	for _, s := range w.list {
		if n := len(out); s.Kind == Change && n >= 2 && out[n-1].Kind == Same && out[n-2].Kind == Change &&
			blank(out[n-1].Old) && !(oneWord(out[n-2]) && oneWord(s)) {
			out[n-2].Old += out[n-1].Old + s.Old
			out[n-2].New += out[n-1].New + s.New
			out = out[:n-1]
			continue
		}
		out = append(out, s)
	}
	id := 0
	for i := range out {
		if out[i].Kind == Change {
			id++
			out[i].ID = id
		}
	}
	return out
}

// blank reports whether s is space within a line.
func blank(s string) bool {
	for _, r := range s {
		if r == '\n' || r == '\r' || !unicode.IsSpace(r) {
			return false
		}
	}
	return true
}

func oneWord(s Segment) bool {
	single := func(t string) bool { return t != "" && !strings.ContainsFunc(t, unicode.IsSpace) }
	return single(s.Old) && single(s.New)
}

// Apply gives the text with the accepted changes, by id, made.
func Apply(segments []Segment, accepted map[int]bool) string {
	var b strings.Builder
	for _, s := range segments {
		if s.Kind == Same || !accepted[s.ID] {
			b.WriteString(s.Old)
		} else {
			b.WriteString(s.New)
		}
	}
	return b.String()
}
