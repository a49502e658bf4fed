// Package rich carries a change of plain text over to the styled document that
// the text came from: bold, links, lists and inline code stay, because only
// the words that changed are replaced, inside the runs that held them.
//
// A Document gives its plain text, which is what a command works on; Apply
// takes the word difference of that text and gives the document again.
package rich

import "qwill/app/write"

// Document is a styled text.
type Document interface {
	// Text is the plain text: paragraphs and line breaks as line ends.
	Text() string
	// Apply makes the changes for which accept is true and gives the document
	// in its own format. The segments' old texts, joined, must be Text. A
	// Document is applied once.
	Apply(segments []write.Segment, accept func(id int) bool) ([]byte, error)
}

// All accepts every change.
func All(int) bool { return true }

// run is a piece of the plain text that one node of the document holds; own is
// false for line ends that stand for the structure between nodes.
type run struct {
	start, end int // bytes of the plain text
	own        bool
	out        []byte // what replaces it
}

// splice distributes the changed text over the runs: what stayed goes where it
// was, what is new into the run that held the first byte it replaces, and what
// is inserted into the run before it. Structure is never removed.
func splice(runs []run, segments []write.Segment, accept func(id int) bool) {
	at := 0
	for _, s := range segments {
		end := at + len(s.Old)
		if s.Kind != write.Change || !accept(s.ID) {
			keep(runs, at, end, s.Old, at)
		} else {
			replace(runs, at, end, s)
		}
		at = end
	}
}

// keep copies text[from:to] of the original, given as old starting at base.
func keep(runs []run, from, to int, old string, base int) {
	for i := range runs {
		r := &runs[i]
		a, b := max(from, r.start), min(to, r.end)
		if a < b && r.own {
			r.out = append(r.out, old[a-base:b-base]...)
		}
	}
}

func replace(runs []run, from, to int, s write.Segment) {
	i := target(runs, from, to)
	if i < 0 {
		return // there is no text to change
	}
	text := s.New
	// A change over several blocks: what it keeps of the line ends between
	// them stays structure.
	for j := i; j < len(runs) && runs[j].start < to; j++ {
		if runs[j].own {
			continue
		}
		head, tail, ok := cutLine(text)
		if !ok {
			break
		}
		runs[i].out = append(runs[i].out, head...)
		text = tail
		if next := ownFrom(runs, j+1); next >= 0 && runs[next].start <= to {
			i = next
		}
	}
	runs[i].out = append(runs[i].out, text...)
}

// target is the run that takes new text in place of [from, to).
func target(runs []run, from, to int) int {
	if from < to {
		for i, r := range runs {
			if r.own && r.start <= from && from < r.end {
				return i
			}
		}
		if i := ownFrom(runs, 0); i >= 0 {
			for i = range runs {
				if runs[i].own && runs[i].end > from {
					return i
				}
			}
		}
	}
	before := -1
	for i, r := range runs {
		if !r.own {
			if r.end <= from {
				// Behind a line end the next run begins a new line.
				if next := ownFrom(runs, i+1); next >= 0 && runs[next].start == from {
					before = next
				}
			}
			continue
		}
		if r.start < from && from <= r.end || before < 0 && r.start == from {
			before = i
			if r.end > from {
				break
			}
		}
	}
	if before < 0 {
		before = ownFrom(runs, 0)
	}
	return before
}

func ownFrom(runs []run, i int) int {
	for ; i < len(runs); i++ {
		if runs[i].own {
			return i
		}
	}
	return -1
}

// cutLine parts a text at its first run of line ends.
func cutLine(s string) (head, tail string, ok bool) {
	for i := range len(s) {
		if s[i] == '\n' {
			j := i
			for j < len(s) && s[j] == '\n' {
				j++
			}
			return s[:i], s[j:], true
		}
	}
	return s, "", false
}
