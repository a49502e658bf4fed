package api

import (
	"net/http"

	"qwill/app/errs"
)

func (a *api) erase(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Confirm  string `json:"confirm"`
		Models   bool   `json:"models"`
		Settings bool   `json:"settings"`
	}
	if err := read(w, r, &in); err != nil {
		return err
	}
	if in.Confirm != "erase" {
		return errs.InvalidField("confirm", "Nothing was erased: confirm must be \"erase\".")
	}
	n, err := a.Erase(r.Context(), in.Models, in.Settings)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, map[string]int64{"bytes": n})
}
