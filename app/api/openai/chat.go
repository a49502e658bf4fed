package openai

import (
	"net/http"
	"strings"

	"qwill/app/errs"
	"qwill/engine"
)

// at names the request's field in errors that concern it.
func (c *common) at(err error, field string) error {
	if err == nil {
		return nil
	}
	e := errs.From(err)
	switch {
	case e.Code == errs.TooLong || e.Code == errs.Template:
		return e.At(field)
	case e.Code == errs.Invalid && strings.HasPrefix(e.Detail, "format"):
		return c.asked(e)
	}
	return err
}

func (s *server) chat(w http.ResponseWriter, r *http.Request) error {
	var in ChatRequest
	if err := read(w, r, &in); err != nil {
		return err
	}
	p, err := in.Params()
	if err != nil {
		return err
	}
	if id, ok, err := s.called(r.Context(), in.Model); ok {
		if err != nil {
			return err
		}
		return s.command(w, r, &in, p, id)
	}
	m, err := s.writer(r, in.Model)
	if err != nil {
		return err
	}
	p.Path, p.Mode = m.Path, s.Mode
	if in.Stream {
		return s.chatStream(w, r, &in, s.begin(w, "chatcmpl-", "chat.completion.chunk", m, &in.common), p)
	}
	out := s.begin(w, "chatcmpl-", "chat.completion", m, &in.common)
	var text, reasoning strings.Builder
	var tokens []engine.Token
	res, gone, err := s.run(r.Context(), p, func(e engine.Event) error {
		text.WriteString(e.Text)
		reasoning.WriteString(e.Reasoning)
		tokens = append(tokens, e.Tokens...)
		return nil
	})
	if gone || err != nil {
		return in.at(err, "messages")
	}
	content := text.String()
	choice := Choice{Message: &Turn{Role: "assistant", Content: &content, Reasoning: reasoning.String()}, Finish: finish(res)}
	if in.Logprobs {
		choice.Logprobs = chatLogprobs(tokens)
	}
	out.count(res, 0)
	out.head.Choices, out.head.Usage = []Choice{choice}, &out.total
	return answer(w, http.StatusOK, out.head)
}

func (s *server) chatStream(w http.ResponseWriter, r *http.Request, in *ChatRequest, out *reply, p engine.GenerateParams) error {
	first := func() error {
		if out.stream != nil {
			return nil
		}
		empty := ""
		return out.chunk(Choice{Delta: &Turn{Role: "assistant", Content: &empty}})
	}
	res, gone, err := s.run(r.Context(), p, func(e engine.Event) error {
		if err := first(); err != nil || e.Text == "" && e.Reasoning == "" && len(e.Tokens) == 0 {
			return err
		}
		c := Choice{Delta: &Turn{Reasoning: e.Reasoning}}
		if e.Text != "" {
			c.Delta.Content = &e.Text
		}
		if in.Logprobs {
			c.Logprobs = chatLogprobs(e.Tokens)
		}
		return out.chunk(c)
	})
	if gone {
		return nil
	}
	if err != nil {
		return out.end(in.at(err, "messages"))
	}
	if err := first(); err != nil {
		return nil
	}
	out.count(res, 0)
	if err := out.chunk(Choice{Delta: &Turn{}, Finish: finish(res)}); err != nil {
		return nil
	}
	return out.end(nil)
}
