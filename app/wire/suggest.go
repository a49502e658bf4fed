package wire

import (
	"context"
	"time"

	"qwill/app/power"
	"qwill/app/settings"
	"qwill/app/suggest"
	"qwill/app/suggest/live"
	"qwill/engine"
)

// powerPause is the time between two looks at battery and heat.
const powerPause = 10 * time.Second

// suggest starts suggestions, with a small model of their own. They follow the
// settings, the battery and the heat until they are closed.
func (a *App) suggest(tell func(suggest.Effect), said func(suggest.Reason)) *live.Session {
	return a.suggestWhile(func(s settings.Settings) bool { return s.Suggestions }, tell, said)
}

// SuggestElsewhere starts suggestions for the editors of other programs.
func (a *App) SuggestElsewhere(tell func(suggest.Effect), said func(suggest.Reason)) *live.Session {
	return a.suggestWhile(func(s settings.Settings) bool { return s.SuggestElsewhere }, tell, said)
}

// suggestWhile starts suggestions that are made while the settings want them.
func (a *App) suggestWhile(on func(settings.Settings) bool, tell func(suggest.Effect), said func(suggest.Reason)) *live.Session {
	changes := a.Events.Subscribe()
	s := live.New(a.suggestConfig(on), live.Generate(a.Serve.Beside(), a.suggesting), tell, said)
	follow, end := context.WithCancel(a.life)
	s.OnClose(end)
	s.OnClose(a.power.Subscribe(func(now power.State) {
		s.Do(suggest.Power{Battery: now.Battery, Saver: now.Saver}, suggest.Heat{Hot: now.Hot})
	}))
	if a.life.Err() != nil {
		changes.Close()
		return s
	}
	a.work.Go(func() {
		defer changes.Close()
		a.warm(follow, on)
		for {
			e, ok := changes.Next(follow)
			if !ok {
				return
			}
			if e.Name == "settings" {
				s.Do(suggest.Configure{Config: a.suggestConfig(on)})
				a.warm(follow, on)
			}
		}
	})
	return s
}

func (a *App) suggestConfig(on func(settings.Settings) bool) suggest.Config {
	set := a.Settings.Get()
	return suggest.Config{On: on(set), Battery: set.SuggestOnBattery, Delay: time.Duration(set.SuggestDelay) * time.Millisecond,
		Rules: suggest.BuiltIn().With(set.SuggestRules)}
}

// suggesting names the model that suggests.
func (a *App) suggesting(ctx context.Context) (path string, mode engine.Mode, err error) {
	set := a.Settings.Get()
	m, err := a.Models.Smallest(ctx, set.SuggestModel)
	if err != nil {
		return "", "", err
	}
	return m.Path, set.Mode, nil
}

// warm loads the model before the first pause in the typing wants it.
func (a *App) warm(ctx context.Context, on func(settings.Settings) bool) {
	if !on(a.Settings.Get()) {
		return
	}
	if path, mode, err := a.suggesting(ctx); err == nil {
		_ = a.Serve.Beside().Open(ctx, path, mode) // what is wrong with it, the first request says
	}
}
