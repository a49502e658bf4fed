package api

import (
	"net/http"

	"qwill/app/models"
)

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
		How  string `json:"how"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	m, err := a.Models.Import(r.Context(), models.ImportOptions{Path: in.Path, Name: in.Name, How: in.How})
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

// foundModels lists what lies in the cache of Hugging Face on this machine.
func (a *api) foundModels(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Models.FoundModels(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

// exportModel copies a model to a folder of this machine, such as a USB disk.
func (a *api) exportModel(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Folder string `json:"folder"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	done, err := a.Models.Export(r.Context(), r.PathValue("name"), in.Folder, nil)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, done)
}
