package gguf

import (
	"context"
	"os"
	"path/filepath"
	"slices"
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
		t.Fatal("the starter model was not fetched: run make setup")
	}
	return found[0]
}

func TestConvertStarter(t *testing.T) {
	source := starter(t)
	target := filepath.Join(t.TempDir(), "starter")
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
	stride := int64(7) // of the rows compared; all of them in a long run
	if os.Getenv("QWILL_SOAK") != "" {
		stride = 1
	}
	equal(t, source, target, stride)

	tok, err := tokenizer.Load(target)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range starterTokens {
		if got := tok.Encode(text, true); !slices.Equal(got, want) {
			t.Errorf("%q is encoded as %v, the reference has %v", text, got, want)
		}
	}
}

// starterTokens were made by the tokenizers package (0.23.3) from the
// tokenizer.json that the conversion writes; its ids equal llama.cpp's.
var starterTokens = map[string][]int{
	"The capital of France is Paris.":     {504, 3575, 282, 4649, 314, 7042, 30},
	"In 2024, 1234567 items cost $12.50!": {788, 216, 34, 32, 34, 36, 28, 216, 33, 34, 35, 36, 37, 38, 39, 3723, 1708, 1885, 33, 34, 30, 37, 32, 17},
	"Größe 你好世界 🙂\u200d↔️ e\u0301":        {27302, 7466, 34878, 85, 216, 18645, 250, 48392, 138, 7906, 240, 178, 239, 230, 47526, 321, 231, 23227, 238, 31752, 297, 151, 219},
	"  two  spaces\r\n\ttab\n\n":          {216, 827, 216, 5600, 2738, 197, 15999, 1116},
	"def f(x):\n    return x**2":          {1604, 275, 24, 104, 727, 472, 1003, 1792, 828, 34},
	"<|im_start|>user\nhi<|im_end|>":      {1, 4093, 198, 6004, 2},
}
