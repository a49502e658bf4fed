package write

import (
	"context"
	"fmt"
	"strings"

	"qwill/app/command"
	"qwill/engine"
)

// Room says how much a model can take at once.
type Room struct {
	Context int // tokens; 0 = unknown, nothing is cut
	// Count gives a text's tokens; nil estimates.
	Count func(ctx context.Context, text string) (int, error)
}

// sectionTokens is the longest section of a text that is rewritten in parts,
// also where the context has room for more: models keep to a short text better
// than to a long one.
const sectionTokens = 1500

// editedTokens is the same for a text whose edits are asked for: what a model
// may name in it grows with each word.
const editedTokens = 700

// overhead is room for instructions, template and a correction, in tokens.
const overhead = 512

// plan cuts a text into the sections that a command takes one by one; one
// section means the whole.
func (r Room) plan(ctx context.Context, c command.Command, text string) ([]string, error) {
	if r.Context <= 0 {
		return []string{text}, nil
	}
	// A rewriting command writes about as much as it reads, and reads its
	// first result again when it is asked once more.
	fits := (r.Context - overhead) / 4
	limit := min(fits, sectionTokens)
	if c.Edits {
		limit = min(fits, editedTokens)
	}
	if !rewrites(c) {
		fits = (r.Context - overhead) * 2 / 3 // a summary is short
		limit = fits
	}
	fits, limit = max(fits, 64), max(limit, 64)
	tokens := command.Estimate(text) // never too low: most texts need no count
	if tokens > limit {
		n, err := r.count(ctx, text)
		if err != nil {
			return nil, err
		}
		tokens = n
	}
	if tokens <= fits && (tokens <= 2*limit || !rewrites(c)) {
		return []string{text}, nil
	}
	perToken := float64(len(text)) / float64(max(tokens, 1))
	return sections(text, max(int(float64(limit)*perToken), 256)), nil
}

func (r Room) count(ctx context.Context, text string) (int, error) {
	if r.Count != nil {
		n, err := r.Count(ctx, text)
		if err != nil {
			return 0, fmt.Errorf("count the text's tokens: %w", err)
		}
		return n, nil
	}
	return command.Estimate(text), nil
}

// rewrites says whether a command gives the whole text again.
func rewrites(c command.Command) bool { return c.Shape == command.ShapeDiff || c.ID == "translate" }

// long carries out a request section by section. A section whose result is
// empty or cut off stays as it was, with a warning: nothing is dropped.
func long(ctx context.Context, c command.Command, r Request, parts []string, generate Generate, watch Watch) (Result, error) {
	out := Result{Original: valid(r.Text), Shape: c.Shape, Sections: len(parts)}
	var text strings.Builder
	more := false
	for i, part := range parts {
		if watch.Section != nil {
			watch.Section(i+1, len(parts))
		}
		one := r
		one.Text = part
		res, err := run(ctx, c, one, generate, watch)
		if err != nil {
			return Result{}, fmt.Errorf("section %d of %d: %w", i+1, len(parts), err)
		}
		if rewrites(c) && (strings.TrimSpace(res.Text) == "" || res.Warning == CutOff) {
			res = res.unchanged(part)
			out.Kept++
		}
		text.WriteString(res.Text)
		if c.Shape != command.ShapeDiff && i+1 < len(parts) {
			text.WriteString(gap(part))
		}
		out.Diff = append(out.Diff, res.Diff...)
		out.Faults = append(out.Faults, res.Faults...)
		out.Tries = max(out.Tries, res.Tries)
		out.Refused += res.Refused
		more = more || res.Warning == MoreMistakes
		out.Engine = total(out.Engine, res.Engine)
	}
	out.Text = text.String()
	number(out.Diff)
	if !rewrites(c) {
		return gather(ctx, c, r, out, generate, watch)
	}
	switch {
	case out.Kept > 0:
		out.Warning = SectionsKept
	case more:
		out.Warning = MoreMistakes
	case c.Shape == command.ShapeDiff && out.Text == out.Original:
		out.Warning = Unchanged
	}
	return out, nil
}

// gather makes one summary of the sections' summaries.
func gather(ctx context.Context, c command.Command, r Request, parts Result, generate Generate, watch Watch) (Result, error) {
	if watch.Section != nil {
		watch.Section(parts.Sections+1, parts.Sections+1)
	}
	one := r
	one.Text = parts.Text
	res, err := run(ctx, c, one, generate, watch)
	if err != nil {
		return Result{}, fmt.Errorf("join the summaries of %d sections: %w", parts.Sections, err)
	}
	res.Original, res.Sections = parts.Original, parts.Sections
	res.Faults = append(parts.Faults, res.Faults...)
	res.Engine = total(parts.Engine, res.Engine)
	if strings.TrimSpace(res.Text) == "" {
		res.Text = parts.Text
	}
	return res, nil
}

func (r Result) unchanged(part string) Result {
	r.Text, r.Faults = part, nil
	if r.Shape == command.ShapeDiff {
		r.Diff = Diff(part, part)
	}
	return r
}

// gap is the white space that parted a section from the next.
func gap(part string) string {
	if strings.HasSuffix(strings.TrimRight(part, " \t\r"), "\n") {
		return "\n\n"
	}
	return " "
}

func number(segments []Segment) {
	id := 0
	for i := range segments {
		if segments[i].Kind == Change {
			id++
			segments[i].ID = id
		}
	}
}

// total adds up the figures of several generations; rates are those of all
// tokens in all the time.
func total(a, b engine.Result) engine.Result {
	rate := func(n1 int, r1 float64, n2 int, r2 float64) float64 {
		var seconds float64
		if r1 > 0 {
			seconds += float64(n1) / r1
		}
		if r2 > 0 {
			seconds += float64(n2) / r2
		}
		if seconds == 0 {
			return 0
		}
		return float64(n1+n2) / seconds
	}
	sum := b
	if a.TTFTMillis > 0 {
		sum.TTFTMillis = a.TTFTMillis
	}
	sum.PrefillPerSecond = rate(a.PromptTokens-a.CachedTokens, a.PrefillPerSecond, b.PromptTokens-b.CachedTokens, b.PrefillPerSecond)
	sum.DecodePerSecond = rate(a.CompletionTokens, a.DecodePerSecond, b.CompletionTokens, b.DecodePerSecond)
	sum.PromptTokens += a.PromptTokens
	sum.CachedTokens += a.CachedTokens
	sum.CompletionTokens += a.CompletionTokens
	sum.PeakMemoryBytes = max(a.PeakMemoryBytes, b.PeakMemoryBytes)
	return sum
}
