package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/engine"
)

func (r *runner) chat() *cobra.Command {
	var model modelFlags
	var sampling samplingFlags
	var system string
	var think bool
	cmd := &cobra.Command{
		Use:   `chat [flags] ["question"]`,
		Short: "Answer one question, given as argument or on stdin",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			given, err := sampling.read(cmd)
			if err != nil {
				return err
			}
			question := strings.Join(args, "")
			if len(args) == 0 {
				if question, err = r.input(`a question: qwill chat "…"`); err != nil {
					return err
				}
			}
			if strings.TrimSpace(question) == "" {
				return usageError{fmt.Errorf("the question is empty")}
			}
			p := engine.GenerateParams{Sampling: given.Sampling, Thinking: think}
			if given.MaxTokens != nil {
				p.MaxTokens = *given.MaxTokens
			}
			if system != "" {
				p.Messages = append(p.Messages, engine.Message{Role: "system", Content: system})
			}
			p.Messages = append(p.Messages, engine.Message{Role: chat.User, Content: question})
			return r.answer(cmd.Context(), model, p)
		},
	}
	model.add(cmd)
	sampling.add(cmd)
	cmd.Flags().StringVar(&system, "system", "", "system prompt")
	cmd.Flags().BoolVar(&think, "think", false, "let the model think first; its thinking goes to stderr")
	return cmd
}

// answered is the JSON of qwill chat.
type answered struct {
	Model     string      `json:"model"`
	Text      string      `json:"text"`
	Reasoning string      `json:"reasoning,omitempty"`
	Stats     *chat.Stats `json:"stats"`
}

func (r *runner) answer(ctx context.Context, f modelFlags, p engine.GenerateParams) error {
	a, err := r.app(ctx, nil)
	if err != nil {
		return err
	}
	defer a.Close()
	if p.Mode, err = f.arithmetic(a.Settings.Get()); err != nil {
		return err
	}
	m, err := a.Models.Resolve(ctx, f.model)
	if err != nil {
		return err
	}
	p.Path = m.Path

	out := answered{Model: m.Name}
	bar := r.progress()
	var text, reasoning strings.Builder
	wrote := false
	res, err := a.Serve.Generate(ctx, p, func(e engine.Event) {
		if e.Prefill != nil {
			bar.show("Reading %d of %d tokens", e.Prefill.Done, e.Prefill.Total)
		}
		if e.Reasoning != "" {
			bar.clear()
			reasoning.WriteString(e.Reasoning)
			if !r.json {
				fmt.Fprint(r.Err, e.Reasoning)
			}
		}
		if e.Text != "" {
			bar.clear()
			if text.Len() == 0 && reasoning.Len() > 0 && !r.json {
				fmt.Fprintln(r.Err)
			}
			text.WriteString(e.Text)
			if !r.json {
				fmt.Fprint(r.Out, e.Text)
				wrote = true
			}
		}
	}, func(percent int) { bar.show("Loading %s, %d %%", m.Name, percent) })
	bar.clear()
	if wrote && !strings.HasSuffix(text.String(), "\n") {
		fmt.Fprintln(r.Out)
	}
	if err != nil {
		return errs.From(err)
	}
	out.Text, out.Reasoning, out.Stats = text.String(), reasoning.String(), chat.StatsOf(res, p.Mode)
	if err := r.print(out, func(io.Writer) {}); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	return nil
}
