package api

import (
	"net/http"

	"qwill/app/errs"
	"qwill/app/history"
	"qwill/app/shell"
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

// addReplacement keeps what the page is about to replace in a field of its own.
func (a *api) addReplacement(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Where, Command, Original, Result string }
	if err := read(w, r, &in); err != nil {
		return err
	}
	if in.Where != history.Writing && in.Where != history.Composer {
		return errs.InvalidField("where", "%q is not one of %s, %s.", in.Where, history.Writing, history.Composer)
	}
	id, err := a.History.Add(r.Context(), in.Where, in.Command, in.Original, in.Result)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		ID string `json:"id"` // "" where nothing is kept
	}{id})
}

// restoreReplacement puts an original back into the program where it was
// replaced. Where that cannot be done the error says why: the page offers the
// clipboard then.
func (a *api) restoreReplacement(w http.ResponseWriter, r *http.Request) error {
	e, err := a.History.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if a.Desktop == nil || a.Desktop.Restore == nil {
		return insertError(shell.ErrUnsupported)
	}
	if e.Where == history.Writing || e.Where == history.Composer {
		return insertError(shell.ErrUnsupported) // the page has done it where it can
	}
	program := e.Where
	if program == history.ServicesDoor {
		program = ""
	}
	done, err := a.Desktop.Restore(r.Context(), program, e.Result, e.Original)
	if err != nil {
		return insertError(err)
	}
	return reply(w, http.StatusOK, done)
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
