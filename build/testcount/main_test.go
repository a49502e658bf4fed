package main

import (
	"io"
	"strings"
	"testing"
)

func TestGoTests(t *testing.T) {
	stream := `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA/sub","Output":"the reason\n"}
{"Action":"fail","Package":"p","Test":"TestA/sub"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"fail","Package":"p"}
{"ImportPath":"q","Action":"build-output","Output":"q.go:1: syntax error\n"}
{"Action":"fail","Package":"q"}
{"Action":"pass","Package":"r"}
`
	var out strings.Builder
	got, err := goTests(strings.NewReader(stream), &out)
	if err != nil {
		t.Fatal(err)
	}
	if want := (counts{1, 2, 1}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, want := range []string{"the reason", "syntax error"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("output lacks %q:\n%s", want, out.String())
		}
	}
}

func TestGoTestsOfNothing(t *testing.T) {
	got, err := goTests(strings.NewReader(""), io.Discard)
	if err != nil || got != (counts{}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestReports(t *testing.T) {
	got, err := parseVitest([]byte(`{"numPassedTests":5,"numFailedTests":0,"numFailedTestSuites":2,"numPendingTests":1}`))
	if want := (counts{5, 2, 1}); err != nil || got != want {
		t.Errorf("vitest: got %v, %v, want %v", got, err, want)
	}
	got, err = parsePlaywright([]byte(`{"stats":{"expected":3,"unexpected":1,"flaky":1,"skipped":2}}`))
	if want := (counts{4, 1, 2}); err != nil || got != want {
		t.Errorf("playwright: got %v, %v, want %v", got, err, want)
	}
	got, err = addUp("go: 10 passed, 0 failed, 2 skipped\npage: 5 passed, 1 failed, 0 skipped\n")
	if want := (counts{15, 1, 2}); err != nil || got != want {
		t.Errorf("sum: got %v, %v, want %v", got, err, want)
	}
	if _, err := addUp("nonsense\n"); err == nil {
		t.Error("a line without counts must be an error")
	}
}
