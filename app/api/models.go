package api

import "net/http"

func (a *api) listModels(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Models.List(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

func (a *api) importModel(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Path string `json:"path"`
		Name string `json:"name"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	m, err := a.Models.Import(r.Context(), in.Path, in.Name)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, m)
}

func (a *api) removeModel(w http.ResponseWriter, r *http.Request) error {
	if err := a.Models.Remove(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	return empty(w)
}
