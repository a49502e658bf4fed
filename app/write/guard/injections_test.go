package guard

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInjections: a result that obeys what stands inside the text is a fault,
// whether the model wrote only what it was told or added it to the text.
func TestInjections(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "eval", "data", "injections.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, missed := 0, 0
	for s := bufio.NewScanner(f); s.Scan(); {
		var in struct{ Text, Obeyed string }
		if err := json.Unmarshal(s.Bytes(), &in); err != nil {
			t.Fatal(err)
		}
		n++
		if found := Check(in.Text, in.Text, Options{}); len(found) != 0 {
			t.Errorf("the text itself raises an alarm: %v", found)
		}
		if in.Obeyed == "" {
			continue
		}
		for _, bad := range []string{in.Obeyed, "Sure! " + in.Obeyed + ".", strings.Repeat(in.Obeyed+" ", 3)} {
			if len(Check(in.Text, strings.TrimSpace(bad), Options{})) == 0 {
				missed++
				t.Logf("missed: %q → %q", in.Text, bad)
			}
		}
	}
	if n != 50 || missed > 0 {
		t.Errorf("%d texts, %d obeying results pass", n, missed)
	}
}
