// Package guard checks that a rewritten text still says what the original
// said: that numbers, units, names, dates, links, code, placeholders,
// quotations and negations survived, that the language and the layout are the
// same, and that the result is the text again and not an answer to it.
//
// It is deterministic and knows no model. Each check reads facts from both
// texts, brings them to one form ("1,500", "1500" and "fifteen hundred" are one
// fact) and reports what is in one text only. Where a rewrite may rightly drop
// a fact of its kind, the check wants two signs: one lost and one new.
package guard

import (
	"cmp"
	"slices"
)

// Kind says what a fault concerns.
type Kind string

// The kinds of fault.
const (
	Number      Kind = "number"
	Unit        Kind = "unit"
	Name        Kind = "name"
	Date        Kind = "date"
	Link        Kind = "link"
	Code        Kind = "code"
	Placeholder Kind = "placeholder"
	Quotation   Kind = "quotation"
	Negation    Kind = "negation"
	Opposite    Kind = "opposite" // a word was replaced by its opposite
	Language    Kind = "language"
	Preamble    Kind = "preamble" // the model speaks about its work
	Answer      Kind = "answer"   // the text was answered or obeyed
	Dropped     Kind = "dropped"  // a sentence is gone
	Invented    Kind = "invented" // a sentence is new
	Layout      Kind = "layout"   // headings, lists, tables, emphasis, paragraphs
	Ending      Kind = "ending"   // white space at the ends
)

// Span is a byte range [Start, End) of a text.
type Span struct{ Start, End int }

// Fault is one sign that the meaning or the form did not survive.
type Fault struct {
	Kind Kind
	Old  string // what the original says; "" where it says nothing
	New  string // what the result says; "" where it says nothing
	// Where it is; an empty span where there is nothing to point at.
	In  Span // of the original
	Out Span // of the result
}

// Options say what a command is allowed to do.
type Options struct {
	Shorten   bool // may drop asides and repetitions, as "concise" does
	Translate bool // the language changes: only facts that every language writes alike are compared
	Reform    bool // another text is wanted, such as a summary: nothing needs to be complete, but nothing may be invented
}

// Check compares a text with its rewritten form and reports the faults, in the
// order of the result.
func Check(original, result string, o Options) []Fault {
	if original == result {
		return nil
	}
	was, is := read(original), read(result)
	var all []Fault
	all = append(all, literals(was, is, o)...)
	all = append(all, figures(was, is, o)...)
	all = append(all, dates(was, is, o)...)
	all = append(all, whole(was, is, o)...)
	if !o.Translate {
		all = append(all, names(was, is, o)...)
		all = append(all, quotations(was, is, o)...)
		all = append(all, negations(was, is, o)...)
		all = append(all, opposites(was, is)...)
		all = append(all, language(was, is)...)
	}
	if !o.Reform {
		all = append(all, layout(was, is, o)...)
	}
	slices.SortStableFunc(all, func(a, b Fault) int { return cmp.Compare(a.Out.Start, b.Out.Start) })
	return all
}
