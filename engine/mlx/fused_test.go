package mlx_test

import (
	"fmt"
	"math"
	"testing"

	"qwill/engine/mlx"
	"qwill/engine/mlx/mlxtest"
)

// tolerance of the fused layers against MLX's own float32 operations.
const tolerance = 2e-5

func TestLinearsAgreeWithMLX(t *testing.T) {
	for _, bits := range []int{4, 8} {
		for _, group := range []int{32, 64, 128} {
			for _, scales := range []mlx.Dtype{mlx.Float32, mlx.Float16, mlx.BFloat16} {
				t.Run(fmt.Sprintf("%dbit/g%d/%v", bits, group, scales), func(t *testing.T) {
					mlxtest.Run(t, func(th *mlx.Thread) {
						const K = 256
						quantized := func(seed uint64, n int) mlx.Weight {
							w := mlx.Quantize(mlxtest.Random(th, seed, n, K), group, bits)
							w.Scales, w.Biases = mlx.AsType(w.Scales, scales), mlx.AsType(w.Biases, scales)
							return w
						}
						a, b := quantized(1, 48), quantized(2, 130)
						for _, m := range []int{1, 3, 37} {
							x := mlxtest.Random(th, 3, m, K)
							for _, mode := range []mlx.Mode{mlx.Exact, mlx.Fast} {
								limit := tolerance
								if mode == mlx.Fast {
									limit = 2e-2
								}
								ys := mlx.Linears(x, mode, a, b)
								for i, w := range []mlx.Weight{a, b} {
									// Dequantized in float32 and multiplied: MLX's
									// own kernel accumulates in the scales' type.
									w.Scales, w.Biases = mlx.AsType(w.Scales, mlx.Float32), mlx.AsType(w.Biases, mlx.Float32)
									want := mlx.MatMul(x, mlx.Transpose(mlx.Dequantize(w, mlx.Float32)))
									mlxtest.Near(t, fmt.Sprintf("M=%d %v weight %d", m, mode, i), ys[i].Float32s(), want.Float32s(), limit)
								}
							}
						}
					})
				})
			}
		}
	}
}

func TestDenseLinear(t *testing.T) {
	for _, d := range []mlx.Dtype{mlx.Float32, mlx.Float16, mlx.BFloat16} {
		mlxtest.Run(t, func(th *mlx.Thread) {
			w := mlx.AsType(mlxtest.Random(th, 1, 33, 96), d)
			bias := mlxtest.Random(th, 2, 33)
			for _, m := range []int{1, 9} {
				x := mlxtest.Random(th, 3, m, 96)
				want := mlx.Add(mlx.MatMul(x, mlx.Transpose(mlx.AsType(w, mlx.Float32))), bias)
				got := mlx.Linear(x, mlx.Weight{W: w}, bias, mlx.Fast)
				mlxtest.Near(t, d.String(), got.Float32s(), want.Float32s(), tolerance)
			}
		})
	}
}

func TestMLP(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		gate := mlx.Quantize(mlxtest.Random(th, 1, 192, 64), 32, 4)
		up := mlx.Quantize(mlxtest.Random(th, 2, 192, 64), 64, 8)
		down := mlx.Weight{W: mlxtest.Random(th, 3, 64, 192)}
		for _, m := range []int{1, 5} {
			x := mlxtest.Random(th, 4, m, 64)
			none := mlx.Array{}
			want := mlx.MatMul(
				mlx.Multiply(mlx.SiLU(mlx.QuantizedMatMul(x, gate, true)), mlx.QuantizedMatMul(x, up, true)),
				mlx.Transpose(down.W))
			mlxtest.Near(t, "mlp", mlx.MLP(x, gate, up, down, mlx.Exact).Float32s(), want.Float32s(), tolerance)
			apart := mlx.Linear(mlx.SwiGLU(mlx.Linear(x, gate, none, mlx.Exact), mlx.Linear(x, up, none, mlx.Exact)), down, none, mlx.Exact)
			mlxtest.Near(t, "in parts", apart.Float32s(), want.Float32s(), tolerance)
		}
	})
}

func TestNorms(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		for _, shape := range [][]int{{1, 64}, {7, 576}, {2, 3, 100}} {
			x, r := mlxtest.Random(th, 1, shape...), mlxtest.Random(th, 2, shape...)
			w := mlxtest.Random(th, 3, shape[len(shape)-1])
			mlxtest.Near(t, "norm", mlx.RMSNorm(x, w, 1e-5).Float32s(), mlx.FastRMSNorm(x, w, 1e-5).Float32s(), tolerance)
			sum, norm := mlx.AddRMSNorm(x, r, w, 1e-6)
			want := mlx.Add(x, r)
			mlxtest.Near(t, "sum", sum.Float32s(), want.Float32s(), 0)
			mlxtest.Near(t, "norm of sum", norm.Float32s(), mlx.FastRMSNorm(want, w, 1e-6).Float32s(), tolerance)
		}
		half := mlx.AsType(mlxtest.Random(th, 4, 2, 64), mlx.BFloat16)
		w := mlx.AsType(mlxtest.Random(th, 5, 64), mlx.BFloat16)
		want := mlx.FastRMSNorm(mlx.AsType(half, mlx.Float32), mlx.AsType(w, mlx.Float32), 1e-6)
		mlxtest.Near(t, "bf16 in", mlx.RMSNorm(half, w, 1e-6).Float32s(), want.Float32s(), tolerance)
	})
}

func frequencies(th *mlx.Thread, dim int, base float64) mlx.Array {
	f := make([]float32, dim/2)
	for i := range f {
		f[i] = float32(math.Pow(base, -2*float64(i)/float64(dim)))
	}
	return th.FromFloat32(f)
}

// heads turns [L, H*D] into MLX's [1, H, L, D].
func heads(x mlx.Array, n int) mlx.Array {
	l, d := x.Dim(0), x.Dim(1)/n
	return mlx.Transpose(mlx.Reshape(x, 1, l, n, d), 0, 2, 1, 3)
}

func tokens(x mlx.Array) mlx.Array {
	y := mlx.Transpose(x, 0, 2, 1, 3)
	return mlx.Reshape(y, y.Dim(1), y.Dim(2)*y.Dim(3))
}

func TestNormRopeAgreesWithMLX(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		const dim, base = 32, 1e6
		freq := frequencies(th, dim, base)
		norm := mlxtest.Random(th, 2, dim)
		for _, c := range []struct{ l, h, offset int }{{1, 4, 0}, {1, 4, 77}, {9, 3, 5}, {1, 2, 5000}} {
			x := mlxtest.Random(th, 1, c.l, c.h*dim)
			want := tokens(mlx.FastRoPE(heads(x, c.h), dim, false, base, 1, c.offset, mlx.Array{}))
			got := mlx.NormRope(x, mlx.Array{}, 0, freq, c.h, c.offset)
			// The angle itself is a float32 of up to offset radians.
			limit := tolerance + float64(c.offset)*3e-7
			mlxtest.Near(t, fmt.Sprint("rope ", c), got.Float32s(), want.Float32s(), limit)
			want = tokens(mlx.FastRoPE(mlx.FastRMSNorm(heads(x, c.h), norm, 1e-6), dim, false, base, 1, c.offset, mlx.Array{}))
			got = mlx.NormRope(x, norm, 1e-6, freq, c.h, c.offset)
			mlxtest.Near(t, fmt.Sprint("norm and rope ", c), got.Float32s(), want.Float32s(), limit)
		}
	})
}

func TestAttentionAgreesWithMLX(t *testing.T) {
	for _, d := range []mlx.Dtype{mlx.Float32, mlx.Float16, mlx.BFloat16} {
		for _, dim := range []int{16, 64, 128} {
			mlxtest.Run(t, func(th *mlx.Thread) {
				const h, kvh, capacity = 6, 2, 40
				scale := float32(1 / math.Sqrt(float64(dim)))
				kv := th.NewKV(d, kvh, capacity, dim)
				offset := 0
				var ks, vs []mlx.Array
				for _, l := range []int{11, 1, 1, 6, 1} {
					q := mlxtest.Random(th, uint64(offset+1), l, h*dim)
					k := mlxtest.Random(th, uint64(offset+100), l, kvh*dim)
					v := mlxtest.Random(th, uint64(offset+200), l, kvh*dim)
					// What the cache's type makes of them.
					ks = append(ks, mlx.AsType(mlx.AsType(k, d), mlx.Float32))
					vs = append(vs, mlx.AsType(mlx.AsType(v, d), mlx.Float32))
					kv.Append(k, v, offset)
					got := mlx.Attention(q, kv, offset, scale)
					want := tokens(mlx.FastAttention(heads(q, h), heads(mlx.Concatenate(ks, 0), kvh), heads(mlx.Concatenate(vs, 0), kvh), scale, l > 1, mlx.Array{}))
					mlxtest.Near(t, fmt.Sprintf("%v D=%d at %d", d, dim, offset), got.Float32s(), want.Float32s(), tolerance)
					offset += l
				}
			})
		}
	}
}

func TestAttentionBlockEqualsItsParts(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		const h, kvh, dim, eps = 4, 2, 32, 1e-6
		freq := frequencies(th, dim, 1e4)
		for _, norms := range []bool{false, true} {
			var qn, kn mlx.Array
			if norms {
				qn, kn = mlxtest.Random(th, 8, dim), mlxtest.Random(th, 9, dim)
			}
			one, parts := th.NewKV(mlx.Float32, kvh, 16, dim), th.NewKV(mlx.Float32, kvh, 16, dim)
			offset := 0
			for _, l := range []int{5, 1, 3} {
				q, k, v := mlxtest.Random(th, 1, l, h*dim), mlxtest.Random(th, 2, l, kvh*dim), mlxtest.Random(th, 3, l, kvh*dim)
				got := mlx.AttentionBlock(q, k, v, one, qn, kn, eps, freq, offset, 0.2)
				parts.Append(mlx.NormRope(k, kn, eps, freq, kvh, offset), v, offset)
				want := mlx.Attention(mlx.NormRope(q, qn, eps, freq, h, offset), parts, offset, 0.2)
				mlxtest.Near(t, "attention", got.Float32s(), want.Float32s(), 1e-6)
				mlxtest.Near(t, "keys", one.K.Float32s(), parts.K.Float32s(), 1e-6)
				mlxtest.Near(t, "values", one.V.Float32s(), parts.V.Float32s(), 0)
				offset += l
			}
		}
	})
}

// One buffer must serve the whole generation: copying it for each token would
// cost more than the attention.
func TestCacheIsUpdatedInPlace(t *testing.T) {
	if mlx.Kernels() == "" {
		t.Skip("x86 kernels only")
	}
	mlxtest.Run(t, func(th *mlx.Thread) {
		const h, kvh, dim, capacity = 4, 2, 32, 4096
		kv := th.NewKV(mlx.Float32, kvh, capacity, dim)
		mlx.Eval(kv.K, kv.V)
		k0, v0 := mlx.BufferID(kv.K), mlx.BufferID(kv.V)
		freq := frequencies(th, dim, 1e4)
		mlx.ResetPeakMemory()
		before := mlx.ActiveMemory()
		var y mlx.Array
		for i := range 20 {
			s := th.Enter()
			q, k := mlxtest.Random(th, uint64(i), 1, h*dim), mlxtest.Random(th, uint64(i), 1, kvh*dim)
			next := mlx.AttentionBlock(q, k, k, kv, mlx.Array{}, mlx.Array{}, 0, freq, i, 1)
			mlx.AsyncEval(next, kv.K, kv.V) // the next step is built while this one runs
			s.Keep(next)
			s.Close()
			y = next
		}
		mlx.Eval(y)
		if k, v := mlx.BufferID(kv.K), mlx.BufferID(kv.V); k != k0 || v != v0 {
			t.Error("the buffers moved")
		}
		if grew := mlx.PeakMemory() - before; grew > kv.K.Bytes() {
			t.Errorf("peak memory grew by %d bytes, a buffer has %d", grew, kv.K.Bytes())
		}
	})
}

func TestCacheGrowsAndRewinds(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		const dim = 16
		kv := th.NewKV(mlx.Float32, 1, 4, dim)
		long := th.NewKV(mlx.Float32, 1, 32, dim)
		x := mlxtest.Random(th, 1, 4, dim)
		kv.Append(x, x, 0)
		kv.Grow(32)
		long.Append(x, x, 0)
		if kv.Capacity() != 32 {
			t.Fatalf("capacity %d", kv.Capacity())
		}
		kv.Grow(8) // never shrinks
		mlxtest.Near(t, "grown", kv.K.Float32s(), long.K.Float32s(), 0)
		// Rewound to 2 and continued, as if never otherwise.
		y := mlxtest.Random(th, 2, 3, dim)
		kv.Append(y, y, 2)
		fresh := th.NewKV(mlx.Float32, 1, 8, dim)
		fresh.Append(mlx.Slice(x, []int{0, 0}, []int{2, dim}), mlx.Slice(x, []int{0, 0}, []int{2, dim}), 0)
		fresh.Append(y, y, 2)
		q := mlxtest.Random(th, 3, 1, dim)
		mlxtest.Near(t, "rewound", mlx.Attention(q, kv, 4, 1).Float32s(), mlx.Attention(q, fresh, 4, 1).Float32s(), 1e-6)
	})
}

func TestEmbedTakesRows(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		const rows, cols = 5000, 256
		w := mlx.Quantize(mlxtest.Random(th, 1, rows, cols), 64, 4)
		mlx.Eval(w.Arrays()...)
		all := mlx.Dequantize(w, mlx.Float32)
		ids := th.FromInts([]int{0, 4999, 17, 17})
		want := mlx.Take(all, ids, 0).Float32s()
		all.Free()
		mlx.ClearCache()
		mlx.ResetPeakMemory()
		before := mlx.ActiveMemory()
		got := mlx.Embed(ids, w).Float32s()
		mlxtest.Near(t, "rows", got, want, 1e-6)
		if grew := mlx.PeakMemory() - before; grew > 64<<10 {
			t.Errorf("embedding 4 rows took %d bytes", grew)
		}
		for _, d := range []mlx.Dtype{mlx.BFloat16, mlx.Float16} {
			half := w
			half.Scales, half.Biases = mlx.AsType(w.Scales, d), mlx.AsType(w.Biases, d)
			got := mlx.Embed(ids, half).Float32s()
			half.Scales, half.Biases = mlx.AsType(half.Scales, mlx.Float32), mlx.AsType(half.Biases, mlx.Float32)
			mlxtest.Near(t, d.String()+" scales", got, mlx.Take(mlx.Dequantize(half, mlx.Float32), ids, 0).Float32s(), 1e-6)
			dense := mlx.Weight{W: mlx.AsType(mlxtest.Random(th, 1, rows, cols), d)}
			mlxtest.Near(t, d.String()+" rows", mlx.Embed(ids, dense).Float32s(), mlx.Take(dense.W, ids, 0).Float32s(), 0)
		}
		eight := mlx.Quantize(mlxtest.Random(th, 2, 20, cols), 128, 8)
		token := mlx.ArgMax(th.FromFloat32([]float32{1, 2, 3, 0}), 0, false) // uint32, as drawn
		mlxtest.Near(t, "8 bits", mlx.Embed(mlx.Reshape(token, 1), eight).Float32s(),
			mlx.Take(mlx.Dequantize(eight, mlx.Float32), th.FromInts([]int{2}), 0).Float32s(), 1e-6)
	})
}

// A generation of any length runs in the memory it started with.
func TestStepsLeaveNothingBehind(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		const hidden, h, kvh, dim, vocabulary = 64, 4, 2, 16, 200
		embed := mlx.Quantize(mlxtest.Random(th, 1, vocabulary, hidden), 32, 8)
		q := mlx.Quantize(mlxtest.Random(th, 2, h*dim, hidden), 32, 4)
		k := mlx.Quantize(mlxtest.Random(th, 3, kvh*dim, hidden), 32, 4)
		norm, freq := th.Full(mlx.Float32, 1, hidden), frequencies(th, dim, 1e4)
		kv := th.NewKV(mlx.BFloat16, kvh, 512, dim)
		mlx.Eval(append(append(append(embed.Arrays(), q.Arrays()...), k.Arrays()...), norm, freq, kv.K, kv.V)...)
		token := th.FromInts([]int{1})
		var live int
		var active int64
		for i := range 400 {
			s := th.Enter()
			x := mlx.Embed(token, embed)
			p := mlx.Linears(mlx.RMSNorm(x, norm, 1e-6), mlx.Fast, q, k, k)
			a := mlx.AttentionBlock(p[0], p[1], p[2], kv, mlx.Array{}, mlx.Array{}, 0, freq, i, .25)
			x, _ = mlx.AddRMSNorm(a, x, norm, 1e-6)
			next := mlx.ArgMax(mlx.Linear(x, embed, mlx.Array{}, mlx.Fast), -1, false)
			s.Keep(next)
			s.Close()
			mlx.AsyncEval(next)
			token.Int()
			token.Free()
			token = next
			if i == 20 {
				th.Synchronize()
				live, active = th.Live(), mlx.ActiveMemory()
			}
		}
		th.Synchronize()
		if th.Live() != live || mlx.ActiveMemory() != active {
			t.Errorf("handles %d, were %d; memory %d, was %d", th.Live(), live, mlx.ActiveMemory(), active)
		}
	})
}

// Rows of a stacked weight, transposed inputs: what is not row-major is
// gathered, not misread.
func TestFusedLayersTakeStridedInputs(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		w := mlx.Weight{W: mlx.Transpose(mlxtest.Random(th, 1, 64, 24))} // [24, 64]
		x := mlx.Transpose(mlxtest.Random(th, 2, 64, 5))                 // [5, 64]
		want := mlx.MatMul(x, mlx.Transpose(w.W))
		mlxtest.Near(t, "linear", mlx.Linear(x, w, mlx.Array{}, mlx.Exact).Float32s(), want.Float32s(), tolerance)
		n := mlxtest.Random(th, 3, 64)
		mlxtest.Near(t, "norm", mlx.RMSNorm(x, n, 1e-6).Float32s(), mlx.FastRMSNorm(x, n, 1e-6).Float32s(), tolerance)
		q := mlx.Quantize(mlxtest.Random(th, 4, 96, 64), 32, 4)
		part := mlx.Weight{GroupSize: 32, Bits: 4,
			W:      mlx.Slice(q.W, []int{32, 0}, []int{64, q.W.Dim(1)}),
			Scales: mlx.Slice(q.Scales, []int{32, 0}, []int{64, 2}),
			Biases: mlx.Slice(q.Biases, []int{32, 0}, []int{64, 2})}
		all := mlx.Linear(x, q, mlx.Array{}, mlx.Exact)
		want = mlx.Slice(all, []int{0, 32}, []int{5, 64})
		mlxtest.Near(t, "rows of a weight", mlx.Linear(x, part, mlx.Array{}, mlx.Exact).Float32s(), want.Float32s(), 1e-6)
	})
}

// The same layers as a Mac computes them.
func TestFusedLayersOfMLXOperations(t *testing.T) {
	if mlx.Kernels() == "" {
		t.Skip("nothing else is tested above")
	}
	mlx.UseKernels(false)
	defer mlx.UseKernels(true)
	t.Run("linears", TestLinearsAgreeWithMLX)
	t.Run("dense", TestDenseLinear)
	t.Run("mlp", TestMLP)
	t.Run("norms", TestNorms)
	t.Run("rope", TestNormRopeAgreesWithMLX)
	t.Run("attention", TestAttentionAgreesWithMLX)
	t.Run("block", TestAttentionBlockEqualsItsParts)
	t.Run("cache", TestCacheGrowsAndRewinds)
	t.Run("embedding", TestEmbedTakesRows)
	t.Run("strides", TestFusedLayersTakeStridedInputs)
	t.Run("top-k", TestTopK)
	t.Run("top-p", TestTopP)
}
