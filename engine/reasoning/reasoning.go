// Package reasoning parts a model's thinking from its answer while the text
// streams: what stands between <think> and </think> at the start of a reply,
// wherever the pieces happen to be cut.
package reasoning

import "strings"

// The tags around the thinking, as Qwen3 writes them.
const (
	Open  = "<think>"
	Close = "</think>"
)

type state int

const (
	start  state = iota // only white space so far: a tag may open
	inside              // in the thinking
	gap                 // behind the closing tag, before the answer's first character
	answer              // the rest
)

// Splitter is fed the reply's text in pieces. The line ends that surround the
// thinking and lead the answer belong to neither.
type Splitter struct {
	state state
	held  string // may still become a tag, or is white space that may be dropped
	begun bool   // some thinking was given out
}

// New starts a reply. opened says that the prompt already ends inside the
// thinking (the chat template wrote <think> itself).
func New(opened bool) *Splitter {
	s := &Splitter{}
	if opened {
		s.state = inside
	}
	return s
}

// Resume goes on with a reply that broke off, inside its thinking or inside its
// answer.
func Resume(thinking bool) *Splitter {
	if thinking {
		return &Splitter{state: inside, begun: true}
	}
	return &Splitter{state: answer}
}

// Thinking reports whether the reply is inside its thinking.
func (s *Splitter) Thinking() bool { return s.state == inside }

// Push adds text and gives what is now certain of the thinking and the answer.
func (s *Splitter) Push(text string) (thinking, reply string) {
	s.held += text
	var t, r strings.Builder
	for s.step(&t, &r, false) {
	}
	return t.String(), r.String()
}

// Flush ends the reply. Thinking that never closed stays thinking.
func (s *Splitter) Flush() (thinking, reply string) {
	var t, r strings.Builder
	for s.step(&t, &r, true) {
	}
	return t.String(), r.String()
}

// step takes what it can from held; it reports whether the state changed.
func (s *Splitter) step(t, r *strings.Builder, end bool) bool {
	switch s.state {
	case start:
		trimmed := strings.TrimLeft(s.held, " \t\r\n")
		switch {
		case strings.HasPrefix(trimmed, Open):
			s.held = trimmed[len(Open):]
			s.state = inside
			return true
		case !end && strings.HasPrefix(Open, trimmed):
			return false
		}
		// The answer keeps its own leading white space: there was no tag.
		s.state = answer
		return true

	case inside:
		if !s.begun {
			s.held = strings.TrimLeft(s.held, "\r\n")
		}
		if i := strings.Index(s.held, Close); i >= 0 {
			s.think(t, strings.TrimRight(s.held[:i], "\r\n"))
			s.held = s.held[i+len(Close):]
			s.state = gap
			return true
		}
		keep := 0
		if !end {
			keep = partial(s.held, Close)
		}
		// Line ends before a possible tag wait too.
		cut := len(strings.TrimRight(s.held[:len(s.held)-keep], "\r\n"))
		s.think(t, s.held[:cut])
		s.held = s.held[cut:]
		if end {
			s.held = ""
		}
		return false

	case gap:
		s.held = strings.TrimLeft(s.held, "\r\n")
		if s.held == "" {
			return false
		}
		s.state = answer
		return true
	}
	r.WriteString(s.held)
	s.held = ""
	return false
}

func (s *Splitter) think(t *strings.Builder, text string) {
	if text != "" {
		s.begun = true
		t.WriteString(text)
	}
}

// partial is the length of the longest end of s that starts tag.
func partial(s, tag string) int {
	for n := min(len(s), len(tag)-1); n > 0; n-- {
		if strings.HasSuffix(s, tag[:n]) {
			return n
		}
	}
	return 0
}
