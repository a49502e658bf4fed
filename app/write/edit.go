package write

import (
	"context"
	"errors"
	"slices"
	"strings"

	"qwill/app/command"
	"qwill/app/write/edits"
	"qwill/engine"
	"qwill/engine/proto"
)

// Reason tells why something was changed.
type Reason struct {
	Kind string `json:"kind"`           // of package edits
	Text string `json:"text,omitempty"` // in the user's language, as the model gave it
}

// editTokens is room for one edit in an answer.
const editTokens = 96

// pointless is after how many edits in a row that cannot be used the rest is
// not waited for: a model that repeats itself goes on to the end.
const pointless = 6

// proposal collects the edits of one answer while it is written.
type proposal struct {
	table   *edits.Table
	text    string
	tag     string // of the language of the reasons
	raw     strings.Builder
	read    int // edits looked at
	placed  []edits.Edit
	refused int
	inARow  int // refused
	engine  engine.Result
}

// add takes what the model wrote next and says whether an edit was placed.
func (p *proposal) add(text string) bool {
	p.raw.WriteString(text)
	if !strings.Contains(text, "}") {
		return false // none was ended
	}
	all := edits.Parse(p.raw.String())
	before := len(p.placed)
	for ; p.read < len(all); p.read++ {
		e, why := p.table.Place(all[p.read], p.placed, p.tag)
		if why != edits.Accepted {
			p.refused++
			p.inARow++
			continue
		}
		p.placed = append(p.placed, e)
		p.inARow = 0
	}
	return len(p.placed) > before
}

// segments gives the text with the edits so far as changes. Outside of these
// it is the text, byte by byte.
func (p *proposal) segments() []Segment {
	var out []Segment
	same := func(s string) {
		if s != "" {
			out = append(out, Segment{Kind: Same, Old: s, New: s})
		}
	}
	edits.Sort(p.placed)
	at := 0
	for i, e := range p.placed {
		same(p.text[at:e.Start])
		out = append(out, Segment{Kind: Change, Old: e.Old, New: e.New, ID: i + 1, Why: &Reason{e.Kind, e.Reason}})
		at = e.End
	}
	same(p.text[at:])
	return out
}

func (p *proposal) result(c command.Command) Result {
	r := Result{Original: p.text, Shape: c.Shape, Diff: p.segments(), Engine: p.engine, Refused: p.refused}
	var text strings.Builder
	for _, s := range r.Diff {
		text.WriteString(s.New)
	}
	r.Text = text.String()
	switch {
	case p.engine.Finish == proto.FinishLength:
		r.Warning = MoreMistakes
	case r.Text == r.Original:
		r.Warning = Unchanged
	}
	return r
}

// propose asks for the edits of a text. ok is false when it cannot be done so,
// or none of the edits that the model gave can be used.
func propose(ctx context.Context, c command.Command, r Request, generate Generate, watch Watch) (_ Result, ok bool, _ error) {
	text := valid(r.Text)
	table, ok := edits.NewTable(text)
	if !ok || table.Sentences() == 0 {
		return Result{}, false, nil
	}
	p, err := c.BuildEdits(input(r), table.Numbered())
	if err != nil {
		return Result{}, false, err
	}
	p.MaxTokens = table.Most()*editTokens + 64
	p.Format = &engine.Format{JSONSchema: table.Schema(r.Language)}
	new := func() *proposal { return &proposal{table: table, text: text, tag: r.Language} }
	first := new()
	if err := first.collect(ctx, p, generate, watch, nil); err != nil {
		return Result{}, false, err
	}
	if len(first.placed) == 0 && first.refused > 0 {
		return Result{}, false, nil
	}
	out := first.result(c)
	found := inspect(c, text, out.Text)
	if len(found) == 0 {
		return out.with(found, 1), true, nil
	}
	if watch.Again != nil {
		watch.Again(plain(found))
	}
	again := p
	again.Messages = append(slices.Clone(p.Messages), engine.Message{Role: "assistant", Content: first.raw.String()},
		engine.Message{Role: "user", Content: correction(plain(found))})
	second := new()
	err = second.collect(ctx, again, generate, watch, nil)
	if errors.Is(err, context.Canceled) {
		return Result{}, false, err
	}
	if err == nil && len(second.placed) > 0 {
		res := second.result(c)
		if left := inspect(c, text, res.Text); len(left) < len(found) {
			return res.with(left, 2), true, nil
		}
	}
	return out.with(found, 2), true, nil
}

// collect generates once. It ends early when stop, which may be nil, says so,
// or when the model has lost itself.
func (p *proposal) collect(ctx context.Context, prompt command.Prompt, generate Generate, watch Watch, stop func() bool) error {
	inner, end := context.WithCancel(ctx)
	defer end()
	ended := false
	show := func() {
		if watch.Edits != nil {
			watch.Edits(p.segments())
		}
	}
	show()
	_, res, err := ask(inner, prompt, generate, func(e engine.Event) {
		if p.add(e.Text) {
			show()
		}
		if p.inARow >= pointless || stop != nil && stop() {
			ended = true
			end()
		}
		if e.Text = ""; watch.Event != nil {
			watch.Event(e)
		}
	})
	if err != nil && (ctx.Err() != nil || !ended) {
		return err
	}
	p.engine = res
	return nil
}

// Try finds out by a short text with known mistakes whether a model can be
// asked for edits. It takes about as long as proofreading three sentences.
func Try(ctx context.Context, c command.Command, language string, generate Generate, watch Watch) (bool, error) {
	table, _ := edits.NewTable(edits.Trial)
	p, err := c.BuildEdits(command.Input{Text: edits.Trial, Language: language}, table.Numbered())
	if err != nil {
		return false, err
	}
	p.MaxTokens = 8*editTokens + 64
	p.Format = &engine.Format{JSONSchema: table.Schema(language)}
	t := &proposal{table: table, text: edits.Trial, tag: language}
	watch.Edits = nil
	if err := t.collect(ctx, p, generate, watch, func() bool {
		return edits.Judge(t.placed, t.refused, false) != edits.Open
	}); err != nil {
		return false, err
	}
	return edits.Judge(t.placed, t.refused, true) == edits.Fit, nil
}
