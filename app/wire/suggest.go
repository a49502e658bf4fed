package wire

import (
	"context"
	"time"

	"qwill/app/suggest"
	"qwill/app/suggest/live"
	"qwill/engine"
)

// suggestDelay is the pause in typing after which a suggestion is asked for.
const suggestDelay = 30 * time.Millisecond

// suggest starts suggestions, with the model that chats use.
func (a *App) suggest(tell func(suggest.Effect), said func(suggest.Reason)) *live.Session {
	if a.Settings.Get().Suggestions {
		go a.warm()
	}
	c := suggest.Config{On: a.Settings.Get().Suggestions, Battery: true, Delay: suggestDelay, Rules: suggest.BuiltIn()}
	return live.New(c, live.Generate(a.Serve, a.suggesting), tell, said)
}

// suggesting names the model that suggests.
func (a *App) suggesting(ctx context.Context) (path string, mode engine.Mode, err error) {
	m, err := a.Models.Find(ctx, "")
	if err != nil {
		return "", "", err
	}
	return m.Path, a.Settings.Get().Mode, nil
}

// warm loads the model before the first pause in the typing wants it.
func (a *App) warm() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if path, mode, err := a.suggesting(ctx); err == nil {
		_, _ = a.Serve.Open(ctx, path, mode, nil) // what is wrong with it, the first request says
	}
}
