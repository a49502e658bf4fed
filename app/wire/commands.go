package wire

import (
	"context"

	"qwill/app/api"
	"qwill/app/api/openai"
	"qwill/app/events"
	"qwill/app/models"
	"qwill/engine"
)

// served are the registry's commands as the server for other programs offers
// them: nobody reviews a result there, so changes with a warning are left out.
type served struct {
	a    *App
	m    models.Model // for commands that name none
	mode engine.Mode
}

// ServedCommands offers the commands to other programs. The user's own are read
// anew for each request: the window may have changed them.
func (a *App) ServedCommands(m models.Model, mode engine.Mode) openai.Commands {
	return served{a, m, mode}
}

func (s served) IDs(ctx context.Context) ([]string, error) {
	if err := s.a.Commands.Reload(ctx); err != nil {
		return nil, err
	}
	var ids []string
	for _, c := range s.a.Commands.All() {
		ids = append(ids, c.ID)
	}
	return ids, nil
}

func (s served) Run(ctx context.Context, c openai.CommandCall) (openai.CommandResult, error) {
	r := api.WriteRequest{Command: c.ID, Text: c.Text, Instruction: c.Instruction, Options: c.Options}
	if err := s.a.Writer.CheckRequest(r); err != nil {
		return openai.CommandResult{}, err
	}
	m := s.m
	if known, err := s.a.Commands.Find(c.ID); err == nil && known.Model != "" {
		if m, err = s.a.Models.Find(ctx, known.Model); err != nil {
			return openai.CommandResult{}, err
		}
	}
	res, err := s.a.Writer.WriteWith(ctx, r, m, s.mode, c.Sampling, func(events.Event) {})
	if err != nil {
		return openai.CommandResult{}, err
	}
	out := openai.CommandResult{Text: res.Unwarned(), Model: m.Name, Path: m.Path}
	for _, f := range res.Warnings() {
		out.Warnings = append(out.Warnings, f.Sentence())
	}
	if s := res.Stats; s != nil {
		out.Engine = engine.Result{Finish: s.Finish, PromptTokens: s.PromptTokens, CachedTokens: s.CachedTokens, CompletionTokens: s.CompletionTokens}
	}
	return out, nil
}
