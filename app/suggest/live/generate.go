package live

import (
	"context"
	"strings"

	"qwill/app/errs"
	"qwill/app/suggest"
	"qwill/engine"
	"qwill/engine/proto"
)

// MaxTokens is the longest suggestion.
const MaxTokens = 14

// Runner runs a model, as app/serve does.
type Runner interface {
	Generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), loading func(percent int)) (engine.Result, error)
}

// Model names the model to use and how.
type Model func(ctx context.Context) (path string, mode engine.Mode, err error)

// Generate continues texts with a model, greedily, behind everything else that
// the engine does. The text goes in raw, so that each request finds the one
// before it in the prefix cache.
func Generate(run Runner, model Model) Generator {
	return func(ctx context.Context, before string, got func(text string)) (string, suggest.Reason) {
		path, mode, err := model(ctx)
		if err != nil {
			return "", reason(err)
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		greedy := 0.0
		p := engine.GenerateParams{Path: path, Mode: mode, Prior: proto.PriorityBackground, Text: Prompt(before), MaxTokens: MaxTokens,
			Stop: []string{"\n"}, Sampling: engine.Sampling{Temperature: &greedy}}
		var wrote strings.Builder
		ended := false
		res, err := run.Generate(ctx, p, func(e engine.Event) {
			wrote.WriteString(e.Reasoning) // the text of a raw completion is one
			wrote.WriteString(e.Text)
			if ended || e.Reasoning == "" && e.Text == "" {
				return
			}
			text, end, _ := Clean(before, wrote.String())
			if ended = end; end {
				stop()
			} else if text != "" {
				got(text)
			}
		}, nil)
		if err != nil && !ended {
			return "", reason(err)
		}
		text, _, why := Clean(before, wrote.String())
		if res.Finish == proto.FinishLength && !ended {
			text = wholeWords(text)
		}
		return text, why
	}
}

func reason(err error) suggest.Reason {
	switch errs.From(err).Code {
	case errs.NoModel:
		return suggest.NoModel
	case errs.Memory:
		return suggest.NoMemory
	}
	return suggest.Failed
}
