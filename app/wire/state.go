package wire

import (
	"path/filepath"

	"qwill/app/api"
	"qwill/app/events"
	"qwill/app/serve"
)

// EngineState is the engine as the page shows it.
func (a *App) EngineState() api.EngineState { return a.engineState(a.Serve.Status()) }

func (a *App) engineState(s serve.Status) api.EngineState {
	return api.EngineState{State: s.Phase, Model: a.modelName(s.Path), Percent: s.Percent, Message: s.Message, Device: s.Device, Kernels: s.Kernels}
}

// modelName gives the installed name of a model's folder.
func (a *App) modelName(path string) string {
	if path == "" {
		return ""
	}
	all, err := a.Store.Models(a.life)
	if err == nil {
		for _, m := range all {
			if m.Path == path {
				return m.Name
			}
		}
	}
	return filepath.Base(path)
}

// followEngine publishes each change of the engine's state. The server's
// callback may not wait, so a goroutine of its own looks up the names; of
// states that follow each other fast only the last is told.
func (a *App) followEngine() {
	wake := make(chan struct{}, 1)
	stop := a.Serve.Subscribe(func(serve.Status) {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	a.work.Go(func() {
		defer stop()
		var last api.EngineState
		for {
			select {
			case <-wake:
				if now := a.EngineState(); now != last {
					last = now
					a.Events.Publish(events.Event{Name: "engine", Data: now, Lossy: true})
				}
			case <-a.life.Done():
				return
			}
		}
	})
}
