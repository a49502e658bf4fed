// Package kv holds the keys and values of one sequence: for every layer a pair
// of buffers [kv heads, capacity, head dim] that grow by steps. Rewinding is
// free, because what lies beyond the length is overwritten by the next tokens.
package kv

import (
	"fmt"

	"qwill/engine/mlx"
)

// step is the granularity of growth in tokens: large enough that copies are
// rare, small enough that a short chat stays small.
const step = 256

// Cache is used on the MLX thread only.
type Cache struct {
	thread *mlx.Thread
	scope  *mlx.Scope // owns the buffers
	layers []mlx.KV
	length int
	heads  int
	dim    int
	dtype  mlx.Dtype
}

// New makes an empty cache: layers layers of heads key-value heads of dim
// elements each.
func New(t *mlx.Thread, dtype mlx.Dtype, layers, heads, dim int) *Cache {
	return &Cache{thread: t, scope: t.NewScope(), layers: make([]mlx.KV, layers), heads: heads, dim: dim, dtype: dtype}
}

// Len is the number of tokens held, the same in every layer.
func (c *Cache) Len() int { return c.length }

// Layer is layer i's pair of buffers.
func (c *Cache) Layer(i int) mlx.KV { return c.layers[i] }

// Reserve makes room for n more tokens after those held.
func (c *Cache) Reserve(n int) {
	need := c.length + n
	if len(c.layers) == 0 || (c.layers[0].K.OK() && c.layers[0].Capacity() >= need) {
		return
	}
	capacity := (need + step - 1) / step * step
	for i := range c.layers {
		if c.layers[i].K.OK() {
			c.layers[i].Grow(capacity)
			continue
		}
		c.layers[i] = c.thread.NewKV(c.dtype, c.heads, capacity, c.dim)
		c.scope.Adopt(c.layers[i].K, c.layers[i].V)
	}
}

// Advance counts n tokens whose keys and values were appended to every layer.
func (c *Cache) Advance(n int) { c.length += n }

// Truncate forgets all but the first n tokens.
func (c *Cache) Truncate(n int) error {
	if n < 0 || n > c.length {
		return fmt.Errorf("truncate the KV cache to %d tokens: it holds %d", n, c.length)
	}
	c.length = n
	return nil
}

// Arrays are the buffers, to be evaluated.
func (c *Cache) Arrays() []mlx.Array {
	all := make([]mlx.Array, 0, 2*len(c.layers))
	for _, l := range c.layers {
		if l.K.OK() {
			all = append(all, l.K, l.V)
		}
	}
	return all
}

// Bytes is the memory of the buffers.
func (c *Cache) Bytes() int64 {
	var n int64
	for _, a := range c.Arrays() {
		n += a.Bytes()
	}
	return n
}

// Close frees the buffers.
func (c *Cache) Close() {
	c.scope.Close()
	c.layers, c.length = nil, 0
}
