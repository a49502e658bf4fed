package api

import (
	"net/http"

	"qwill/assets"
)

func (a *api) doctor(w http.ResponseWriter, r *http.Request) error {
	return reply(w, http.StatusOK, a.Doctor(r.Context()))
}

func (a *api) licences(w http.ResponseWriter, _ *http.Request) error {
	all, err := assets.Licences()
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, all)
}
