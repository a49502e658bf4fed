package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/adrg/xdg"
)

func TestAutostart(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the autostart folder is freedesktop's")
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	xdg.Reload()
	file := filepath.Join(xdg.ConfigHome, "autostart", "org.qwill.Qwill.desktop")
	run := func(args ...string) (string, int) {
		t.Helper()
		var out strings.Builder
		code := Run(t.Context(), Config{In: strings.NewReader(""), Out: &out, Err: &strings.Builder{}}, append([]string{"autostart"}, args...))
		return strings.TrimSpace(out.String()), code
	}
	for _, step := range []struct {
		arg, want string
		there     bool
	}{{"", "off", false}, {"on", "on", true}, {"", "on", true}, {"on", "on", true}, {"off", "off", false}, {"off", "off", false}} {
		var args []string
		if step.arg != "" {
			args = []string{step.arg}
		}
		if out, code := run(args...); out != step.want || code != exitOK {
			t.Errorf("%q: %q, exit code %d", step.arg, out, code)
		}
		text, err := os.ReadFile(file)
		if (err == nil) != step.there || step.there && !strings.Contains(string(text), ` --background`) {
			t.Errorf("after %q: %q, %v", step.arg, text, err)
		}
	}
	if _, code := run("perhaps"); code != exitUsage {
		t.Errorf("a wrong word: exit code %d", code)
	}
	if got, want := quoteExec(`/a b/$"\100%`), `"/a b/\\$\\"\\\\100%%"`; got != want {
		t.Errorf("quoted %s, want %s", got, want)
	}
}
