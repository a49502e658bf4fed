package write

import (
	"fmt"
	"strings"

	"qwill/app/command"
	"qwill/app/write/guard"
)

// Fault is a sign that a result does not say what the original says.
type Fault struct {
	Kind string `json:"kind"` // of package guard
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// checked says what the guard may ask of a command's result; commands that
// write another text in answer (reply, ask) or after any wish (instruct) have
// nothing that must survive.
var checked = map[string]guard.Options{
	"rewrite": {}, "proofread": {}, "friendly": {}, "professional": {},
	"concise":   {Shorten: true},
	"translate": {Translate: true},
	"summarize": {Reform: true}, "key-points": {Reform: true},
}

// options gives what the guard may ask of a command; ok is false where there
// is nothing to check.
func options(c command.Command) (o guard.Options, ok bool) {
	if c.Custom {
		return guard.Options{Shorten: c.Shape == command.ShapeText}, c.Keep
	}
	o, ok = checked[c.ID]
	return o, ok
}

// inspect looks for faults in a result.
func inspect(c command.Command, original, result string) []guard.Fault {
	o, ok := options(c)
	if !ok || strings.TrimSpace(result) == "" {
		return nil
	}
	return guard.Check(original, result, o)
}

// attach puts each fault to the change that it concerns, so that this change
// can be refused alone, and gives those that concern the whole.
func attach(segments []Segment, found []guard.Fault) (rest []Fault) {
	for _, f := range found {
		fault := Fault{string(f.Kind), f.Old, f.New}
		placed := false
		in, out := 0, 0
		for i := range segments {
			s := &segments[i]
			endIn, endOut := in+len(s.Old), out+len(s.New)
			if s.Kind == Change && (touches(f.In, in, endIn) || touches(f.Out, out, endOut)) {
				s.Faults = append(s.Faults, fault)
				placed = true
			}
			in, out = endIn, endOut
		}
		if !placed {
			rest = append(rest, fault)
		}
	}
	return rest
}

// touches says whether a span that is not empty meets [start, end).
func touches(s guard.Span, start, end int) bool {
	return s.Start < s.End && s.Start < end && start < s.End
}

func plain(found []guard.Fault) []Fault {
	out := make([]Fault, len(found))
	for i, f := range found {
		out[i] = Fault{string(f.Kind), f.Old, f.New}
	}
	return out
}

// Sentence says in English what is wrong: to the model, which is asked once
// more, and to who reads a terminal.
func (f Fault) Sentence() string {
	whole := map[guard.Kind]string{
		guard.Language: "The language changed.",
		guard.Preamble: "The result speaks about itself instead of being only the text.",
		guard.Answer:   "The result answers the text instead of being the text again.",
		echo:           "The reply repeats the message.",
		alike:          "Two replies say the same.",
		guard.Ending:   "The white space at the ends changed.",
	}
	if s, ok := whole[guard.Kind(f.Kind)]; ok {
		return s
	}
	name := map[guard.Kind]string{
		guard.Number: "number", guard.Unit: "unit", guard.Name: "name", guard.Date: "date or time", guard.Link: "link", guard.Code: "code",
		guard.Placeholder: "placeholder", guard.Quotation: "quotation", guard.Negation: "negation", guard.Opposite: "meaning",
		guard.Dropped: "sentence", guard.Invented: "sentence", guard.Layout: "layout",
	}[guard.Kind(f.Kind)]
	switch {
	case f.Old != "" && f.New != "":
		return fmt.Sprintf("The %s changed: %q became %q.", name, f.Old, f.New)
	case f.Old != "":
		return fmt.Sprintf("The %s %q is missing.", name, f.Old)
	}
	return fmt.Sprintf("The %s %q was not in the text.", name, f.New)
}

// correction asks the model to mend its result.
func correction(found []Fault) string {
	var b strings.Builder
	b.WriteString("Your result does not keep what the text says.\n")
	for i, f := range found {
		if i == 6 {
			break // the first ones show what is meant
		}
		b.WriteString("- " + f.Sentence() + "\n")
	}
	b.WriteString("Do the same work again from the original text. Keep these exactly, and write only the result.")
	return b.String()
}
