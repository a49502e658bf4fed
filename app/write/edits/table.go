// Package edits asks a model for a list of edits of a text instead of the text
// again, in a form that a JSON Schema binds, and finds out where in the text
// each one is meant.
//
// The text is numbered sentence by sentence. Table holds, for each sentence, the
// runs of words that stand in it exactly once: the schema lets a model name
// only these, so that what it names has one place, and Place looks each one up
// in the same table, so that a model that is not bound by the schema gains
// nothing.
package edits

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// reaches are the longest runs of words that one edit replaces, in halves of a
// word; a character of a script without spaces is one half. A text whose table
// grows beyond tableBytes with the first gets the next.
var reaches = []int{16, 10, 6, 2}

// tableBytes bounds a table, so that its schema stays below the engine's bound
// of 256 KB and is compiled in about 0.1 s.
const tableBytes = 150 << 10

// longest is how many words and marks have one number at most: in a longer
// sentence too few stand only once.
const longest = 50

// sentence is a numbered part of the text, [start, end) in bytes, without the
// space around it.
type sentence struct {
	start, end int
	spans      map[string]int // where each run of words starts in the text; only what stands once in the sentence
	order      []string       // of the spans: by their start, the shortest first
}

// Table knows the sentences of a text and what an edit may replace in them.
type Table struct {
	text      string
	reach     int
	sentences []sentence
	words     int
	bytes     int // of all spans
}

// piece is a word or a mark at [start, end) of the text.
type piece struct {
	start, end int
	weight     int // of reach
}

// NewTable reads a text. ok is false for one that is too long to be edited in
// one go.
func NewTable(text string) (_ *Table, ok bool) {
	for _, reach := range reaches {
		t := &Table{text: text, reach: reach}
		for at := 0; at < len(text) && t.bytes <= tableBytes; {
			end := len(text)
			if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
				end = at + i + 1
			}
			t.line(at, end)
			at = end
		}
		if t.bytes <= tableBytes {
			return t, true
		}
	}
	return nil, false
}

// line numbers the sentences of one line. A run of words may begin in one
// sentence and end in the next, but not in another line.
func (t *Table) line(start, end int) {
	pieces := cut(t.text, start, end)
	state := -1
	rest := t.text[start:end]
	for at, i := start, 0; len(rest) > 0; {
		var s string
		s, rest, state = uniseg.FirstSentenceInString(rest, state)
		stop := at + len(s)
		first := i
		for i < len(pieces) && pieces[i].start < stop {
			i++
		}
		for ; first < i; first += longest {
			n := min(longest, i-first)
			t.add(sentence{start: pieces[first].start, end: pieces[first+n-1].end}, pieces[first:], n)
		}
		at = stop
	}
}

// add takes in a sentence, in which the first n pieces begin.
func (t *Table) add(s sentence, pieces []piece, n int) {
	s.spans = map[string]int{}
	const often = -1
	for i := range n {
		left := t.reach
		for j := i; j < len(pieces) && left >= pieces[j].weight; j++ {
			left -= pieces[j].weight
			run := t.text[pieces[i].start:pieces[j].end]
			if _, ok := s.spans[run]; ok {
				s.spans[run] = often
				continue
			}
			s.spans[run] = pieces[i].start
			s.order = append(s.order, run)
		}
	}
	kept := s.order[:0]
	for _, run := range s.order {
		if s.spans[run] == often {
			delete(s.spans, run)
			continue
		}
		kept = append(kept, run)
		t.bytes += len(run) + 8
	}
	s.order = kept
	t.words += n
	t.bytes += 400 // the schema around them
	t.sentences = append(t.sentences, s)
}

// cut gives the words and marks of a line, at Unicode's word boundaries.
func cut(text string, start, end int) []piece {
	var out []piece
	state := -1
	rest := text[start:end]
	for at := start; len(rest) > 0; {
		var w string
		w, rest, state = uniseg.FirstWordInString(rest, state)
		if strings.TrimSpace(w) != "" && !strings.ContainsFunc(w, unicode.IsControl) {
			weight := 2
			if first := []rune(w)[0]; unicode.In(first, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai) {
				weight = 1
			}
			out = append(out, piece{at, at + len(w), weight})
		}
		at += len(w)
	}
	return out
}

// Sentences is how many there are.
func (t *Table) Sentences() int { return len(t.sentences) }

// Most is how many edits a text of this length may get.
func (t *Table) Most() int { return min(max(4, t.words/2+2), 60) }

// Numbered gives the text as the model reads it: each sentence in a line of its
// own, behind its number.
func (t *Table) Numbered() string {
	var b strings.Builder
	for i, s := range t.sentences {
		if i > 0 && strings.Count(t.text[t.sentences[i-1].end:s.start], "\n") > 1 {
			b.WriteByte('\n') // a paragraph begins
		}
		fmt.Fprintf(&b, "%d. %s\n", i+1, t.text[s.start:s.end])
	}
	return strings.TrimSuffix(b.String(), "\n")
}
