package generate

import (
	"qwill/engine/proto"
	"qwill/engine/reasoning"
)

// Decoder turns tokens into text that never ends inside a character.
type Decoder interface {
	Push(id int) string
	Flush() string
}

// output turns the tokens of one reply into events: text is decoded, thinking is
// parted from the answer, stop strings end the answer and are never shown.
type output struct {
	id      uint64
	text    Decoder
	hidden  func(token int) bool // control tokens, which are no text
	split   *reasoning.Splitter  // nil when the whole output is answer
	stop    stopMatcher
	emit    func(proto.Event)
	tokens  int // given out so far
	thought int // of them, thinking
}

// token takes the next token; detail, if not nil, goes out with it. stopped says
// that a stop string ended the answer: nothing may follow.
func (o *output) token(id int, detail *proto.Token) (stopped bool) {
	o.tokens++
	e := proto.Event{ID: o.id}
	if detail != nil {
		e.Tokens = []proto.Token{*detail}
	}
	if !o.hidden(id) {
		before := o.thinking()
		stopped = o.add(&e, o.text.Push(id))
		if before || o.thinking() {
			o.thought++
		}
	}
	o.send(e)
	return stopped
}

// end gives out what was held back. Call it unless token said stopped.
func (o *output) end() {
	e := proto.Event{ID: o.id}
	stopped := o.add(&e, o.text.Flush())
	if !stopped {
		if o.split != nil {
			think, answer := o.split.Flush()
			e.Reasoning += think
			answer, stopped = o.stop.push(answer)
			e.Text += answer
		}
		if !stopped {
			e.Text += o.stop.flush()
		}
	}
	o.send(e)
}

func (o *output) add(e *proto.Event, text string) (stopped bool) {
	if o.split != nil {
		e.Reasoning, text = o.split.Push(text)
	}
	e.Text, stopped = o.stop.push(text)
	return stopped
}

func (o *output) thinking() bool { return o.split != nil && o.split.Thinking() }

func (o *output) send(e proto.Event) {
	if e.Reasoning != "" || e.Text != "" || len(e.Tokens) > 0 {
		o.emit(e)
	}
}
