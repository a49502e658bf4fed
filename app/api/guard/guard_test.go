package guard

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"qwill/app/errs"
)

func TestListen(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for addr, code := range map[string]string{
		l.Addr().String():    errs.PortInUse,
		"0.0.0.0:0":          errs.Invalid,
		":0":                 errs.Invalid,
		"192.168.1.2:0":      errs.Invalid,
		"example.com:80":     errs.Invalid,
		"127.0.0.1":          errs.Invalid,
		"127.0.0.1:x":        errs.Invalid,
		"127.0.0.1:70000":    errs.Invalid,
		"127.0.0.1:-1":       errs.Invalid,
		"[::ffff:8.8.8.8]:0": errs.Invalid,
	} {
		got, err := Listen(addr)
		if err == nil {
			got.Close()
		}
		if e := errs.From(err); e == nil || e.Code != code || e.Hint == "" {
			t.Errorf("%s: got %v, want %s", addr, err, code)
		}
	}
	again, err := Listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	if ip := again.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		t.Errorf("localhost became %v", ip)
	}
}

func TestLocal(t *testing.T) {
	s := httptest.NewServer(Local(
		func(w http.ResponseWriter, _ *http.Request, e *errs.Error) { w.WriteHeader(e.Status) },
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })))
	defer s.Close()
	own := strings.TrimPrefix(s.URL, "http://")
	_, port, _ := net.SplitHostPort(own)
	for _, c := range []struct {
		host, origin, site string
		want               int
	}{
		{own, "", "", 204},
		{"localhost:" + port, "", "same-origin", 204},
		{"127.0.0.2:" + port, "", "", 204},
		{"[::1]:" + port, "", "", 204},
		{own, s.URL, "", 204},
		{own, "", "none", 204},
		{"evil.com", "", "", 403},
		{"evil.com:" + port, "", "", 403},
		{"localhost.evil.com:" + port, "", "", 403},
		{"127.0.0.1", "", "", 403},
		{"127.0.0.1:1", "", "", 403},
		{"localhost", "", "", 403},
		{"0.0.0.0:" + port, "", "", 403},
		{own, "https://evil.com", "", 403},
		{own, "null", "", 403},
		{own, "https://" + own, "", 403},
		{own, "http://127.0.0.1:1", "", 403},
		{own, "http://localhost:" + port, "", 403},
		{own, "", "cross-site", 403},
	} {
		r, err := http.NewRequest("POST", s.URL, strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if c.site != "" {
			r.Header.Set("Sec-Fetch-Site", c.site)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%+v: got %d", c, res.StatusCode)
		}
	}
}

func TestSecrets(t *testing.T) {
	if !Same("abc", "abc") || Same("abd", "abc") || Same("", "") || Same("abcd", "abc") {
		t.Error("the comparison is wrong")
	}
	for header, want := range map[string]string{"Bearer x": "x", "bearer  x ": "x", "Basic x": "", "": "", "Bearer": ""} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", header)
		if got := Bearer(r); got != want {
			t.Errorf("%q: got %q", header, got)
		}
	}
}

func TestCheckJSON(t *testing.T) {
	for _, good := range []string{`{}`, `[]`, `1`, `"x"`, `{"a":{"a":1},"b":[{"a":1},{"a":2}]}`, `{"a":"a","b":"a"}`, ` {"a":[]} `,
		strings.Repeat("[", 32) + strings.Repeat("]", 32)} {
		if err := CheckJSON([]byte(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{``, ` `, `{`, `{"a":1,"a":2}`, `{"x":{"a":1,"b":2,"a":3}}`, `[{"a":1},{"b":1,"b":1}]`, `{} {}`, `{}x`, `nul`, `{"a":}`, `[1,]`,
		strings.Repeat("[", 33) + strings.Repeat("]", 33), strings.Repeat(`{"a":`, 100000)} {
		err := CheckJSON([]byte(bad))
		if e, ok := errors.AsType[*errs.Error](err); !ok || e.Code != errs.BadJSON {
			t.Errorf("%.40s: got %v", bad, err)
		}
	}
}

func FuzzCheckJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":null}]}`, `{"a":1,"a":2}`, `[[[]]]`, `"\ud800"`, "{", "1e999", `{"a":{"a":{}},"b":"a"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := CheckJSON(body)
		if err == nil && !json.Valid(body) {
			t.Errorf("%q passed", body)
		}
		if _, ok := errors.AsType[*errs.Error](err); err != nil && !ok {
			t.Errorf("%q: untyped error %v", body, err)
		}
	})
}
