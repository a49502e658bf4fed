package guard

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// example is a text with faithful rewrites of it.
type example struct {
	original string
	rewrites []string
}

// examples reads app/eval/data/faithful-*.txt: blocks parted by ----, in each the
// original and its rewrites parted by ====.
func examples(t *testing.T, pattern string) []example {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "eval", "data", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	var all []example
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n----\n") {
			parts := strings.Split(block, "\n====\n")
			if len(parts) < 2 {
				t.Fatalf("%s: a text without rewrites: %q", file, block)
			}
			all = append(all, example{parts[0], parts[1:]})
		}
	}
	return all
}

// TestFaithful: faithful-a was there while the checks were written, faithful-b
// was written by somebody who had not seen them. Its first run raised 31 %
// false alarms; what they had in common was mended since, so that neither is a
// measure of unseen texts any more.
func TestFaithful(t *testing.T) {
	all, alarmed := 0, 0
	for _, pattern := range []string{"faithful-a.txt", "faithful-b.txt"} {
		total, alarms := falseAlarms(t, pattern)
		all, alarmed = all+total, alarmed+alarms
	}
	if all < 300 || float64(alarmed) > 0.03*float64(all) {
		t.Errorf("%d false alarms on %d faithful rewrites", alarmed, all)
	}
}

// TestUnseen: nothing was ever changed for unseen-c, so that it stays a measure
// of texts that the checks were not written for. Its first run: 7 of 100.
func TestUnseen(t *testing.T) {
	if total, alarms := falseAlarms(t, "unseen-c.txt"); total != 100 || alarms > 7 {
		t.Errorf("%d false alarms on %d faithful rewrites that were never tuned for", alarms, total)
	}
}

// falseAlarms checks all rewrites of a file.
func falseAlarms(t *testing.T, file string) (total, alarms int) {
	t.Helper()
	for _, e := range examples(t, file) {
		for _, r := range e.rewrites {
			total++
			if found := Check(e.original, r, Options{}); len(found) > 0 {
				alarms++
				t.Logf("%q\n      → %q\n      %v", e.original, r, found)
			}
		}
	}
	t.Logf("%s: %d of %d faithful rewrites raise an alarm (%.1f %%)", file, alarms, total, 100*float64(alarms)/float64(total))
	return total, alarms
}
