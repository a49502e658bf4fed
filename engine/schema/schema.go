// Package schema turns what a caller wants of a reply's form, a JSON Schema, a
// regular expression or a grammar, into grammars over bytes that the mask
// package follows while the reply is written.
//
// The parts are our own because no kept Go library has them: those that exist
// try every token at every step, know a part of JSON Schema only and cannot end
// a text within the tokens that are left; the good ones are Rust or C++ and
// would come as another native library to build and ship.
package schema

import (
	"qwill/engine/proto"
	"qwill/engine/reasoning"
	"qwill/engine/schema/automaton"
	"qwill/engine/schema/grammar"
)

// Thinking says what may stand before the text.
type Thinking uint8

// What may stand before the text.
const (
	None   Thinking = iota // nothing
	Inside                 // the reply starts inside the thinking, which ends first
	Maybe                  // the reply may start with thinking
)

// lead is what stands before the text.
type lead Thinking

// lines may stand between the thinking and the text; they are dropped.
var lines = func() *automaton.DFA {
	d, err := expression(`\n{0,2}`, automaton.Default)
	if err != nil {
		panic(err)
	}
	return d
}()

func (l lead) before(e *grammar.Expr) *grammar.Expr {
	thought := grammar.Seq(grammar.Of(&grammar.Tag{Text: reasoning.Close, Until: true}), grammar.Of(lines), e)
	switch Thinking(l) {
	case Inside:
		return thought
	case Maybe:
		return grammar.Alt(e, grammar.Seq(grammar.Of(&grammar.Tag{Text: reasoning.Open}), thought))
	}
	return e
}

// Compile makes the grammar of a format. Errors are *Error.
func Compile(f proto.Format, t Thinking) (*grammar.Grammar, error) {
	switch {
	case len(f.JSONSchema) > 0:
		root, err := parse(f.JSONSchema)
		if err != nil {
			return nil, err
		}
		return build(root, lead(t))
	case f.JSONObject:
		root := object()
		root.put("type", &value{kind: "string", text: "object"})
		return build(root, lead(t))
	case f.Grammar != "":
		return gbnfGrammar(f.Grammar, lead(t))
	}
	d, err := expression(f.Regex, automaton.Default)
	if err != nil {
		return nil, wrap("", err)
	}
	var b grammar.Builder
	r := b.Rule()
	b.Define(r, lead(t).before(grammar.Of(d)))
	g, err := b.Build(r)
	return g, wrap("", err)
}
