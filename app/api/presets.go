package api

import (
	"net/http"

	"qwill/app/chat"
)

func (a *api) listPresets(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Chats.Presets(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

func (a *api) createPreset(w http.ResponseWriter, r *http.Request) error {
	var in chat.PresetFields
	if err := read(w, r, &in); err != nil {
		return err
	}
	p, err := a.Chats.CreatePreset(r.Context(), in)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, p)
}

func (a *api) changePreset(w http.ResponseWriter, r *http.Request) error {
	var in chat.PresetFields
	if err := read(w, r, &in); err != nil {
		return err
	}
	p, err := a.Chats.ChangePreset(r.Context(), r.PathValue("id"), in)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, p)
}

func (a *api) deletePreset(w http.ResponseWriter, r *http.Request) error {
	if err := a.Chats.DeletePreset(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return empty(w)
}
