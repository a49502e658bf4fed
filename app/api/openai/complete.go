package openai

import (
	"net/http"
	"strings"

	"qwill/engine"
	"qwill/engine/proto"
)

// completion collects, or passes on, one prompt's answer.
type completion struct {
	in      *CompletionRequest
	scoring bool // the one generated token is dropped
	index   int
	text    strings.Builder
	at      offsets
}

// take turns an event into text and tokens of the choice.
func (c *completion) take(e engine.Event) (text string, tokens []engine.Token) {
	var b strings.Builder
	for _, t := range e.Tokens {
		switch {
		case t.Prompt:
			b.Write(t.Bytes)
			tokens = append(tokens, t)
		case !c.scoring:
			tokens = append(tokens, t)
		}
	}
	if !c.scoring {
		b.WriteString(e.Reasoning) // the text of a raw completion is one
		b.WriteString(e.Text)
	}
	return b.String(), tokens
}

func (c *completion) logprobs(tokens []engine.Token) *Logprobs {
	if c.in.Logprobs == nil {
		return nil
	}
	l := &Logprobs{Tokens: []string{}, Logprobs: []*float64{}, Top: []map[string]float64{}, Offsets: []int{}}
	l.add(tokens, &c.at)
	return l
}

func (c *completion) choice(text string, l *Logprobs, finish *string) Choice {
	out := Choice{Index: c.index, Text: &text, Finish: finish}
	if l != nil {
		out.Logprobs = l
	}
	return out
}

func (c *completion) finish(res engine.Result) (*string, int) {
	if c.scoring {
		length := proto.FinishLength
		return &length, 1
	}
	return finish(res), 0
}

func (s *server) complete(w http.ResponseWriter, r *http.Request) error {
	var in CompletionRequest
	if err := read(w, r, &in); err != nil {
		return err
	}
	all, scoring, err := in.Params()
	if err != nil {
		return err
	}
	m, err := s.writer(r, in.Model)
	if err != nil {
		return err
	}
	out := s.begin(w, "cmpl-", "text_completion", m, &in.common)
	var choices []Choice
	for i, p := range all {
		p.Path, p.Mode = m.Path, s.Mode
		c := &completion{in: &in, scoring: scoring, index: i}
		if in.Stream {
			res, gone, err := s.run(r.Context(), p, func(e engine.Event) error {
				text, tokens := c.take(e)
				if text == "" && len(tokens) == 0 {
					return nil
				}
				return out.chunk(c.choice(text, c.logprobs(tokens), nil))
			})
			if gone {
				return nil
			}
			if err != nil {
				return out.end(in.at(err, "prompt"))
			}
			end, dropped := c.finish(res)
			out.count(res, dropped)
			if err := out.chunk(c.choice("", nil, end)); err != nil {
				return nil
			}
			continue
		}
		var tokens []engine.Token
		res, gone, err := s.run(r.Context(), p, func(e engine.Event) error {
			text, more := c.take(e)
			c.text.WriteString(text)
			tokens = append(tokens, more...)
			return nil
		})
		if gone || err != nil {
			return in.at(err, "prompt")
		}
		end, dropped := c.finish(res)
		out.count(res, dropped)
		choices = append(choices, c.choice(c.text.String(), c.logprobs(tokens), end))
	}
	if in.Stream {
		return out.end(nil)
	}
	out.head.Choices, out.head.Usage = choices, &out.total
	return answer(w, http.StatusOK, out.head)
}
