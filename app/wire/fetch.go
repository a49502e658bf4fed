package wire

import (
	"context"
	"log/slog"
	"slices"

	"qwill/app/errs"
	"qwill/app/fetch"
	"qwill/app/fetch/huggingface"
	"qwill/app/fetch/modelscope"
	"qwill/app/models/pull"
)

// fetching joins what may leave this machine: one client under one switch, and
// the downloads that use it.
func (a *App) fetching() {
	hosts, err := huggingface.AllowedHosts()
	if err != nil {
		// A malformed HF_ENDPOINT must not silently become another host.
		a.Notices = append(a.Notices, errs.From(err))
		hosts = fetch.Hosts{}
	}
	second, err := modelscope.Endpoint()
	if err != nil {
		a.Notices = append(a.Notices, errs.From(err))
	} else {
		hosts.Second = second
		hosts.Names = slices.Concat(hosts.Names, modelscope.Hosts)
	}
	a.Fetch = fetch.New(fetch.Config{Log: a.Store, Offline: a.offline, Hosts: hosts})
	hubs := map[string]pull.Hub{pull.ModelScope: modelscope.New(a.Fetch, second)}
	hubs[pull.HuggingFace] = huggingface.New(a.Fetch, hosts.Endpoint, new(hubToken).get)
	a.Pulls = pull.New(pull.Config{Store: a.Store, Hubs: hubs, Models: a.Models, Events: a.Events, Offline: a.offline, Forbid: a.Fetch.Forbid})
}

// offline reads the switch where every process writes it: a command must obey
// what was chosen in the window meanwhile. A switch that cannot be read is on.
func (a *App) offline() bool {
	if a.Settings.Get().Offline {
		return true
	}
	stored, err := a.Store.ReadSettings(context.WithoutCancel(a.life))
	if err != nil {
		slog.Warn("the switch for connections cannot be read", "error", err)
		return true
	}
	return string(stored["offline"]) == "true"
}

// downloads works on the queue and obeys the switch until the app closes.
func (a *App) downloads() {
	changes := a.Events.Subscribe()
	defer changes.Close()
	a.work.Go(func() { a.Pulls.Run(a.life) })
	for {
		e, ok := changes.Next(a.life)
		if !ok {
			return
		}
		if e.Name == "settings" && a.Settings.Get().Offline {
			a.Fetch.Forbid()
		}
	}
}
