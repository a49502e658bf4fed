package edits

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/sergi/go-diff/diffmatchpatch"
)

// Answer is one edit as a model wrote it.
type Answer struct {
	Sentence    int    `json:"sentence"` // from 1
	Span        string `json:"span"`
	Replacement string `json:"replacement"`
	Kind        string `json:"kind"`
	Reason      string `json:"reason"`
}

// Parse gives the edits that are whole in what a model wrote so far.
func Parse(raw string) []Answer {
	d := json.NewDecoder(strings.NewReader(raw))
	for _, want := range []json.Token{json.Delim('{'), "edits", json.Delim('[')} {
		if got, err := d.Token(); err != nil || got != want {
			return nil
		}
	}
	var all []Answer
	for d.More() {
		var a Answer
		if err := d.Decode(&a); err != nil {
			break
		}
		all = append(all, a)
	}
	return all
}

// Edit replaces the bytes [Start, End) of the text.
type Edit struct {
	Start, End int
	Old, New   string
	Kind       string // one of Kinds
	Reason     string // "" when the model gave none that can be shown
}

// Refusal says why an edit is not used.
type Refusal string

// The refusals.
const (
	Accepted Refusal = ""
	Nowhere  Refusal = "nowhere" // no such sentence, or the span does not stand in it exactly once
	Nothing  Refusal = "nothing" // it changes nothing
	Overlaps Refusal = "overlaps"
	Spoils   Refusal = "spoils" // control characters, or line ends that were not there
	Far      Refusal = "far"    // other words altogether: no correction of these
)

// Place finds where an edit is meant and checks it against the text and the
// edits that are placed already.
func (t *Table) Place(a Answer, placed []Edit, tag string) (Edit, Refusal) {
	if a.Sentence < 1 || a.Sentence > len(t.sentences) {
		return Edit{}, Nowhere
	}
	start, ok := t.sentences[a.Sentence-1].spans[a.Span]
	if !ok {
		return Edit{}, Nowhere
	}
	if !utf8.ValidString(a.Replacement) || strings.ContainsFunc(a.Replacement, unicode.IsControl) {
		return Edit{}, Spoils // a line of the text has none either
	}
	// The space around a span is not the edit's.
	replacement := strings.TrimSpace(a.Replacement)
	head, tail := common(a.Span, replacement)
	e := Edit{
		Start: start + head, End: start + len(a.Span) - tail,
		Old: a.Span[head : len(a.Span)-tail], New: replacement[head : len(replacement)-tail],
		Kind: a.Kind,
	}
	if e.Old == e.New {
		return Edit{}, Nothing
	}
	if far(e.Old, e.New) {
		return Edit{}, Far
	}
	for _, p := range placed {
		if e.Start < p.End && p.Start < e.End || e.Start == p.Start || e.End == p.End {
			return Edit{}, Overlaps
		}
	}
	if reason := strings.TrimSpace(a.Reason); utf8.ValidString(reason) && !strings.ContainsFunc(reason, unicode.IsControl) &&
		utf8.RuneCountInString(reason) <= longestReason && inScript(reason, tag) {
		e.Reason = reason
	}
	if kind := Certain(e.Old, e.New); kind != "" {
		e.Kind = kind
	} else if !slices.Contains(Kinds, e.Kind) {
		e.Kind = Grammar
	}
	return e, Accepted
}

// far says whether a longer run of words was replaced by one that has little in
// common with it. Short ones may: "eated" and "ate".
func far(old, edited string) bool {
	const short = 20 // characters
	longer := max(utf8.RuneCountInString(old), utf8.RuneCountInString(edited))
	if longer <= short || edited == "" {
		return false
	}
	d := diffmatchpatch.New()
	return d.DiffLevenshtein(d.DiffMain(old, edited, false))*3 > longer*2
}

// common gives the lengths of the words and spaces that two texts begin and end
// with alike: the context that a model names beside what it changes. No word is
// cut.
func common(a, b string) (head, tail int) {
	x, y := pieces(a), pieces(b)
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		head += len(x[i])
		i++
	}
	for j := 1; j <= len(x)-i && j <= len(y)-i && x[len(x)-j] == y[len(y)-j]; j++ {
		tail += len(x[len(x)-j])
	}
	return head, tail
}

func pieces(s string) []string {
	var out []string
	for state := -1; len(s) > 0; {
		var w string
		w, s, state = uniseg.FirstWordInString(s, state)
		out = append(out, w)
	}
	return out
}

// Certain tells the kind of a change where the two texts alone decide it, else
// "".
func Certain(old, edited string) string {
	without := func(s string, drop func(rune) bool) string {
		return strings.Map(func(r rune) rune {
			if drop(r) {
				return -1
			}
			return r
		}, s)
	}
	mark := func(r rune) bool {
		return strings.ContainsRune(`.,;:!?'"“”‘’„…—–，。；：！？、（）《》`, r)
	}
	switch {
	case old == edited:
		return ""
	case without(old, unicode.IsSpace) == without(edited, unicode.IsSpace):
		return Spacing
	case strings.EqualFold(old, edited):
		return Capitalization
	}
	blank := func(r rune) bool { return mark(r) || unicode.IsSpace(r) }
	if without(old, blank) == without(edited, blank) {
		return Punctuation
	}
	return ""
}

// Sort puts edits in the order of the text.
func Sort(list []Edit) {
	slices.SortFunc(list, func(a, b Edit) int { return a.Start - b.Start })
}
