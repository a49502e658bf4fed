package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qwill/app/models"
	"qwill/app/paths"
)

func TestQuantizeOnTheCommandLine(t *testing.T) {
	dir := home(t)
	from := filepath.Join(t.TempDir(), "Tiny")
	if err := os.CopyFS(from, os.DirFS("../../engine/testdata/golden/qwen3-bf16")); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(from, "expected.safetensors"))
	if err := os.WriteFile(filepath.Join(from, "tokenizer.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errOut := output(t, program(t, dir, "quantize", from, "--name", "tiny8", "--bits", "8", "--group-size", "32", "--json"))
	var made models.Model
	if err := json.Unmarshal([]byte(out), &made); code != 0 || err != nil {
		t.Fatalf("%d %s %s", code, out, errOut)
	}
	if made.Name != "tiny8" || made.Quantization != "8 bit, group 32" || filepath.Dir(made.Path) != paths.Under(dir).Models {
		t.Errorf("made %+v", made)
	}
	if _, out, _ = output(t, program(t, dir, "models", "list", "--json")); !strings.Contains(out, `"name":"tiny8"`) {
		t.Errorf("listed: %s", out)
	}
	for what, c := range map[string]struct{ model, name, bits, want string }{
		"the name is taken":    {from, "tiny8", "4", "installed already"},
		"quantized already":    {"tiny8", "again", "4", "quantized already"},
		"no such form":         {from, "seven", "7", "7"},
		"no such model":        {"nothing", "none", "4", "no model"},
		"a folder that is not": {filepath.Join(from, "none"), "none", "4", "no such folder"},
	} {
		code, _, errOut := output(t, program(t, dir, "quantize", c.model, "--name", c.name, "--bits", c.bits))
		if code == 0 || !strings.Contains(errOut, c.want) {
			t.Errorf("%s: %d %s", what, code, errOut)
		}
	}
	entries, err := os.ReadDir(paths.Under(dir).Models)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "partial") || e.Name() == "again" || e.Name() == "seven" {
			t.Errorf("left behind: %s", e.Name())
		}
	}
}
