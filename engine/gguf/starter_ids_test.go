package gguf

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"qwill/engine/template"
	"qwill/engine/tokenizer"
)

// TestStarterIDsEqualReference encodes the tokenizer's golden strings with the
// tokenizer that is rebuilt from the starter's GGUF file.
func TestStarterIDsEqualReference(t *testing.T) {
	found, _ := filepath.Glob("../../build/.deps/starter/*.gguf")
	if len(found) != 1 {
		t.Fatal("the starter model was not fetched: run build/setup.sh")
	}
	src, err := os.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	st, err := src.Stat()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := newPlan(src, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		data, err := json.Marshal(plan.json[name])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if tmpl, err := template.Load(dir, tok); err != nil || tmpl.CanThink {
		t.Errorf("the starter's template: %+v, %v", tmpl, err)
	}

	f, err := os.Open("../tokenizer/testdata/golden.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	n, bad := 0, 0
	for lines.Scan() {
		var row struct {
			Text string `json:"t"`
			IDs  []int  `json:"s"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		n++
		if got := tok.Encode(row.Text, true); !slices.Equal(got, row.IDs) {
			if bad++; bad <= 5 {
				t.Errorf("%q:\n got %v\nwant %v", row.Text, got, row.IDs)
			}
		}
	}
	if err := lines.Err(); err != nil || n < 10_000 || bad > 0 {
		t.Errorf("%d of %d strings differ (%v)", bad, n, err)
	}
}
