package models_test

import (
	"math"
	"os"
	"testing"

	"qwill/engine/mlx"
	"qwill/engine/mlx/mlxtest"
	"qwill/engine/models"
)

// mayMove is how far the fast mode may move the perplexity: it is the default
// only below this.
const mayMove = 0.005

// TestPerplexity reads a text by a human author with the starter, in exact and in
// fast mode, by the kernels of prefill and, for its first part, by those of
// decode.
func TestPerplexity(t *testing.T) {
	text, err := os.ReadFile("../testdata/perplexity.txt")
	if err != nil {
		t.Fatal(err)
	}
	c, tok := openStarter(t)
	ids := tok.Encode(string(text), false)
	if len(ids) < 700 {
		t.Fatalf("only %d tokens", len(ids))
	}
	const part = 64
	measure := func(mode mlx.Mode, ids []int, chunk int) (perplexity float64) {
		mlxtest.Run(t, func(th *mlx.Thread) {
			m, err := models.Load(th, c, mode, nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer m.Close()
			cache := m.NewCache()
			defer cache.Close()
			sum := 0.0
			for i, row := range logprobs(th, m, cache, ids[:len(ids)-1], chunk) {
				sum -= float64(row[ids[i+1]])
			}
			perplexity = math.Exp(sum / float64(len(ids)-1))
		})
		return perplexity
	}
	for _, x := range []struct {
		what  string
		ids   []int
		chunk int
	}{{"prefill", ids, 256}, {"decode", ids[:part], 1}} {
		exact, fast := measure(mlx.Exact, x.ids, x.chunk), measure(mlx.Fast, x.ids, x.chunk)
		moved := fast/exact - 1
		t.Logf("%s of %d tokens: perplexity %.4f exact, %.4f fast (%+.3f %%)", x.what, len(x.ids), exact, fast, 100*moved)
		// A sound model reads such a text at 5 to 60; NaN fails here too.
		if !(exact > 3 && exact < 60) {
			t.Errorf("%s: the perplexity is %g", x.what, exact)
		}
		if !(math.Abs(moved) < mayMove) {
			t.Errorf("%s: the fast mode moves the perplexity by %+.2f %%, allowed is %.1f %%", x.what, 100*moved, 100*mayMove)
		}
	}
}
