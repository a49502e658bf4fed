package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"qwill/app/api"
	"qwill/app/errs"
	"qwill/app/shell"
)

func TestInsert(t *testing.T) {
	var result error
	var got []string
	desktop := &api.Desktop{Insert: func(_ context.Context, target, text, command string) (shell.Inserted, error) {
		got = []string{target, text, command}
		return shell.Inserted{Way: "paste", Verified: true}, result
	}}
	ask := func(d *api.Desktop) (int, string, errs.Error) {
		t.Helper()
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/api/insert", strings.NewReader(`{"target":"3","text":"new","command":"rewrite"}`))
		r.Header.Set("Content-Type", "application/json")
		api.New(api.Config{Native: true, Desktop: d}).ServeHTTP(w, r)
		var failed struct{ Error errs.Error }
		if err := json.Unmarshal(w.Body.Bytes(), &failed); err != nil {
			t.Fatal(err)
		}
		return w.Code, w.Body.String(), failed.Error
	}
	if code, body, _ := ask(desktop); code != 200 || body != `{"way":"paste","verified":true}` || strings.Join(got, " ") != "3 new rewrite" {
		t.Errorf("%d %s of %v", code, body, got)
	}
	for err, want := range map[error]string{
		shell.ErrChanged: errs.TargetChanged, shell.ErrGone: errs.TargetGone, shell.ErrSecure: errs.TargetSecure, shell.ErrNoPaste: errs.TargetUnsupported,
		shell.ErrUnsupported: errs.TargetUnsupported, shell.ErrNotTaken: errs.TargetRefused, errors.Join(shell.ErrOther): errs.TargetOther,
	} {
		result = err
		if code, _, failed := ask(desktop); code != 409 || failed.Code != want || failed.Hint == "" {
			t.Errorf("%v: %d %+v", err, code, failed)
		}
	}
	if code, _, failed := ask(nil); code != 409 || failed.Code != errs.TargetUnsupported {
		t.Errorf("in a browser: %d %+v", code, failed)
	}
}
