// Package models turns a checked checkpoint into a network. Each architecture is
// a package of its own that says which weights go where; this one finds it by
// config.json's model_type and reads the weights.
package models

import (
	"fmt"
	"os"

	"qwill/engine/kv"
	"qwill/engine/load"
	"qwill/engine/mlx"
	"qwill/engine/models/llama"
	"qwill/engine/models/qwen3"
	"qwill/engine/nn"
)

// Network computes an architecture. It is used on the MLX thread.
type Network interface {
	NewCache() *kv.Cache
	// Forward reads ids [L] after what c holds, appends to c, and gives the hidden
	// states [L, hidden].
	Forward(ids mlx.Array, c *kv.Cache) mlx.Array
	// ForwardBatch reads one token of each of several sequences, ids [B], and gives
	// the hidden states [B, hidden].
	ForwardBatch(ids mlx.Array, cs []*kv.Cache) mlx.Array
	// Pack reads whole sequences of the lengths given, which ids [sum] holds one
	// after another, and gives their hidden states [sum, hidden]; nothing is kept.
	Pack(ids mlx.Array, lengths []int) mlx.Array
	// Logits are float32 [L, vocabulary] of hidden states [L, hidden].
	Logits(hidden mlx.Array) mlx.Array
}

// architectures by config.json's model_type. To add one, write its package and
// a line here, and tell engine/load which modules it has.
var architectures = map[string]func(w nn.Source, c *load.Config) *nn.Decoder{
	"llama": llama.New,
	"qwen3": qwen3.New,
}

// Model is a network with its weights in memory.
type Model struct {
	Network
	scope *mlx.Scope
}

// Load reads the weights of c; progress, which may be nil, is told the bytes
// read. It is called on the MLX thread. Faults of the files are *proto.Error.
func Load(t *mlx.Thread, c *load.Checkpoint, mode mlx.Mode, progress func(done, total int64)) (*Model, error) {
	build, ok := architectures[c.Config.ModelType]
	if !ok {
		return nil, fmt.Errorf("load %s: no architecture %q", c.Dir, c.Config.ModelType)
	}
	r := &reader{thread: t, scope: t.NewScope(), c: c, files: make([]*os.File, len(c.Files)), progress: progress}
	defer r.close()
	var d *nn.Decoder
	err := mlx.Try(func() {
		s := t.Enter()
		defer s.Close()
		d = build(r, &c.Config)
		d.Thread, d.Mode = t, mode
		d.InvFreq = t.FromFloat32(c.Config.InvFreq())
		r.scope.Adopt(d.InvFreq)
	})
	if r.err != nil {
		err = r.err // what failed after it is its consequence
	}
	if err != nil {
		r.scope.Close()
		return nil, fmt.Errorf("load %s: %w", c.Dir, err)
	}
	return &Model{Network: d, scope: r.scope}, nil
}

// Close frees the weights; the caches are their users'.
func (m *Model) Close() { m.scope.Close() }
