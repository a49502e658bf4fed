//go:build cgo

package kernels

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

// everyISA runs the test under each instruction set this machine has.
func everyISA(t *testing.T, body func(t *testing.T)) {
	best := ISA()
	defer func() {
		if err := UseISA(best); err != nil {
			t.Fatal(err)
		}
	}()
	for _, name := range []string{"portable", "avx2", "avx512", "avx512vnni"} {
		if UseISA(name) != nil {
			t.Logf("%s: not on this machine", name)
			continue
		}
		if ISA() != name {
			t.Fatalf("asked for %s, got %s", name, ISA())
		}
		t.Run(name, body)
	}
}

func random(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

// encode stores values in dt and returns them as the kernel will read them.
func encode(values []float32, dt DType) (bytes []byte, read []float64) {
	read = make([]float64, len(values))
	for i, v := range values {
		switch dt {
		case F32:
			bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(v))
			read[i] = float64(v)
		case BF16:
			h := uint16((math.Float32bits(v) + 0x8000) >> 16)
			bytes = binary.LittleEndian.AppendUint16(bytes, h)
			read[i] = float64(math.Float32frombits(uint32(h) << 16))
		case F16:
			h, f := half(float64(v))
			bytes = binary.LittleEndian.AppendUint16(bytes, h)
			read[i] = f
		}
	}
	return bytes, read
}

// half rounds v to IEEE half precision (to nearest; ties away, finite only).
func half(v float64) (bits uint16, value float64) {
	sign := uint16(0)
	if math.Signbit(v) {
		sign, v = 0x8000, -v
	}
	if v == 0 {
		return sign, 0
	}
	exp := max(math.Ilogb(v), -14)
	m := math.Round(math.Ldexp(v, 10-exp))
	if m == 2048 {
		m, exp = 1024, exp+1
	}
	value = math.Ldexp(m, exp-10)
	if m < 1024 {
		bits = uint16(m)
	} else {
		bits = uint16(exp+15)<<10 | uint16(m)&0x3ff
	}
	if sign != 0 {
		value = -value
	}
	return sign | bits, value
}

// matrix makes random weights [n, k] and their values.
func matrix(r *rand.Rand, bits, group, n, k int, dt DType) (Matrix, []float64) {
	if bits == 0 {
		w, values := encode(random(r, n*k), dt)
		return Matrix{W: w, DType: dt, N: n}, values
	}
	scales, biases := random(r, n*k/group), random(r, n*k/group)
	for i := range scales {
		scales[i] *= 0.1
	}
	sb, s := encode(scales, dt)
	bb, b := encode(biases, dt)
	w := make([]byte, n*k*bits/8)
	for i := range w {
		w[i] = byte(r.Uint32())
		if i%7 == 0 {
			w[i] = 0xff // the largest code often: it is the one that overflows
		}
	}
	values := make([]float64, n*k)
	for i := range values {
		q := w[i*bits/8]
		if bits == 4 {
			q = q >> (4 * (i & 1)) & 15
		}
		values[i] = float64(q)*s[i/group] + b[i/group]
	}
	return Matrix{W: w, Scales: sb, Biases: bb, DType: dt, Bits: bits, Group: group, N: n}, values
}

// untie moves activations off the ties of their rounding to int8, where the
// instruction sets may differ by a step.
func untie(x []float32) []float32 {
	for b := 0; b+32 <= len(x); b += 32 {
		top := float32(0)
		for _, v := range x[b : b+32] {
			top = max(top, float32(math.Abs(float64(v))))
		}
		for i, v := range x[b : b+32] {
			step := math.Abs(float64(v) * 127 / float64(top))
			if math.Abs(step-math.Floor(step)-0.5) < 1e-3 {
				x[b+i] = float32(float64(v) * (1 - 0.01/step))
			}
		}
	}
	return x
}

// rounded is x as the fast mode sees it: int8 in blocks of 32.
func rounded(x []float32) []float64 {
	out := make([]float64, len(x))
	for b := 0; b < len(x); b += 32 {
		top := float32(0)
		for _, v := range x[b : b+32] {
			top = max(top, float32(math.Abs(float64(v))))
		}
		d, inv := top/127, 127/top
		for i, v := range x[b : b+32] {
			if top > 0 {
				out[b+i] = float64(d) * math.RoundToEven(float64(v*inv))
			}
		}
	}
	return out
}

// rounding is what a result may be off by for its activations' sake, where they
// are compared as they were: int16 has steps of 1/32767 of the largest of a block.
func rounding(m Mode) float64 {
	if m == Wide {
		return 1e-4
	}
	return 0
}

// product is x [m, k] times w [n, k] transposed, with the magnitude of the
// terms of each result, to which its rounding error is proportional.
func product(x, w []float64, m, n, k int) (out, size []float64) {
	out, size = make([]float64, m*n), make([]float64, m*n)
	for i := range m {
		for j := range n {
			var sum, abs float64
			for e := range k {
				p := x[i*k+e] * w[j*k+e]
				sum += p
				abs += p * p
			}
			out[i*n+j], size[i*n+j] = sum, math.Sqrt(abs)
		}
	}
	return out, size
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func compare(t *testing.T, what string, got []float32, want, size []float64, tolerance float64) {
	t.Helper()
	for i := range want {
		limit := tolerance
		if size != nil {
			limit *= size[i] + 1e-3
		}
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= limit) {
			t.Fatalf("%s: element %d of %d is %g, want %g (off by %g, limit %g)", what, i, len(want), got[i], want[i], d, limit)
		}
	}
}

func TestMatMul(t *testing.T) {
	defer SetThreads(Threads())
	everyISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, threads := range []int{1, 2, 3} {
			SetThreads(threads)
			for _, bits := range []int{0, 4, 8} {
				for _, group := range []int{32, 64, 128} {
					if bits == 0 && group != 32 {
						continue
					}
					for _, dt := range []DType{F32, F16, BF16} {
						for _, s := range [][3]int{{1, 1, 1}, {1, 37, 3}, {2, 130, 5}, {3, 16, 9}, {5, 33, 2}, {13, 70, 4}, {27, 31, 12}} {
							m, n, k := s[0], s[1], s[2]*group
							if bits == 0 {
								k += 5 // dense rows need no group
							}
							x := untie(random(r, m*k))
							mat, w := matrix(r, bits, group, n, k, dt)
							for _, mode := range []Mode{Exact, Fast, Wide} {
								what := fmt.Sprintf("threads %d, %d bits, group %d, dtype %d, mode %d, [%d,%d,%d]", threads, bits, group, dt, mode, m, n, k)
								seen := widen(x)
								if mode == Fast && bits != 0 {
									seen = rounded(x)
								}
								want, size := product(seen, w, m, n, k)
								outs, err := MatMul(mode, x, []Matrix{mat}, m, k)
								if err != nil {
									t.Fatal(what, err)
								}
								compare(t, what, outs[0], want, size, 2e-5+rounding(mode))
							}
						}
					}
				}
			}
		}
	})
}

// A drafted token is checked beside others and has to come out as it would alone.
func TestFewRowsAreEachAsIfAlone(t *testing.T) {
	defer SetThreads(Threads())
	same := func(t *testing.T, what string, few, one []float32) {
		t.Helper()
		for i := range one {
			if math.Float32bits(few[i]) != math.Float32bits(one[i]) {
				t.Fatalf("%s: element %d is %v, alone %v", what, i, few[i], one[i])
			}
		}
	}
	everyISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(21, 22))
		SetThreads(2)
		for _, bits := range []int{0, 4, 8} {
			for _, group := range []int{32, 64, 128} {
				for _, dt := range []DType{F32, F16, BF16} {
					n, k := 39, 5*group
					if bits == 0 {
						k += 5
					}
					mat, _ := matrix(r, bits, group, n, k, dt)
					x := random(r, 9*k)
					for _, mode := range []Mode{Exact, Fast, Wide} {
						var alone []float32
						for m := 1; m <= 9; m++ {
							one, err := MatMul(mode, x[(m-1)*k:m*k], []Matrix{mat}, 1, k)
							if err != nil {
								t.Fatal(err)
							}
							alone = append(alone, one[0]...)
							few, err := MatMul(mode, x[:m*k], []Matrix{mat}, m, k)
							if err != nil {
								t.Fatal(err)
							}
							same(t, fmt.Sprintf("%d bits, group %d, dtype %d, mode %d, %d rows", bits, group, dt, mode, m), few[0], alone)
						}
					}
				}
			}
		}
		const h, kvh, d, offset, capacity = 6, 2, 40, 130, 160
		q := random(r, 9*h*d)
		k, _ := encode(random(r, kvh*capacity*d), F32)
		v, _ := encode(random(r, kvh*capacity*d), F32)
		var alone []float32
		for l := 1; l <= 9; l++ {
			one, err := Attention(q[(l-1)*h*d:l*h*d], k, v, F32, 1, h, kvh, d, offset+l-1, capacity, 0.1)
			if err != nil {
				t.Fatal(err)
			}
			alone = append(alone, one...)
			few, err := Attention(q[:l*h*d], k, v, F32, l, h, kvh, d, offset, capacity, 0.1)
			if err != nil {
				t.Fatal(err)
			}
			same(t, fmt.Sprintf("attention of %d queries", l), few, alone)
		}
	})
}

// Depths past one panel, and rows with many groups.
func TestMatMulDeep(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for _, bits := range []int{0, 4, 8} {
			for _, s := range [][3]int{{1, 9, 32 * 700}, {9, 17, 32 * 67}, {6, 40, 3072}} {
				m, n, k := s[0], s[1], s[2]
				x := untie(random(r, m*k))
				mat, w := matrix(r, bits, 32, n, k, BF16)
				for _, mode := range []Mode{Exact, Fast, Wide} {
					seen := widen(x)
					if mode == Fast && bits != 0 {
						seen = rounded(x)
					}
					want, size := product(seen, w, m, n, k)
					outs, err := MatMul(mode, x, []Matrix{mat}, m, k)
					if err != nil {
						t.Fatal(err)
					}
					compare(t, fmt.Sprintf("%d bits, mode %d, %v", bits, mode, s), outs[0], want, size, 4e-5+rounding(mode))
				}
			}
		}
	})
}

// The largest codes against the largest activations: nothing may saturate.
func TestMatMulExtremes(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		for _, bits := range []int{4, 8} {
			for _, code := range []byte{0x00, 0x80, 0xff} {
				for _, m := range []int{1, 8} {
					const k, n = 256, 40
					x := make([]float32, m*k)
					for i := range x {
						x[i] = 1
						if i%3 == 0 && i%64 > 32 {
							x[i] = -1
						}
					}
					w := make([]byte, n*k*bits/8)
					for i := range w {
						w[i] = code
					}
					one := make([]float32, n*k/64)
					zero := make([]float32, n*k/64)
					for i := range one {
						one[i] = 1
					}
					sb, _ := encode(one, F32)
					bb, _ := encode(zero, F32)
					q := float64(code)
					if bits == 4 {
						q = float64(code & 15)
						for i := range w {
							w[i] = code&15 | code&15<<4
						}
					}
					values := make([]float64, n*k)
					for i := range values {
						values[i] = q
					}
					want, _ := product(widen(x), values, m, n, k)
					for _, mode := range []Mode{Exact, Fast, Wide} {
						outs, err := MatMul(mode, x, []Matrix{{W: w, Scales: sb, Biases: bb, Bits: bits, Group: 64, N: n}}, m, k)
						if err != nil {
							t.Fatal(err)
						}
						compare(t, fmt.Sprintf("%d bits, code %d, rows %d, mode %d", bits, code, m, mode), outs[0], want, nil, 1e-2)
					}
				}
			}
		}
	})
}

func TestMatMulSeveral(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		const k = 384
		for _, m := range []int{1, 3, 7} {
			x := random(r, m*k)
			forms := []struct{ bits, group, n int }{{4, 64, 70}, {4, 64, 33}, {8, 32, 12}, {0, 0, 9}, {4, 128, 64}}
			var mats []Matrix
			for _, f := range forms {
				mat, _ := matrix(r, f.bits, f.group, f.n, k, F32)
				mats = append(mats, mat)
			}
			for _, mode := range []Mode{Exact, Fast, Wide} {
				together, err := MatMul(mode, x, mats, m, k)
				if err != nil {
					t.Fatal(err)
				}
				for i := range mats {
					alone, err := MatMul(mode, x, mats[i:i+1], m, k)
					if err != nil {
						t.Fatal(err)
					}
					compare(t, fmt.Sprintf("matrix %d of several, rows %d", i, m), together[i], widen(alone[0]), nil, 0)
				}
			}
		}
	})
}

// A fault in the activations must show in the result, not vanish in rounding.
func TestMatMulKeepsNaN(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 8))
		for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
			for _, m := range []int{1, 6} {
				x := random(r, m*128)
				x[5] = bad
				mat, _ := matrix(r, 4, 64, 20, 128, F32)
				for _, mode := range []Mode{Exact, Fast, Wide} {
					outs, err := MatMul(mode, x, []Matrix{mat}, m, 128)
					if err != nil {
						t.Fatal(err)
					}
					for _, v := range outs[0][:20] {
						if !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) {
							t.Fatalf("mode %d: %g in the input gave %g", mode, bad, v)
						}
					}
				}
			}
		}
	})
}

func TestUnsupported(t *testing.T) {
	x := make([]float32, 96)
	w := make([]byte, 96*8)
	for _, c := range []struct{ bits, group, k int }{{3, 32, 96}, {4, 16, 96}, {4, 64, 96}, {8, 48, 96}} {
		if _, err := MatMul(Exact, x, []Matrix{{W: w, Scales: w, Biases: w, Bits: c.bits, Group: c.group, N: 1}}, 1, c.k); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
	if _, err := Attention(x, w, w, F32, 1, 3, 2, 8, 0, 4, 1); err == nil {
		t.Error("3 heads over 2 kv heads were accepted")
	}
	if _, err := Attention(x, w, w, F32, 3, 2, 2, 8, 2, 4, 1); err == nil {
		t.Error("5 keys in a cache of 4 were accepted")
	}
}

func TestAttention(t *testing.T) {
	defer SetThreads(Threads())
	everyISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(9, 10))
		for _, threads := range []int{1, 2, 3} {
			SetThreads(threads)
			for _, s := range []struct{ l, h, kvh, d, offset int }{
				{1, 4, 2, 64, 0}, {1, 9, 3, 64, 200}, {1, 16, 8, 128, 129}, {1, 5, 1, 80, 63}, {1, 6, 1, 33, 700},
				{3, 4, 4, 64, 10}, {17, 4, 2, 128, 0}, {70, 6, 2, 40, 61}, {130, 2, 1, 96, 5}, {2, 50, 1, 16, 9},
			} {
				for _, dt := range []DType{F32, F16, BF16} {
					capacity := s.offset + s.l + 7
					q := random(r, s.l*s.h*s.d)
					k, kf := encode(random(r, s.kvh*capacity*s.d), dt)
					v, vf := encode(random(r, s.kvh*capacity*s.d), dt)
					scale := float32(1 / math.Sqrt(float64(s.d)))
					got, err := Attention(q, k, v, dt, s.l, s.h, s.kvh, s.d, s.offset, capacity, scale)
					if err != nil {
						t.Fatal(err)
					}
					want := make([]float64, len(q))
					for i := range s.l {
						for h := range s.h {
							kv := h / (s.h / s.kvh) * capacity * s.d
							p := make([]float64, s.offset+i+1)
							top, sum := math.Inf(-1), 0.0
							for j := range p {
								for e := range s.d {
									p[j] += float64(q[(i*s.h+h)*s.d+e]) * float64(scale) * kf[kv+j*s.d+e]
								}
								top = max(top, p[j])
							}
							for j := range p {
								p[j] = math.Exp(p[j] - top)
								sum += p[j]
							}
							for j := range p {
								for e := range s.d {
									want[(i*s.h+h)*s.d+e] += p[j] / sum * vf[kv+j*s.d+e]
								}
							}
						}
					}
					compare(t, fmt.Sprintf("threads %d, dtype %d, %+v", threads, dt, s), got, want, nil, 4e-6)
				}
			}
		}
	})
}

func TestPointwise(t *testing.T) {
	everyISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(11, 12))
		for _, s := range [][2]int{{1, 1}, {1, 1024}, {3, 577}, {200, 96}} {
			m, k := s[0], s[1]
			x, res, w := random(r, m*k), random(r, m*k), random(r, k)
			for _, residual := range [][]float32{nil, res} {
				sum, norm, err := AddRMSNorm(x, residual, w, k, 1e-6)
				if err != nil {
					t.Fatal(err)
				}
				wantSum, want := make([]float64, m*k), make([]float64, m*k)
				for i := range m {
					var squares float64
					for e := range k {
						v := float64(x[i*k+e])
						if residual != nil {
							v = float64(x[i*k+e] + residual[i*k+e])
						}
						wantSum[i*k+e] = v
						squares += v * v
					}
					for e := range k {
						want[i*k+e] = wantSum[i*k+e] / math.Sqrt(squares/float64(k)+1e-6) * float64(w[e])
					}
				}
				compare(t, "sum", sum, wantSum, nil, 0)
				compare(t, "norm", norm, want, nil, 4e-6)
			}
		}
		for _, n := range []int{1, 7, 4097, 70000} {
			gate, up := random(r, n), random(r, n)
			for i := range gate {
				gate[i] *= 20
			}
			gate[0], up[0] = -200, 1
			got, err := SwiGLU(gate, up)
			if err != nil {
				t.Fatal(err)
			}
			want, size := make([]float64, n), make([]float64, n)
			for i := range want {
				g := float64(gate[i])
				want[i] = g / (1 + math.Exp(-g)) * float64(up[i])
				size[i] = math.Abs(want[i])
			}
			compare(t, "swiglu", got, want, size, 5e-7)
		}
		for _, s := range []struct{ l, h, d, offset int }{{1, 3, 64, 0}, {1, 16, 128, 4000}, {40, 9, 64, 17}, {5, 2, 30, 8000}} {
			x, w := random(r, s.l*s.h*s.d), random(r, s.d)
			freq := make([]float32, s.d/2)
			for i := range freq {
				freq[i] = float32(math.Pow(1e4, -float64(2*i)/float64(s.d)))
			}
			for _, weight := range [][]float32{nil, w} {
				got, err := NormRope(x, weight, 1e-6, freq, s.l, s.h, s.d, s.offset)
				if err != nil {
					t.Fatal(err)
				}
				want := make([]float64, len(x))
				for row := range s.l * s.h {
					v := widen(x[row*s.d : (row+1)*s.d])
					if weight != nil {
						var squares float64
						for _, e := range v {
							squares += e * e
						}
						for i := range v {
							v[i] *= float64(w[i]) / math.Sqrt(squares/float64(s.d)+1e-6)
						}
					}
					for i := range freq {
						// The angle itself is float32, as in the reference.
						angle := float64(float32(s.offset+row/s.h) * freq[i])
						sin, cos := math.Sincos(angle)
						a, b := v[i], v[i+s.d/2]
						want[row*s.d+i] = a*cos - b*sin
						want[row*s.d+i+s.d/2] = b*cos + a*sin
					}
				}
				compare(t, fmt.Sprintf("rope %+v", s), got, want, nil, 4e-6)
			}
		}
	})
}

// The pool must give the same answer however it is shared and resized.
func TestPoolUnderContention(t *testing.T) {
	defer SetThreads(Threads())
	r := rand.New(rand.NewPCG(13, 14))
	const k, n = 512, 700
	x := random(r, k)
	mat, _ := matrix(r, 4, 64, n, k, F32)
	SetThreads(2)
	want, err := MatMul(Fast, x, []Matrix{mat}, 1, k)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for caller := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 300 {
				if caller == 0 && i%50 == 0 {
					SetThreads(1 + i/50%3)
				}
				got, err := MatMul(Fast, x, []Matrix{mat}, 1, k)
				if err != nil {
					t.Error(err)
					return
				}
				for j := range want[0] {
					if got[0][j] != want[0][j] {
						t.Errorf("caller %d, round %d: element %d is %g, want %g", caller, i, j, got[0][j], want[0][j])
						return
					}
				}
			}
		}()
	}
	wg.Wait()
}
