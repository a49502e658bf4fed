// Package mlx is the only door to libmlx: arrays, operations, and fused layers
// over x86 kernels, from plain Go.
//
// # Thread
//
// MLX's streams belong to the OS thread that made them. [Start] makes a
// [Thread], one goroutine locked to one OS thread; everything else in this
// package is called inside [Thread.Do]. A call from anywhere else fails with an
// [Error], it does not corrupt anything.
//
// # Errors
//
// Model code reads like arithmetic, so operations return arrays, not errors: a
// failure (shapes that do not fit, a wrong type, an exception while evaluating)
// panics with an [*Error] naming the operation. [Thread.Do] and [Try] recover
// it and return it as an ordinary error. Nothing else is recovered by Try; Do
// also turns any other panic into a [*PanicError], so that the thread lives on.
//
// # Lifetime
//
// There are no finalizers: the garbage collector does not see MLX's memory. An
// operation's result belongs to the current [Scope] and is freed when that
// scope closes:
//
//	s := t.Enter()
//	defer s.Close()
//	y := mlx.Add(a, b)
//	s.Keep(y) // now it belongs to the scope outside
//
// Weights and caches live in scopes made by [Thread.NewScope], which are closed
// by their owner. [Array.Replace] swaps the array behind a handle in place.
// [Thread.Live] counts open handles, so that tests can assert none leaked.
//
// # Layout of the fused layers
//
// One sequence, token-major: activations are [L, hidden] float32, queries
// [L, H*D], cache buffers [KVH, capacity, D]. See fused.go.
package mlx
