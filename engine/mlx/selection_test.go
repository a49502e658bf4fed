package mlx_test

import (
	"math"
	"slices"
	"testing"

	"qwill/engine/mlx"
	"qwill/engine/mlx/mlxtest"
)

func TestTopK(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		const rows, n = 3, 2000
		x := mlxtest.Normal(1, rows*n)
		for i := range x { // many equal values, and infinite ones
			x[i] = float32(math.Round(float64(x[i])*50) / 50)
			if i%97 == 0 {
				x[i] = float32(math.Inf(-1))
			}
		}
		a := th.FromFloat32(x, rows, n)
		for _, k := range []int{1, 5, 20, 1000, n} {
			values, ids := mlx.TopK(a, k)
			v, id := values.Float32s(), ids.Int32s()
			for r := range rows {
				row := x[r*n : (r+1)*n]
				order := make([]int32, n)
				for i := range order {
					order[i] = int32(i)
				}
				slices.SortStableFunc(order, func(a, b int32) int {
					switch {
					case row[a] > row[b]:
						return -1
					case row[a] < row[b]:
						return 1
					}
					return 0
				})
				for i := range k {
					at := r*k + i
					// Of equals, the kernel takes the first; MLX takes any.
					if v[at] != row[order[i]] || row[id[at]] != v[at] || mlx.Kernels() != "" && id[at] != order[i] {
						t.Fatalf("k=%d row %d: place %d is %d (%v), want %d (%v)", k, r, i, id[at], v[at], order[i], row[order[i]])
					}
				}
			}
		}
		for _, k := range []int{0, -1, n + 1} {
			if mlx.Try(func() { mlx.TopK(a, k) }) == nil {
				t.Errorf("k=%d is no error", k)
			}
		}
		if mlx.Kernels() == "" {
			return
		}
		nan := float32(math.NaN())
		values, ids := mlx.TopK(th.FromFloat32([]float32{nan, 2, nan, 3}, 1, 4), 3)
		if v, id := values.Float32s(), ids.Int32s(); v[0] != 3 || id[0] != 3 || v[1] != 2 || id[1] != 1 || v[2] == v[2] || id[2] != 0 {
			t.Errorf("with NaN: %v %v", v, id)
		}
	})
}

func TestTopP(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		for _, scale := range []float64{.01, 1, 6} { // nearly even, to one token
			const rows, n = 2, 3000
			a := mlx.MultiplyScalar(mlxtest.Random(th, 2, rows, n), scale)
			x := a.Float32s()
			for _, p := range []float32{.001, .5, .95, .9999} {
				y := mlx.TopP(a, p).Float32s()
				for r := range rows {
					row, got := x[r*n:(r+1)*n], y[r*n:(r+1)*n]
					order := slices.Clone(row)
					slices.Sort(order)
					slices.Reverse(order)
					var total, above float64
					for _, v := range order {
						total += math.Exp(float64(v))
					}
					kept := 0
					for _, v := range order {
						if above >= float64(p)*total {
							break
						}
						above += math.Exp(float64(v))
						kept++
					}
					count := 0
					for i, v := range got {
						if !math.IsInf(float64(v), -1) {
							count++
							if v != row[i] {
								t.Fatal("a value changed")
							}
						}
					}
					// Rounding may decide about the last one kept, where there
					// are many of nearly no weight about more.
					if d := count - kept; d < -1-kept/500 || d > 1+kept/500 {
						t.Errorf("scale %v p=%v: kept %d, want %d of %d", scale, p, count, kept, n)
					}
				}
			}
		}
		if mlx.Try(func() { mlx.TopP(th.Zeros(mlx.Float32, 1, 4), 0) }) == nil {
			t.Error("p=0 is no error")
		}
	})
}
