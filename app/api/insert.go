package api

import (
	"errors"
	"net/http"

	"qwill/app/errs"
	"qwill/app/shell"
)

// insert puts a result back into the program that its text was captured in.
func (a *api) insert(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Target, Text, Command string }
	if err := read(w, r, &in); err != nil {
		return err
	}
	if a.Desktop == nil || a.Desktop.Insert == nil {
		return insertError(shell.ErrUnsupported)
	}
	done, err := a.Desktop.Insert(r.Context(), in.Target, in.Text, in.Command)
	if err != nil {
		return insertError(err)
	}
	return reply(w, http.StatusOK, done)
}

// insertError says why a text did not come to its place.
func insertError(err error) error {
	for _, k := range []struct {
		is            error
		code          string
		status        int
		message, hint string
	}{
		{shell.ErrChanged, errs.TargetChanged, 409, "The text there has changed, so it was left as it is.", "copy the result and put it in yourself"},
		{shell.ErrGone, errs.TargetGone, 409, "The field that the text was in is gone.", "copy the result and put it in yourself"},
		{shell.ErrSecure, errs.TargetSecure, 409, "That is a field for passwords: Qwill neither reads nor changes it.", "copy the result if you want to use it there"},
		{shell.ErrUnsupported, errs.TargetUnsupported, 409, "Qwill cannot change the text in that program.", "copy the result and put it in yourself"},
		{shell.ErrNoPaste, errs.TargetUnsupported, 409, "Qwill cannot change the text in that program.", "copy the result and put it in yourself"},
		{shell.ErrNotTaken, errs.TargetRefused, 409, "The program did not take the text.", "copy the result and put it in yourself"},
		{shell.ErrOther, errs.TargetOther, 409, "The program put in something else than the result.", "look at it there; its undo brings the original back"},
	} {
		if errors.Is(err, k.is) {
			return errs.New(k.code, k.status, "%s", k.message).Try("%s", k.hint).Because(err)
		}
	}
	return err
}
