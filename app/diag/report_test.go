package diag

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qwill/app/errs"
	"qwill/app/paths"
)

func TestReport(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	p := paths.Under(filepath.Join(home, "q"))
	var r Report
	Machine(&r, "1.2.3")
	Folders(&r, p)
	Instance(&r, p)
	l, err := Open(p.Logs, "qwill")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	slog.New(l.Handler()).Error("reply failed", "error", errs.New(errs.Memory, 500, "secret"))
	l.Crashed("signal killed", nil)
	Logs(&r, p.Logs)
	r.Problem("made up", errs.New(errs.Invalid, 400, "It is broken.").At(home+"/x").Try("mend it"))
	r.Write()
	for _, want := range []string{"qwill 1.2.3", "~/q/data", "made up", "~/x: It is broken.", "-> mend it", "ERROR reply failed memory", "crash-", "signal killed"} {
		if !strings.Contains(r.Text, want) {
			t.Errorf("%q is missing in\n%s", want, r.Text)
		}
	}
	if strings.Contains(r.Text, home) || strings.Contains(r.Text, "secret") {
		t.Errorf("the report tells too much:\n%s", r.Text)
	}
	if r.Problems != 1 {
		t.Errorf("%d problems", r.Problems)
	}
}

func TestFoldersThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var r Report
	Folders(&r, paths.Under(file))
	if r.Problems != 1 {
		t.Errorf("%+v", r)
	}
}

func TestShort(t *testing.T) {
	t.Setenv("HOME", "/home/ann")
	for text, want := range map[string]string{"/home/ann": "~", "/home/ann/x: no": "~/x: no", "/home/anna/x": "/home/anna/x", "a /home/ann, b /home/ann/c": "a ~, b ~/c"} {
		if got := Short(text); got != want {
			t.Errorf("%q is %q", text, got)
		}
	}
	for n, want := range map[int64]string{1_600: "2 kB", 2_400_000: "2 MB", 3_400_000_000: "3.4 GB"} {
		if got := Size(n); got != want {
			t.Errorf("%d is %q", n, got)
		}
	}
}
