// Package write runs a command of the registry on a text: it builds the
// prompt, generates, cleans the result of what models put around it and
// compares it with the original.
package write

import (
	"context"
	"errors"
	"slices"
	"strings"

	"qwill/app/command"
	"qwill/app/write/edits"
	"qwill/app/write/guard"
	"qwill/engine"
	"qwill/engine/proto"
)

// Request asks for one command on one text.
type Request struct {
	Command     command.Command
	Text        string
	Instruction string
	Options     map[string]string
	Language    string // the user's, a BCP 47 tag
	Drafts      bool   // three replies to choose from
	Room        Room   // of the model; the zero value never cuts the text
	// Apt says whether the model can be asked for edits, where the command
	// prefers these to the text again; nil: it can.
	Apt func(context.Context) (bool, error)
}

// Result is a finished command.
type Result struct {
	Text     string // the result, cleaned
	Original string
	Shape    string    // command.ShapeDiff or command.ShapeText
	Diff     []Segment // nil unless the shape is diff
	Drafts   []Draft   // nil unless they were asked for; Text is all of them
	Faults   []Fault   // what may be wrong with the whole; that of one change is with its segment
	Tries    int       // how often the model was asked, 1 or 2
	Sections int       // the parts that a long text was done in, 0 when it was done as a whole
	Refused  int       // edits of the model that could not be used
	Kept     int       // sections that could not be written and stayed as they were
	Warning  Warning   // "" when there is nothing to say
	Engine   engine.Result
}

// Generate runs the model. The caller of Run fills in path, mode and priority
// of the parameters; events are those of the engine.
type Generate func(ctx context.Context, p engine.GenerateParams, event func(engine.Event)) (engine.Result, error)

// Check refuses a request that cannot run: no text, wrong options. Errors are
// *errs.Error.
func Check(r Request) error {
	if r.Drafts {
		_, err := r.Command.BuildDrafts(input(r))
		return err
	}
	_, err := r.Command.Build(input(r))
	return err
}

func input(r Request) command.Input {
	return command.Input{Text: valid(r.Text), Instruction: valid(r.Instruction), Options: r.Options, Language: r.Language}
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// Watch is told how a request goes; nil functions are left out.
type Watch struct {
	// Event receives the engine's events as they come: Text is what is sure to
	// belong to the result, which Result.Text replaces at the end.
	Event func(engine.Event)
	// Again says that the result so far is given up for these faults, and that
	// another one begins.
	Again func([]Fault)
	// Edits receives the text with the edits that the model gave so far, each
	// checked; of a long text the section's.
	Edits func([]Segment)
	// Drafts receives those that are whole.
	Drafts func([]Draft)
	// Section says that section i of n begins, from 1; a summary's last one
	// joins the others.
	Section func(i, n int)
}

// Run carries out a request. A result in which the guard finds faults is asked
// for once more, with the faults named; the better one counts. A text that is
// too long for the model is done in sections where the command allows it; else
// the engine's error is CodeTooLong.
func Run(ctx context.Context, r Request, generate Generate, watch Watch) (Result, error) {
	if err := Check(r); err != nil {
		return Result{}, err
	}
	c := r.Command
	if r.Drafts {
		return draft(ctx, c, r, generate, watch)
	}
	if c.Edits && r.Apt != nil {
		apt, err := r.Apt(ctx)
		if err != nil {
			return Result{}, err
		}
		c.Edits = apt
	}
	if _, ok := options(c); ok {
		parts, err := r.Room.plan(ctx, c, valid(r.Text))
		if err != nil {
			return Result{}, err
		}
		if len(parts) > 1 {
			return long(ctx, c, r, parts, generate, watch)
		}
	}
	return run(ctx, c, r, generate, watch)
}

// run does a text, or a section of one, as a whole.
func run(ctx context.Context, c command.Command, r Request, generate Generate, watch Watch) (Result, error) {
	if c.Edits {
		res, ok, err := propose(ctx, c, r, generate, watch)
		if ok || err != nil {
			return res, err
		}
	}
	p, err := c.Build(input(r))
	if err != nil {
		return Result{}, err
	}
	original := valid(r.Text)
	raw, res, err := ask(ctx, p, generate, watch.show(c, p, original))
	if err != nil {
		return Result{}, err
	}
	first := finish(c, p, original, raw, res)
	found := inspect(c, original, first.Text)
	if len(found) == 0 || res.Finish != proto.FinishStop {
		return first.with(found, 1), nil
	}
	if watch.Again != nil {
		watch.Again(plain(found))
	}
	again := p
	again.Messages = append(slices.Clone(p.Messages), engine.Message{Role: "assistant", Content: raw}, engine.Message{Role: "user", Content: correction(plain(found))})
	raw, res, err = ask(ctx, again, generate, watch.show(c, p, original))
	if errors.Is(err, context.Canceled) {
		return Result{}, err
	}
	if err != nil || res.Finish != proto.FinishStop {
		return first.with(found, 2), nil // the first result is there, with its warnings
	}
	second := finish(c, p, original, raw, res)
	if left := inspect(c, original, second.Text); len(left) < len(found) && strings.TrimSpace(second.Text) != "" {
		return second.with(left, 2), nil
	}
	return first.with(found, 2), nil
}

// with adds the guard's findings.
func (r Result) with(found []guard.Fault, tries int) Result {
	r.Faults, r.Tries = attach(r.Diff, found), tries
	return r
}

// show gives the function for one generation's events: it cleans their text.
func (w Watch) show(c command.Command, p command.Prompt, original string) func(engine.Event) {
	if w.Event == nil || c.ID == "ask" { // an answer is not cleaned
		return w.Event
	}
	s := newStream(original, p, c.Shape)
	return func(e engine.Event) {
		e.Text = s.add(e.Text)
		w.Event(e)
	}
}

// ask generates once and gives the raw text.
func ask(ctx context.Context, p command.Prompt, generate Generate, event func(engine.Event)) (string, engine.Result, error) {
	var raw strings.Builder
	var stop []string
	if p.Close != "" && p.Format == nil {
		stop = []string{p.Close} // a model that repeats the tags goes on without end
	}
	res, err := generate(ctx, engine.GenerateParams{
		Messages: p.Messages, Thinking: false, Sampling: p.Sampling, MaxTokens: p.MaxTokens, Stop: stop, Format: p.Format,
		Lookup: true, // results repeat much of the text; it rests where they do not
	}, func(e engine.Event) {
		raw.WriteString(e.Text)
		if event != nil {
			event(e)
		}
	})
	return raw.String(), res, err
}

// finish cleans and compares.
func finish(c command.Command, p command.Prompt, original, raw string, res engine.Result) Result {
	out := Result{Original: original, Shape: c.Shape, Engine: res}
	out.Text = clean(original, raw, p, c.Shape)
	if c.ID == "ask" {
		out.Text = strings.TrimSpace(raw)
	}
	diff := c.Shape == command.ShapeDiff
	switch {
	case strings.TrimSpace(out.Text) == "":
		out.Warning = NoResult
		if diff { // nothing to accept must never mean: delete the text
			out.Text = original
			out.Diff = Diff(original, original)
		}
		return out
	case res.Finish == "length":
		out.Warning = CutOff
	case diff && out.Text == original:
		out.Warning = Unchanged
	}
	if diff {
		out.Diff = Diff(original, out.Text)
		for i, s := range out.Diff {
			if kind := edits.Certain(s.Old, s.New); s.Kind == Change && kind != "" {
				out.Diff[i].Why = &Reason{Kind: kind}
			}
		}
	}
	return out
}
