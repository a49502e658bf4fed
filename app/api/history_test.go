package api_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"qwill/app/api"
	"qwill/app/history"
	"qwill/app/shell"
	"qwill/app/store"
	"qwill/app/write"
)

func TestHistory(t *testing.T) {
	db, err := store.OpenMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	h := &history.Service{Store: db, Keep: func() bool { return true }, Now: time.Now}
	desktop := &api.Desktop{}
	handler := api.New(api.Config{Native: true, History: h, Desktop: desktop})
	ask := func(method, path string, want int, v any) {
		t.Helper()
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != want {
			t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		if v != nil {
			if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
				t.Fatal(err)
			}
		}
	}
	var all []history.Entry
	if ask("GET", "/api/history", 200, &all); all == nil || len(all) != 0 {
		t.Errorf("empty: %v", all)
	}
	var ids []string
	for _, original := range []string{"he go", "b", "c"} {
		id, err := h.Add(t.Context(), "Editor", "proofread", original, original+"es")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if ask("GET", "/api/history", 200, &all); len(all) != 3 {
		t.Errorf("%+v", all)
	}
	var one struct {
		Replacement history.Entry
		Diff        []write.Segment
	}
	ask("GET", "/api/history/"+ids[0], 200, &one)
	old, edited := "", ""
	for _, s := range one.Diff {
		old, edited = old+s.Old, edited+s.New
	}
	if one.Replacement.Original != "he go" || one.Replacement.Command != "proofread" || old != "he go" || edited != "he goes" {
		t.Errorf("%+v: %q %q", one, old, edited)
	}
	var program, result, original string
	desktop.Restore = func(_ context.Context, p, r, o string) (shell.Inserted, error) {
		program, result, original = p, r, o
		return shell.Inserted{Way: "paste", Verified: true}, nil
	}
	var done shell.Inserted
	ask("POST", "/api/history/"+ids[0]+"/restore", 200, &done)
	if !done.Verified || program != "Editor" || result != "he goes" || original != "he go" {
		t.Errorf("restored %q by %q in %q: %+v", result, original, program, done)
	}
	service, err := h.Add(t.Context(), history.ServicesDoor, "proofread", "x", "y")
	if err != nil {
		t.Fatal(err)
	}
	if ask("POST", "/api/history/"+service+"/restore", 200, nil); program != "" {
		t.Errorf("what the services replaced is looked for in %q", program)
	}
	ask("DELETE", "/api/history/"+service, 204, nil)
	ask("POST", "/api/history/none/restore", 404, nil)
	post := func(body string, want int) (kept struct{ ID string }) {
		t.Helper()
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/api/history", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if handler.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
		_ = json.Unmarshal(w.Body.Bytes(), &kept)
		return kept
	}
	post(`{"where":"Editor","original":"a","result":"b"}`, 400)
	program = "none"
	own := post(`{"where":"write","command":"shorten","original":"so long","result":"long"}`, 200).ID
	if ask("GET", "/api/history/"+own, 200, &one); one.Replacement.Where != "write" || one.Replacement.Command != "shorten" || one.Replacement.Original != "so long" || one.Replacement.Result != "long" {
		t.Errorf("%+v", one.Replacement)
	}
	if ask("POST", "/api/history/"+own+"/restore", 409, nil); program != "none" {
		t.Errorf("what the page replaced is looked for in %q", program)
	}
	ask("DELETE", "/api/history/"+own, 204, nil)
	desktop.Restore = nil // in a browser
	ask("POST", "/api/history/"+ids[0]+"/restore", 409, nil)
	ask("DELETE", "/api/history/"+ids[0], 204, nil)
	ask("DELETE", "/api/history/"+ids[0], 404, nil)
	ask("GET", "/api/history/"+ids[0], 404, nil)
	if ask("GET", "/api/history", 200, &all); len(all) != 2 {
		t.Errorf("%+v", all)
	}
	ask("DELETE", "/api/history", 204, nil)
	if ask("GET", "/api/history", 200, &all); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}
