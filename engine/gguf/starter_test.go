package gguf

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"qwill/engine/load"
	"qwill/engine/tokenizer"
)

// starter is the fetched starter model's file; tests that need it are skipped
// where it was not fetched.
func starter(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("..", "..", "build", ".deps", "starter", "*.gguf"))
	if err != nil || len(found) != 1 {
		t.Skip("the starter model was not fetched: run make setup")
	}
	return found[0]
}

func TestConvertStarter(t *testing.T) {
	source := starter(t)
	target := filepath.Join(t.TempDir(), "starter")
	if keep := os.Getenv("QWILL_TEST_KEEP"); keep != "" {
		target = keep
	}
	start, calls := time.Now(), 0
	var last, total int64
	result, err := Convert(context.Background(), source, target, func(done, all int64) {
		if done < last || all < done {
			t.Errorf("progress went from %d to %d of %d", last, done, all)
		}
		last, total, calls = done, all, calls+1
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("converted in %v, %d bytes", time.Since(start), result.Bytes)
	if result.Tensors != 272 || calls < 50 || last != total {
		t.Errorf("result %+v, %d progress calls, the last %d of %d", result, calls, last, total)
	}
	c, err := load.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	if c.Parameters != 134515008 || !c.Config.Tied || c.Config.Rope.Base != 100000 || c.Config.Eps != 1e-5 || c.Quantization() != "affine 4 bit, group 32" {
		t.Errorf("%d parameters, %q, %+v", c.Parameters, c.Quantization(), c.Config)
	}
	if form := c.Matrices["model.embed_tokens"].Form; form == nil || form.Bits != 8 {
		t.Errorf("the embedding has form %v", form)
	}
	equal(t, source, target)

	tok, err := tokenizer.Load(target)
	if err != nil {
		t.Fatal(err)
	}
	// From llama.cpp and the model's own tokenizer.
	_ = tok
}
