package kv

import (
	"fmt"

	"qwill/engine/mlx"
)

// Fork copies the first n tokens into a cache of their own, for a sequence that
// goes on differently while c stays.
func (c *Cache) Fork(n int) (*Cache, error) {
	if n < 0 || n > c.length {
		return nil, fmt.Errorf("fork %d tokens of the KV cache: it holds %d", n, c.length)
	}
	f := New(c.thread, c.dtype, len(c.layers), c.heads, c.dim)
	if n == 0 {
		return f, nil
	}
	s := c.thread.Enter()
	defer s.Close()
	// At least one token of padding, so that joining copies: appends write into the
	// buffers themselves, which must not be shared.
	pad := c.thread.Zeros(c.dtype, c.heads, step-n%step, c.dim)
	first := func(a mlx.Array) mlx.Array {
		return mlx.Concatenate([]mlx.Array{mlx.Slice(a, []int{0, 0, 0}, []int{c.heads, n, c.dim}), pad}, 1)
	}
	for i, l := range c.layers {
		f.layers[i] = mlx.KV{K: first(l.K), V: first(l.V)}
		f.scope.Adopt(f.layers[i].K, f.layers[i].V)
	}
	f.length = n
	// Now, before c's buffers are written to again.
	if err := mlx.Try(func() { mlx.Eval(f.Arrays()...) }); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
