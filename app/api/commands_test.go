package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"qwill/app/command"
)

func TestCustomCommands(t *testing.T) {
	b := setup(t, nil)
	status, _, body := b.do(b.request("POST", "/api/commands/custom", `{"title":"Plain words","instruction":"Say it plainly","shape":"diff","keep":true}`))
	var made command.Custom
	if err := json.Unmarshal([]byte(body), &made); err != nil || status != 201 || made.ID != "my-plain-words" {
		t.Fatalf("%d %s", status, body)
	}
	if status, _, body = b.do(b.request("GET", "/api/commands", "")); status != 200 || !strings.Contains(body, "my-plain-words") || !strings.Contains(body, "proofread") {
		t.Errorf("%d %s", status, body)
	}
	if status, _, body = b.do(b.request("PUT", "/api/commands/custom/my-plain-words", `{"title":"Plainer","instruction":"Shorter","shape":"text"}`)); status != 200 || !strings.Contains(body, `"id":"my-plain-words"`) {
		t.Errorf("%d %s", status, body)
	}
	status, header, file := b.do(b.request("GET", "/api/commands/export?ids=my-plain-words", ""))
	if status != 200 || !strings.Contains(header.Get("Content-Disposition"), "qwill-commands.json") || !strings.Contains(file, "Plainer") {
		t.Errorf("%d %v %s", status, header, file)
	}
	if status, _, body = b.do(b.request("DELETE", "/api/commands/custom/my-plain-words", "")); status != 204 {
		t.Errorf("%d %s", status, body)
	}
	if status, _, body = b.do(b.request("POST", "/api/commands/import", file)); status != 200 || !strings.Contains(body, `"imported":[{"id":"my-plain-words"`) {
		t.Errorf("%d %s", status, body)
	}
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/api/commands/custom", `{"title":"x"}`, 400},
		{"PUT", "/api/commands/custom/my-none", `{"title":"x","instruction":"y","shape":"text"}`, 404},
		{"DELETE", "/api/commands/custom/rewrite", "", 404},
		{"POST", "/api/commands/import", "no", 400},
		{"GET", "/api/commands/export?ids=my-none", "", 404},
	} {
		if status, _, body := b.do(b.request(c.method, c.path, c.body)); status != c.status || !strings.Contains(body, `"error"`) {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, body)
		}
	}
}
