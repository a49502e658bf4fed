package paths

import (
	"os"
	"path/filepath"
	"testing"
)

func TestHomeMovesEverything(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	t.Setenv(HomeVariable, home)
	p, err := Resolve()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Ensure(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{p.Data, p.Models, p.Logs, p.Cache, p.Database(), p.Backups(), p.Instance()} {
		rel, err := filepath.Rel(home, path)
		if err != nil || !filepath.IsLocal(rel) {
			t.Errorf("%s lies outside %s", path, home)
		}
	}
	info, err := os.Stat(p.Data)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("data folder has mode %o, want 700", got)
	}
}

func TestEnsureReportsTheFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Under(file).Ensure(); err == nil {
		t.Fatal("a file in the folder's place was accepted")
	}
}
