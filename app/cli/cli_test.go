package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qwill/app/diag"
	"qwill/app/errs"
	"qwill/app/filelock"
	"qwill/app/paths"
)

// run runs a command line below a folder of its own, without an engine unless
// the test sets one.
func run(t *testing.T, in string, args ...string) (code int, out, errOut string) {
	t.Helper()
	if os.Getenv(paths.HomeVariable) == "" {
		t.Setenv(paths.HomeVariable, t.TempDir())
	}
	if os.Getenv("QWILL_ENGINE") == "" {
		t.Setenv("QWILL_ENGINE", filepath.Join(t.TempDir(), "no-engine"))
	}
	var o, e bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	code = Run(ctx, Config{In: strings.NewReader(in), Out: &o, Err: &e}, args)
	return code, o.String(), e.String()
}

func TestWrongUse(t *testing.T) {
	for line, want := range map[string]string{
		"modls":                             "did you mean models",
		"chta x":                            "did you mean chat",
		"zzz":                               `no command "zzz"`,
		"models":                            "cancel|catalogue|export|found|import|jobs|list|pause|pull|resume|rm|show|token|verify",
		"models lst":                        "did you mean list",
		"models import":                     "--from-cache",
		"models import x --from-cache a/b":  "--from-cache",
		"models export x":                   "2 arg",
		"models rm":                         "1 arg",
		"chat a b":                          "at most 1 arg",
		"chat --temp hot x":                 "--temp",
		"chat --nope x":                     "--nope",
		"chat --mode slow x":                "--mode",
		"chat":                              "empty",
		"serve x":                           "x",
		"write":                             "1 arg",
		"write profread":                    "did you mean proofread",
		"write zzz":                         "rewrite, proofread",
		"bench --prompt x":                  "--prompt",
		"serve --addr 127.0.0.1:1 --nope 1": "--nope",
	} {
		code, out, errOut := run(t, "", strings.Fields(line)...)
		if code != exitUsage || out != "" || !strings.Contains(errOut, want) {
			t.Errorf("qwill %s: exit %d, stdout %q, stderr %q", line, code, out, errOut)
		}
	}
}

func TestFailures(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	t.Setenv("QWILL_STARTER", filepath.Join(t.TempDir(), "none"))
	for _, c := range []struct {
		line []string
		want []string // in the message
	}{
		{[]string{"chat", "-m", "nope", "x"}, []string{"nope", "models list"}},
		{[]string{"chat", "-m", "./nope", "x"}, []string{"nope", "no such folder"}},
		{[]string{"chat", "x"}, []string{"starter", "QWILL_STARTER"}},
		{[]string{"chat", "--temp", "3", "x"}, []string{"temperature", "up to 2"}},
		{[]string{"chat", "--top-p", "0", "x"}, []string{"top_p"}},
		{[]string{"chat", "--max-tokens", "0", "x"}, []string{"max_tokens"}},
		{[]string{"models", "rm", "nope"}, []string{"nope"}},
		{[]string{"models", "import", "/nope", "--name", "n"}, []string{"/nope", "check the path"}},
		{[]string{"models", "import", "/", "--name", "../n"}, []string{"name", "letters"}},
		{[]string{"serve", "--addr", addr}, []string{"in use", "another port"}},
		{[]string{"ui", "--addr", addr}, []string{"in use", "another port"}},
		{[]string{"ui", "--addr", "0.0.0.0:0"}, []string{"0.0.0.0", "127.0.0.1"}},
		{[]string{"write", "rewrite"}, []string{"text"}},
		{[]string{"bench", "-m", "nope"}, []string{"nope"}},
	} {
		code, out, errOut := run(t, "", c.line...)
		if code != exitFailure || out != "" {
			t.Errorf("%v: exit %d, stdout %q", c.line, code, out)
		}
		for _, w := range c.want {
			if !strings.Contains(errOut, w) {
				t.Errorf("%v: %q lacks %q", c.line, errOut, w)
			}
		}
	}
	code, out, errOut := run(t, "", "bench", "-m", oneModel(t))
	if code != exitFailure || out != "" || strings.Count(errOut, "missing or not executable") != 1 ||
		!strings.Contains(errOut, "where: "+os.Getenv("QWILL_ENGINE")) || strings.Contains(errOut, "level=") {
		t.Errorf("without an engine: exit %d, %s", code, errOut)
	}
	code, _, errOut = run(t, "", "chat", "-m", "nope", "x", "--json")
	var got struct{ Error *errs.Error }
	if err := json.Unmarshal([]byte(errOut), &got); err != nil || got.Error.Code != errs.ModelUnknown || code != exitFailure {
		t.Errorf("exit %d, %s", code, errOut)
	}
}

// oneModel makes a folder that looks like a model until it is loaded.
func oneModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"config.json": `{"model_type":"llama"}`, "model.safetensors": "123", "tokenizer.json": "{}"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestModelsLinked(t *testing.T) {
	t.Setenv("QWILL_STARTER", filepath.Join(t.TempDir(), "none"))
	t.Setenv(paths.HomeVariable, t.TempDir())
	dir := oneModel(t)
	if code, out, errOut := run(t, "", "models", "import", dir, "--name", "mine", "--json"); code != 0 || !strings.Contains(out, `"name":"mine"`) {
		t.Fatalf("exit %d, %s %s", code, out, errOut)
	}
	code, out, _ := run(t, "", "models", "list")
	if code != 0 || !strings.Contains(out, "mine") || !strings.Contains(out, "llama") {
		t.Errorf("exit %d, %s", code, out)
	}
	usb := t.TempDir()
	if code, out, errOut := run(t, "", "models", "export", "mine", usb); code != 0 || !strings.Contains(out, filepath.Join(usb, "mine")) {
		t.Errorf("exit %d, %s %s", code, out, errOut)
	}
	// The disk stands for what lies on it.
	if code, out, errOut := run(t, "", "models", "import", usb, "--name", "again", "--json"); code != 0 || !strings.Contains(out, `"placement":"copy"`) {
		t.Errorf("exit %d, %s %s", code, out, errOut)
	}
	if code, out, _ := run(t, "", "models", "show", "again"); code != 0 || !strings.Contains(out, "copied") {
		t.Errorf("exit %d, %s", code, out)
	}
	if code, _, errOut := run(t, "", "models", "rm", "again"); code != 0 {
		t.Errorf("exit %d, %s", code, errOut)
	}
	if code, out, _ := run(t, "", "models", "rm", "mine"); code != 0 || out != "" {
		t.Errorf("exit %d, %q", code, out)
	}
	if code, out, _ = run(t, "", "models", "list", "--json"); code != 0 || strings.TrimSpace(out) != "[]" {
		t.Errorf("exit %d, %s", code, out)
	}
}

func TestDoctorNamesWhatIsMissing(t *testing.T) {
	code, out, _ := run(t, "", "doctor", "--json")
	var d diag.Report
	if err := json.Unmarshal([]byte(out), &d); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	states := map[string]diag.Check{}
	for _, c := range d.Checks {
		states[c.Name] = c
	}
	if e := states["engine"]; code != exitFailure || e.State != "problem" || e.Hint == "" || !strings.Contains(e.Detail, "no-engine") {
		t.Errorf("exit %d, engine %+v", code, e)
	}
	for _, name := range []string{"version", "data", "models", "database", "instance"} {
		if states[name].State != "ok" {
			t.Errorf("%s: %+v", name, states[name])
		}
	}
}

func TestDamagedDatabaseIsTold(t *testing.T) {
	home := t.TempDir()
	t.Setenv(paths.HomeVariable, home)
	p := paths.Under(home)
	if err := p.Ensure(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.Database(), []byte("this is no database, and long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errOut := run(t, "", "models", "list")
	if code != 0 || !strings.Contains(errOut, "set aside") || !strings.Contains(errOut, p.Backups()) {
		t.Errorf("exit %d, %s", code, errOut)
	}
}

func TestOneInterfaceAtATime(t *testing.T) {
	home := t.TempDir()
	t.Setenv(paths.HomeVariable, home)
	p := paths.Under(home)
	if err := p.Ensure(); err != nil {
		t.Fatal(err)
	}
	lock, err := filelock.Try(p.Instance())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if code, out, errOut := run(t, "", "ui"); code != exitFailure || out != "" || !strings.Contains(errOut, "open already") {
		t.Errorf("exit %d, %s %s", code, out, errOut)
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	code, out, _ := run(t, "", "help")
	if code != 0 {
		t.Errorf("exit %d", code)
	}
	for _, name := range []string{"chat", "write", "models", "serve", "bench", "doctor", "ui", "130"} {
		if !strings.Contains(out, name) {
			t.Errorf("%q is missing", name)
		}
	}
}
