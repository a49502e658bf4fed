package mlx_test

import (
	"fmt"
	"math"
	"testing"

	"qwill/engine/mlx"
	"qwill/engine/mlx/mlxtest"
)

// Every operation against arithmetic done by hand.
func TestOperations(t *testing.T) {
	inf := math.Inf(1)
	cases := []struct {
		name string
		f    func(th *mlx.Thread, a, b mlx.Array) mlx.Array
		want []float64
	}{
		{"add", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.Add(a, b) }, []float64{3, 1, 6, 4.5, -3, 4}},
		{"subtract", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.Subtract(a, b) }, []float64{-1, -5, 0, 3.5, -7, 8}},
		{"multiply", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.Multiply(a, b) }, []float64{2, -6, 9, 2, -10, -12}},
		{"divide", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.Divide(a, b) }, []float64{.5, -2. / 3, 1, 8, -2.5, -3}},
		{"maximum", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.Maximum(a, b) }, []float64{2, 3, 3, 4, 2, 6}},
		{"minimum", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.Minimum(a, b) }, []float64{1, -2, 3, .5, -5, -2}},
		{"equal", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.Equal(a, b) }, []float64{0, 0, 1, 0, 0, 0}},
		{"not equal", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.NotEqual(a, b) }, []float64{1, 1, 0, 1, 1, 1}},
		{"less", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.Less(a, b) }, []float64{1, 1, 0, 0, 1, 0}},
		{"less equal", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.LessEqual(a, b) }, []float64{1, 1, 1, 0, 1, 0}},
		{"greater", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.Greater(a, b) }, []float64{0, 0, 0, 1, 0, 1}},
		{"greater equal", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.GreaterEqual(a, b) }, []float64{0, 0, 1, 1, 0, 1}},
		{"and or not", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array {
			return mlx.Or(mlx.And(mlx.Less(a, b), mlx.GreaterScalar(a, 0)), mlx.Not(mlx.LessScalar(a, 5)))
		}, []float64{1, 0, 0, 0, 0, 1}},
		{"scalars", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array {
			return mlx.DivideScalar(mlx.MultiplyScalar(mlx.AddScalar(a, 1), 3), 2)
		}, []float64{3, -1.5, 6, 7.5, -6, 10.5}},
		{"negative", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Negative(a) }, []float64{-1, 2, -3, -4, 5, -6}},
		{"abs", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Abs(a) }, []float64{1, 2, 3, 4, 5, 6}},
		{"square", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Square(a) }, []float64{1, 4, 9, 16, 25, 36}},
		{"sqrt", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Sqrt(mlx.Square(a)) }, []float64{1, 2, 3, 4, 5, 6}},
		{"rsqrt", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Rsqrt(mlx.Square(a)) }, []float64{1, .5, 1. / 3, .25, .2, 1. / 6}},
		{"exp and log", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Log(mlx.Exp(a)) }, []float64{1, -2, 3, 4, -5, 6}},
		{"sigmoid", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Sigmoid(a) },
			[]float64{.7310586, .1192029, .9525741, .9820138, .0066929, .9975274}},
		{"silu", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.SiLU(a) },
			[]float64{.7310586, -.2384058, 2.8577223, 3.9280552, -.0334643, 5.9851644}},
		{"tanh", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Tanh(a) },
			[]float64{.7615942, -.9640276, .9950548, .9993293, -.9999092, .9999877}},
		{"finite", func(th *mlx.Thread, a, b mlx.Array) mlx.Array {
			zero := th.Zeros(mlx.Float32, 1)
			return mlx.IsFinite(mlx.Concatenate([]mlx.Array{zero, mlx.Divide(zero, zero), mlx.Divide(th.Full(mlx.Float32, 1, 1), zero)}, 0))
		}, []float64{1, 0, 0}},
		{"matmul", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.MatMul(a, mlx.Transpose(b)) },
			[]float64{1*2 - 2*3 + 3*3, .5 - 4 - 6, 8 - 15 + 18, 2 - 10 - 12}},
		{"transpose", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Transpose(a, 1, 0) }, []float64{1, 4, -2, -5, 3, 6}},
		{"reshape", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array {
			return mlx.Squeeze(mlx.ExpandDims(mlx.Reshape(a, 3, -1), 0, 2), 0)
		}, []float64{1, -2, 3, 4, -5, 6}},
		{"contiguous", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Contiguous(mlx.Transpose(a)) }, []float64{1, 4, -2, -5, 3, 6}},
		{"broadcast", func(th *mlx.Thread, a, _ mlx.Array) mlx.Array {
			return mlx.BroadcastTo(th.FromFloat32([]float32{7, 8}), 2, 2)
		}, []float64{7, 8, 7, 8}},
		{"slice", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Slice(a, []int{0, 1}, []int{2, 3}) }, []float64{-2, 3, -5, 6}},
		{"slice step", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array {
			return mlx.SliceStep(a, []int{0, 0}, []int{2, 3}, []int{1, 2})
		}, []float64{1, 3, 4, 6}},
		{"slice update", func(th *mlx.Thread, a, _ mlx.Array) mlx.Array {
			return mlx.SliceUpdate(a, th.Full(mlx.Float32, 9, 2, 1), []int{0, 1}, []int{2, 2})
		}, []float64{1, 9, 3, 4, 9, 6}},
		{"concatenate", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.Concatenate([]mlx.Array{a, b}, 1) },
			[]float64{1, -2, 3, 2, 3, 3, 4, -5, 6, .5, 2, -2}},
		{"take", func(th *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Take(a, th.FromInts([]int{1, 0, 1}), 0) },
			[]float64{4, -5, 6, 1, -2, 3, 4, -5, 6}},
		{"take along", func(th *mlx.Thread, a, _ mlx.Array) mlx.Array {
			return mlx.TakeAlongAxis(a, th.FromInt32([]int32{2, 0}, 2, 1), 1)
		}, []float64{3, 4}},
		{"put along", func(th *mlx.Thread, a, _ mlx.Array) mlx.Array {
			return mlx.PutAlongAxis(a, th.FromInt32([]int32{2, 0}, 2, 1), th.FromFloat32([]float32{8, 9}, 2, 1), 1)
		}, []float64{1, -2, 8, 9, -5, 6}},
		{"scatter add", func(th *mlx.Thread, a, _ mlx.Array) mlx.Array {
			return mlx.ScatterAdd(a, th.FromInt32([]int32{2, 2, 0, 1}, 2, 2), th.Full(mlx.Float32, 1, 2, 2), 1)
		}, []float64{1, -2, 5, 5, -4, 6}},
		{"sum", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Sum(a, 1, true) }, []float64{2, 5}},
		{"mean", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Mean(a, 0, false) }, []float64{2.5, -3.5, 4.5}},
		{"max", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Max(a, -1, false) }, []float64{3, 6}},
		{"min", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Min(a, -1, false) }, []float64{-2, -5}},
		{"all", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.All(mlx.GreaterScalar(a, 0), 0, false) }, []float64{1, 0, 1}},
		{"any", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Any(mlx.LessScalar(a, -3), 1, false) }, []float64{0, 1}},
		{"argmax", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.ArgMax(a, 1, false) }, []float64{2, 2}},
		{"logsumexp", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.LogSumExp(a, 1, false) },
			[]float64{3.1328454, 6.1269429}},
		{"softmax", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Softmax(a, 1) },
			[]float64{.1185001, .0058998, .8756001, .1192011, .0000147, .8807842}},
		{"cumsum", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.CumSum(a, 1, false, true) }, []float64{1, -1, 2, 4, -1, 5}},
		{"cumsum exclusive", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.CumSum(a, 1, false, false) }, []float64{0, 1, -1, 0, 4, -1}},
		{"cumsum reverse", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.CumSum(a, 1, true, true) }, []float64{2, 1, 3, 5, 1, 6}},
		{"sort", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.Sort(a, 1) }, []float64{-2, 1, 3, -5, 4, 6}},
		{"argsort", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array { return mlx.ArgSort(a, 1) }, []float64{1, 0, 2, 1, 0, 2}},
		{"partition", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array {
			return mlx.Slice(mlx.Partition(a, 1, 1), []int{0, 1}, []int{2, 2})
		}, []float64{1, 4}},
		{"argpartition", func(_ *mlx.Thread, a, _ mlx.Array) mlx.Array {
			return mlx.Slice(mlx.ArgPartition(a, 2, 1), []int{0, 2}, []int{2, 3})
		}, []float64{2, 2}},
		{"where", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.Where(mlx.Less(a, b), a, b) }, []float64{1, -2, 3, .5, -5, -2}},
		{"astype", func(_ *mlx.Thread, a, b mlx.Array) mlx.Array { return mlx.AsType(b, mlx.Int8) }, []float64{2, 3, 3, 0, 2, -2}},
		{"view", func(th *mlx.Thread, a, b mlx.Array) mlx.Array {
			return mlx.View(th.FromUint32([]uint32{0x3f800000, 0x7f800000}), mlx.Float32)
		}, []float64{1, inf}},
		{"arange", func(th *mlx.Thread, a, b mlx.Array) mlx.Array { return th.Arange(mlx.Int32, 2, 8, 3) }, []float64{2, 5}},
		{"scalar", func(th *mlx.Thread, a, b mlx.Array) mlx.Array { return th.Scalar(mlx.BFloat16, 1.5) }, []float64{1.5}},
		{"integers", func(th *mlx.Thread, a, b mlx.Array) mlx.Array { return th.FromInts([]int{-1, 1 << 24}) }, []float64{-1, 1 << 24}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			mlxtest.Run(t, func(th *mlx.Thread) {
				a := th.FromFloat32([]float32{1, -2, 3, 4, -5, 6}, 2, 3)
				b := th.FromFloat32([]float32{2, 3, 3, .5, 2, -2}, 2, 3)
				got := c.f(th, a, b).Float32s()
				if len(got) != len(c.want) {
					t.Fatalf("got %v, want %v", got, c.want)
				}
				for i := range got {
					if float64(got[i]) != c.want[i] && !(math.Abs(float64(got[i])-c.want[i]) < 2e-6) {
						t.Fatalf("got %v, want %v", got, c.want)
					}
				}
			})
		})
	}
}

func TestTypesRoundTrip(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		for d := mlx.Bool; d.Valid(); d++ {
			raw := make([]byte, 3*d.Size())
			for i := range raw {
				raw[i] = byte(i % 2)
			}
			a := th.FromBytes(d, raw, 3, 1)
			if a.Dtype() != d || fmt.Sprint(a.Shape()) != "[3 1]" || a.Dim(-1) != 1 || a.Len() != 3 || a.Bytes() != int64(len(raw)) {
				t.Errorf("%v: got %v", d, a)
			}
			if got := a.RawBytes(); string(got) != string(raw) {
				t.Errorf("%v: got %v, want %v", d, got, raw)
			}
		}
		if e := th.Zeros(mlx.Float32, 0, 3); e.Len() != 0 || len(e.Float32s()) != 0 {
			t.Error("empty array")
		}
	})
}

func TestQuantizeDequantize(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		x := mlxtest.Random(th, 1, 16, 128)
		for _, c := range []struct {
			bits, group int
			limit       float64
		}{{4, 32, .09}, {4, 128, .12}, {8, 64, .006}} {
			w := mlx.Quantize(x, c.group, c.bits)
			if w.Rows() != 16 || w.Cols() != 128 || !w.Quantized() {
				t.Errorf("%d bits: [%d, %d]", c.bits, w.Rows(), w.Cols())
			}
			mlxtest.Near(t, fmt.Sprint(c), mlx.Dequantize(w, mlx.Float32).Float32s(), x.Float32s(), c.limit)
		}
		// q=0..7 in the low nibbles first, times 2 plus 1.
		w := mlx.Weight{W: th.FromUint32([]uint32{0x76543210, 0, 0, 0}, 1, 4), Scales: th.Full(mlx.Float32, 2, 1, 1),
			Biases: th.Full(mlx.Float32, 1, 1, 1), GroupSize: 32, Bits: 4}
		got := mlx.Dequantize(w, mlx.Float32).Float32s()
		for i := range 8 {
			if got[i] != float32(2*i+1) {
				t.Fatalf("got %v", got)
			}
		}
	})
}

func TestRandomKeysAreExplicit(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		draw := func(seed uint64) []float32 { return mlx.Uniform(th.Key(seed), 1000).Float32s() }
		a, b, c := draw(1), draw(1), draw(2)
		if mlxtest.RMS(a, b) != 0 || mlxtest.RMS(a, c) < .1 {
			t.Error("keys do not decide what is drawn")
		}
		var sum float64
		for _, x := range a {
			sum += float64(x)
		}
		if math.Abs(sum/1000-.5) > .05 {
			t.Errorf("mean %v", sum/1000)
		}
		var mean float64
		for _, x := range mlx.Gumbel(th.Key(3), 4000).Float32s() {
			mean += float64(x) / 4000
		}
		if math.Abs(mean-.5772) > .08 { // Euler's constant
			t.Errorf("gumbel mean %v", mean)
		}
		// The second of three choices has probability 0.7.
		logits := mlx.BroadcastTo(mlx.Log(th.FromFloat32([]float32{.1, .7, .2})), 4000, 3)
		n := 0
		for _, i := range mlx.Categorical(logits, -1, th.Key(4)).Int32s() {
			if i == 1 {
				n++
			}
		}
		if math.Abs(float64(n)/4000-.7) > .03 {
			t.Errorf("drew it %d of 4000 times", n)
		}
		keys := mlx.SplitKey(th.Key(5), 2)
		if s := keys.Shape(); s[0] != 2 || s[1] != 2 {
			t.Errorf("split keys %v", s)
		}
	})
}

func TestMemoryIsCounted(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		before := mlx.ActiveMemory()
		mlx.ResetPeakMemory()
		a := th.FromBytes(mlx.Uint8, make([]byte, 1<<20), 1<<20)
		if grew := mlx.ActiveMemory() - before; grew < 1<<20 || grew > 2<<20 {
			t.Errorf("active memory grew by %d", grew)
		}
		if mlx.PeakMemory() < before+1<<20 {
			t.Error("peak memory")
		}
		a.Free()
		a.Free()
		mlx.ClearCache()
		if mlx.ActiveMemory() != before || mlx.CacheMemory() != 0 {
			t.Errorf("active %d, was %d; cache %d", mlx.ActiveMemory(), before, mlx.CacheMemory())
		}
		if old := mlx.SetCacheLimit(1 << 20); mlx.SetCacheLimit(old) != 1<<20 || old > 1<<30 {
			t.Errorf("the cache limit was %d", old)
		}
		if mlx.Version() != "0.32.4" {
			t.Errorf("libmlx %s", mlx.Version())
		}
	})
}

// A crossing costs tens of nanoseconds, a node of the graph under a
// microsecond; a change of order here would show in every token.
func BenchmarkCrossing(b *testing.B) {
	mlxtest.Run(b, func(*mlx.Thread) {
		for b.Loop() {
			mlx.Nothing()
		}
	})
}

func BenchmarkAddNode(b *testing.B) {
	mlxtest.Run(b, func(th *mlx.Thread) {
		x := th.Full(mlx.Float32, 1, 4)
		for b.Loop() {
			mlx.Add(x, x).Free()
		}
	})
}
