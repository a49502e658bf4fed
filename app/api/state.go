package api

import (
	"encoding/json"
	"net/http"

	"qwill/app/api/guard"
	"qwill/app/chat"
	"qwill/app/command"
	"qwill/app/errs"
	"qwill/app/events"
	"qwill/app/models"
	"qwill/app/settings"
)

// State is what the first paint needs.
type State struct {
	Version  string            `json:"version"`
	Platform string            `json:"platform"`
	Native   bool              `json:"native"`
	Models   []models.Model    `json:"models"`
	Commands []command.Command `json:"commands"`
	Settings settings.Settings `json:"settings"`
	Engine   EngineState       `json:"engine"`
	Chats    []chat.Summary    `json:"chats"`
	Notices  []*errs.Error     `json:"notices"`
}

func (a *api) state(w http.ResponseWriter, r *http.Request) error {
	list, err := a.Models.List(r.Context())
	if err != nil {
		return err
	}
	chats, err := a.Chats.List(r.Context())
	if err != nil {
		return err
	}
	notices := a.Notices
	if notices == nil {
		notices = []*errs.Error{}
	}
	return reply(w, http.StatusOK, State{Version: a.Version, Platform: a.Platform, Native: a.Native, Models: list,
		Commands: a.Commands.All(), Settings: a.Settings.Get(), Engine: a.Engine(), Chats: chats, Notices: notices})
}

func (a *api) events(w http.ResponseWriter, r *http.Request) error {
	first := []events.Event{{Name: "engine", Data: a.Engine()}}
	if a.Desktop != nil {
		if s, ok := a.Desktop.First(); ok {
			first = append(first, events.Event{Name: "surface", Data: s})
		}
	}
	sub := a.Events.Subscribe(first...)
	defer sub.Close()
	stream := guard.NewStream(w)
	if a.Native {
		stream.Ping = 0 // no connection that could be lost: an idle window sleeps
	}
	_ = stream.Copy(r.Context(), sub) // ends when the reader leaves
	return nil
}

func (a *api) getSettings(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, a.Settings.Get())
}

func (a *api) putSettings(w http.ResponseWriter, r *http.Request) error {
	body, err := guard.ReadJSON(w, r, BodyLimit)
	if err != nil {
		return err
	}
	var chosen struct {
		Model string `json:"model"`
	}
	// A value of another type is the update's to refuse.
	if json.Unmarshal(body, &chosen) == nil && chosen.Model != "" {
		if _, err := a.Models.Find(r.Context(), chosen.Model); err != nil {
			return err
		}
	}
	s, err := a.Settings.Update(r.Context(), body)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, s)
}

func (a *api) window(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Action string `json:"action"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	switch in.Action {
	case "hide", "show", "prompt", "main":
	default:
		return errs.InvalidField("action", "%q is not one of hide, show, prompt, main.", in.Action)
	}
	if a.Window != nil {
		a.Window(in.Action)
	}
	return empty(w)
}
