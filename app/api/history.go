package api

import (
	"net/http"

	"qwill/app/history"
	"qwill/app/write"
)

func (a *api) listHistory(w http.ResponseWriter, r *http.Request) error {
	all, err := a.History.List(r.Context())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}

func (a *api) getReplacement(w http.ResponseWriter, r *http.Request) error {
	e, err := a.History.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		Replacement history.Entry   `json:"replacement"`
		Diff        []write.Segment `json:"diff"`
	}{e, append([]write.Segment{}, write.Diff(e.Original, e.Result)...)})
}

func (a *api) eraseHistory(w http.ResponseWriter, r *http.Request) error {
	if err := a.History.EraseAll(r.Context()); err != nil {
		return err
	}
	return empty(w)
}

func (a *api) eraseReplacement(w http.ResponseWriter, r *http.Request) error {
	if err := a.History.Erase(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return empty(w)
}
