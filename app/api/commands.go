package api

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"qwill/app/command"
	"qwill/app/errs"
)

func (a *api) listCommands(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, a.Commands.All())
}

func (a *api) listCustom(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, append([]command.Custom{}, a.Commands.Custom()...))
}

func (a *api) addCustom(w http.ResponseWriter, r *http.Request) error {
	var c command.Custom
	if err := read(w, r, &c); err != nil {
		return err
	}
	c.ID = ""
	c, err := a.Commands.Put(r.Context(), c)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, c)
}

func (a *api) putCustom(w http.ResponseWriter, r *http.Request) error {
	var c command.Custom
	if err := read(w, r, &c); err != nil {
		return err
	}
	c.ID = r.PathValue("id")
	known := false
	for _, old := range a.Commands.Custom() {
		known = known || old.ID == c.ID
	}
	if !known {
		return command.ErrNoCommand(c.ID)
	}
	c, err := a.Commands.Put(r.Context(), c)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, c)
}

func (a *api) removeCustom(w http.ResponseWriter, r *http.Request) error {
	if err := a.Commands.Remove(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	return empty(w)
}

func (a *api) importCommands(w http.ResponseWriter, r *http.Request) error {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, BodyLimit))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errs.New(errs.TooLarge, 413, "The file is larger than %d MB.", BodyLimit>>20)
	}
	if err != nil {
		return err
	}
	in, skipped, err := a.Commands.Import(r.Context(), b)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, map[string]any{"imported": append([]command.Custom{}, in...), "skipped": append([]*errs.Error{}, skipped...)})
}

func (a *api) exportCommands(w http.ResponseWriter, r *http.Request) error {
	var ids []string
	if list := r.URL.Query().Get("ids"); list != "" {
		ids = strings.Split(list, ",")
	}
	b, err := a.Commands.Export(ids...)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="qwill-commands.json"`)
	_, _ = w.Write(b) // the reader may have gone
	return nil
}
