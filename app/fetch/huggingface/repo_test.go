package huggingface

import (
	"net/http"
	"testing"
	"time"
)

func TestParseRepo(t *testing.T) {
	for in, want := range map[string]Repo{
		"Qwen/Qwen3-4B-MLX-4bit":                                           {"Qwen", "Qwen3-4B-MLX-4bit", ""},
		" https://huggingface.co/Qwen/Qwen3-4B-MLX-4bit/ ":                 {"Qwen", "Qwen3-4B-MLX-4bit", ""},
		"huggingface.co/a/b":                                               {"a", "b", ""},
		"https://hf.co/a/b":                                                {"a", "b", ""},
		"https://huggingface.co/a/b/tree/main":                             {"a", "b", "main"},
		"https://huggingface.co/a/b/tree/refs%2Fpr%2F1":                    {"a", "b", "refs/pr/1"},
		"https://huggingface.co/a/b/blob/v1.0/config.json?download=true#x": {"a", "b", "v1.0"},
	} {
		if got, err := ParseRepo(in); err != nil || got != want {
			t.Errorf("%q: %+v %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "a", "a/b/c", "/a/b/c", "a/../b", "../b/c", "a/b--c", "a/.b", "https://example.com/a/b", "https://huggingface.co/datasets/a/b",
		"https://u:p@huggingface.co/a/b", "ftp://huggingface.co/a/b", "https://huggingface.co/a/b/settings", "https://huggingface.co/a/b/tree/..%2F..", "a\\b/c", "a b/c", "a/b\x00"} {
		if got, err := ParseRepo(bad); err == nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

func FuzzParseRepo(f *testing.F) {
	for _, s := range []string{"a/b", "https://huggingface.co/a/b/tree/x", "://", "hf.co/%zz/b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRepo(s)
		if err != nil {
			return
		}
		if !part.MatchString(r.Owner) || !part.MatchString(r.Name) || CheckRevision(r.Revision) != nil {
			t.Errorf("%q: %+v", s, r)
		}
	})
}

func TestWaitTime(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		name, value string
		want        time.Duration
	}{
		{"RateLimit", `"resolvers";r=0;t=55`, 56 * time.Second},
		{"Retry-After", "7", 7 * time.Second},
		{"Retry-After", "Fri, 02 Jan 2026 03:05:05 GMT", time.Minute},
		{"Retry-After", "Fri, 02 Jan 2020 03:05:05 GMT", time.Second},
		{"Retry-After", "-5", time.Second},
		{"Retry-After", "99999999", waitLimit},
		{"Retry-After", "soon", waitDefault},
		{"Other", "1", waitDefault},
	} {
		if got := WaitTime(http.Header{http.CanonicalHeaderKey(c.name): {c.value}}, now); got != c.want {
			t.Errorf("%s: %s: %v", c.name, c.value, got)
		}
	}
}

func TestContentRange(t *testing.T) {
	if a, b, n, ok := contentRange("bytes 5-9/10"); !ok || a != 5 || b != 9 || n != 10 {
		t.Error(a, b, n, ok)
	}
	if _, _, n, ok := contentRange("bytes 5-9/*"); !ok || n != -1 {
		t.Error(n, ok)
	}
	for _, bad := range []string{"", "bytes */10", "bytes 9-5/10", "bytes -5-9/10", "items 5-9/10", "bytes 5-9/99999999999999999999"} {
		if _, _, _, ok := contentRange(bad); ok {
			t.Error(bad)
		}
	}
}

func TestEndpoint(t *testing.T) {
	for in, want := range map[string]string{"": "", "https://huggingface.co": "", "https://hf-mirror.com/": "https://hf-mirror.com", "http://127.0.0.1:8000": "http://127.0.0.1:8000"} {
		t.Setenv(EndpointVariable, in)
		got, err := Endpoint()
		if err != nil || (got == nil) != (want == "") || got != nil && got.String() != want {
			t.Errorf("%q: %v %v", in, got, err)
		}
	}
	for _, bad := range []string{"hf-mirror.com", "ftp://x", "https://u:p@x", "https://x?y=1", "://"} {
		t.Setenv(EndpointVariable, bad)
		if got, err := Endpoint(); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}
