package openai

import (
	"context"
	"net/http"
	"strings"

	"qwill/app/errs"
	"qwill/app/models"
	"qwill/app/settings"
	"qwill/engine"
	"qwill/engine/proto"
)

// Prefix begins the model names that stand for a command.
const Prefix = "command/"

// Commands are those of the registry, the user's own among them.
type Commands interface {
	// IDs lists them as they are now.
	IDs(ctx context.Context) ([]string, error)
	// Run carries out one on a text. Errors are *errs.Error.
	Run(ctx context.Context, c CommandCall) (CommandResult, error)
}

// CommandCall asks for one command on one text.
type CommandCall struct {
	ID, Text, Instruction string
	Options               map[string]string
	Sampling              settings.Sampling // what is set goes before the command's own
}

// CommandResult is its result, as doors without a review give it.
type CommandResult struct {
	Text     string
	Warnings []string // English sentences: what may be wrong, and changes left out for it
	Model    string   // that it ran on
	Path     string   // folder of that
	Engine   engine.Result
}

// called gives the command that a model's name stands for.
func (s *server) called(ctx context.Context, model string) (id string, ok bool, err error) {
	id, ok = strings.CutPrefix(model, Prefix)
	if !ok || s.Commands == nil {
		return "", false, nil
	}
	all, err := s.Commands.IDs(ctx)
	if err != nil {
		return "", true, err
	}
	for _, known := range all {
		if known == id {
			return id, true, nil
		}
	}
	return "", true, errs.New(errs.ModelUnknown, http.StatusNotFound, "There is no such command.").At("model").
		Try("use one of %s%s", Prefix, strings.Join(all, ", "+Prefix))
}

// command answers a chat whose model is a command: the last message of the user
// is the text, the result the answer. What would need the model's own answer,
// such as a form, is refused.
func (s *server) command(w http.ResponseWriter, r *http.Request, in *ChatRequest, p engine.GenerateParams, id string) error {
	switch {
	case in.Logprobs:
		return bad("logprobs", "A command's answer has none.")
	case p.Format != nil:
		return bad("response_format", "A command's answer has its own form.")
	case p.Thinking:
		return bad("chat_template_kwargs", "A command does not think aloud.")
	case len(p.Stop) > 0:
		return bad("stop", "A command's answer ends by itself.")
	}
	c := CommandCall{ID: id, Instruction: in.Instruction, Options: in.Options, Sampling: settings.Sampling{Sampling: p.Sampling}}
	if p.MaxTokens > 0 {
		c.Sampling.MaxTokens = &p.MaxTokens
	}
	for _, m := range p.Messages {
		if m.Role == "user" {
			c.Text = m.Content
		}
	}
	if strings.TrimSpace(c.Text) == "" {
		return bad("messages", "No message of the user has a text for the command.")
	}
	kind := "chat.completion"
	if in.Stream {
		kind = "chat.completion.chunk"
	}
	out := s.begin(w, "chatcmpl-", kind, models.Model{Name: in.Model}, &in.common)
	if in.Stream {
		// A result may be given up for a better one: it comes whole, at the end.
		empty := ""
		if out.chunk(Choice{Delta: &Turn{Role: "assistant", Content: &empty}}) != nil {
			return nil
		}
	}
	res, err := s.Commands.Run(r.Context(), c)
	if r.Context().Err() != nil {
		return nil // nobody reads it
	}
	if err != nil {
		if in.Stream {
			return out.end(in.at(err, "messages"))
		}
		return in.at(err, "messages")
	}
	if s.Keep != nil {
		s.Keep(r.Context(), engine.GenerateParams{Path: res.Path, Messages: []proto.Message{{Role: "user", Content: c.Text}}}, res.Text, "")
	}
	out.head.Warnings = res.Warnings
	out.count(res.Engine, 0)
	if in.Stream {
		if out.chunk(Choice{Delta: &Turn{Content: &res.Text}}) != nil || out.chunk(Choice{Delta: &Turn{}, Finish: finish(res.Engine)}) != nil {
			return nil
		}
		return out.end(nil)
	}
	out.head.Choices = []Choice{{Message: &Turn{Role: "assistant", Content: &res.Text}, Finish: finish(res.Engine)}}
	out.head.Usage = &out.total
	return answer(w, http.StatusOK, out.head)
}
