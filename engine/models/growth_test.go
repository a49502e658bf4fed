package models_test

import (
	"path/filepath"
	"testing"

	"qwill/engine/mlx"
	"qwill/engine/models"
)

// TestCacheGrows reads past the cache's steps of growth in one pass, in pieces
// and token by token, rewinds over a step, and compares. Nothing may depend on
// how the buffers came to be.
func TestCacheGrows(t *testing.T) {
	ids := make([]int, 600)
	for i := range ids {
		ids[i] = 3 + i*i*7%150
	}
	for _, name := range []string{"qwen3-4bit-g64", "llama-f32"} {
		t.Run(name, func(t *testing.T) {
			withModel(t, filepath.Join(golden, name), mlx.Exact, func(th *mlx.Thread, m *models.Model) {
				whole := m.NewCache()
				defer whole.Close()
				want := logprobs(th, m, whole, ids, len(ids))

				c := m.NewCache()
				defer c.Close()
				for _, part := range []struct{ from, to, chunk int }{{0, 250, 100}, {250, 260, 1}, {260, 511, 64}, {511, 514, 1}} {
					check(t, "over a step", logprobs(th, m, c, ids[part.from:part.to], part.chunk), want[part.from:part.to], tolerance)
				}
				if c.Len() != 514 || c.Bytes() == 0 || c.Bytes() > whole.Bytes() {
					t.Errorf("%d tokens in %d bytes, the whole takes %d", c.Len(), c.Bytes(), whole.Bytes())
				}
				if err := c.Truncate(255); err != nil {
					t.Fatal(err)
				}
				check(t, "after a rewind", logprobs(th, m, c, ids[255:], 200), want[255:], tolerance)
				if c.Truncate(601) == nil || c.Truncate(-1) == nil {
					t.Error("truncated to what is not there")
				}
				if _, err := c.Fork(601); err == nil {
					t.Error("copied what is not there")
				}
			})
		})
	}
}
