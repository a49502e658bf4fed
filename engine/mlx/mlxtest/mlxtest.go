// Package mlxtest is the scaffolding of tests that touch MLX: a locked thread,
// and proof that no array handle leaked.
package mlxtest

import (
	"math"
	"math/rand/v2"
	"testing"

	"qwill/engine/mlx"
)

// Run calls f on a new MLX thread inside a scope of its own. The test fails if
// an operation failed or if array handles are left at the end; what f puts into
// scopes of its own it must close.
func Run(t testing.TB, f func(th *mlx.Thread)) {
	t.Helper()
	th, err := mlx.Start()
	if err != nil {
		t.Fatal(err)
	}
	live := -1
	err = th.Do(func() error {
		s := th.Enter()
		defer func() {
			s.Close()
			live = th.Live()
		}()
		f(th)
		return nil
	})
	th.Stop()
	if t.Failed() {
		t.FailNow()
	}
	if err != nil {
		t.Fatal(err)
	}
	if live != 0 {
		t.Fatalf("%d array handles leaked", live)
	}
}

// Normal is n reproducible values of mean 0 and deviation 1.
func Normal(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// Random is an array of Normal values.
func Random(th *mlx.Thread, seed uint64, shape ...int) mlx.Array {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return th.FromFloat32(Normal(seed, n), shape...)
}

// RMS is the root of the mean square of a-b over that of b: 0 for equal.
func RMS(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	var d, s float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		d += (x - y) * (x - y)
		s += y * y
	}
	if s == 0 {
		return math.Sqrt(d)
	}
	return math.Sqrt(d / s)
}

// Near fails the test where a and b are further apart than tolerance (as RMS).
func Near(t testing.TB, what string, a, b []float32, tolerance float64) {
	t.Helper()
	if r := RMS(a, b); !(r <= tolerance) {
		t.Errorf("%s: relative error %.3g exceeds %.3g (lengths %d and %d)", what, r, tolerance, len(a), len(b))
	}
}
