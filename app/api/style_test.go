package api_test

import (
	"strings"
	"testing"
)

func TestStyle(t *testing.T) {
	b := setup(t, nil)
	status, _, body := b.do(b.request("POST", "/api/write/style", `{"format":"html","source":"<p>I <b>has</b> tow</p>"}`))
	if status != 200 || !strings.Contains(body, `"text":"I has tow"`) {
		t.Errorf("%d %s", status, body)
	}
	changes := `,"segments":[{"kind":"same","old":"I ","new":"I "},{"kind":"change","old":"has","new":"have","id":1},{"kind":"same","old":" ","new":" "},{"kind":"change","old":"tow","new":"two","id":2}]`
	status, _, body = b.do(b.request("POST", "/api/write/style", `{"format":"html","source":"<p>I <b>has</b> tow</p>"`+changes+`,"accepted":[1]}`))
	if status != 200 || !strings.Contains(body, `I \u003cb\u003ehave\u003c/b\u003e tow`) {
		t.Errorf("%d %s", status, body)
	}
	for _, bad := range []string{
		`{"format":"doc","source":"x"}`,
		`{"format":"rtf","source":"x"}`,
		`{"format":"html","source":"<p>other</p>"` + changes + `}`,
	} {
		if status, _, body := b.do(b.request("POST", "/api/write/style", bad)); status != 400 || !strings.Contains(body, `"error"`) {
			t.Errorf("%s: %d %s", bad, status, body)
		}
	}
}
