package gguf

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestKilledConversion kills a conversion of the starter half-way, in a child
// process: no target is there afterwards, and a second try succeeds.
func TestKilledConversion(t *testing.T) {
	source := starter(t)
	if dir := os.Getenv("QWILL_TEST_CONVERT"); dir != "" {
		half := false
		_, err := Convert(context.Background(), source, dir, func(done, total int64) {
			if !half && done > total/2 {
				half = true
				fmt.Println("half")
				time.Sleep(time.Minute) // the parent kills this process
			}
		})
		t.Fatalf("the conversion was not killed: %v", err)
	}
	dir := t.TempDir()
	target := filepath.Join(dir, "model")
	child := exec.Command(os.Args[0], "-test.run=^TestKilledConversion$")
	child.Env = append(os.Environ(), "QWILL_TEST_CONVERT="+target)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if kill := child.Process.Kill(); kill != nil || child.Wait() == nil || err != nil || line != "half\n" {
		t.Fatalf("the child said %q, %v; killing it: %v", line, err, kill)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || !strings.HasPrefix(left[0].Name(), ".model.partial-") {
		t.Fatalf("left behind: %v, %v", left, err)
	}
	if _, err := Convert(context.Background(), source, target, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, source, target, 101)
}
