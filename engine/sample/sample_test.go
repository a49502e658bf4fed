package sample

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qwill/engine/mlx"
	"qwill/engine/mlx/mlxtest"
)

var off = Settings{Temperature: 1, TopP: 1, RepetitionPenalty: 1}

// counts draws n tokens from the same logits and counts them.
func counts(t *testing.T, th *mlx.Thread, s Settings, logits []float32, n int) []int {
	t.Helper()
	p, err := New(th, s, len(logits), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := make([]int, len(logits))
	l := th.FromFloat32(logits, 1, len(logits))
	for range n {
		scope := th.Enter()
		c[p.Sample(l, mlx.Array{}).Int()]++
		scope.Close()
	}
	return c
}

// chiSquared compares counts with probabilities; cells of probability 0 must
// be empty.
func chiSquared(t *testing.T, got []int, want []float64) (x float64, cells int) {
	t.Helper()
	n := 0
	for _, c := range got {
		n += c
	}
	for i, w := range want {
		if w == 0 {
			if got[i] > 0 {
				t.Errorf("token %d of probability 0 was drawn %d times", i, got[i])
			}
			continue
		}
		e := w * float64(n)
		x += (float64(got[i]) - e) * (float64(got[i]) - e) / e
		cells++
	}
	return x, cells
}

func logs(p ...float64) []float32 {
	v := make([]float32, len(p))
	for i := range p {
		v[i] = float32(math.Log(p[i]))
	}
	return v
}

func TestDistributions(t *testing.T) {
	base := []float64{.05, .4, .1, .3, .15}
	with := func(f func(*Settings)) Settings {
		s := off
		s.Seed = 7
		f(&s)
		return s
	}
	for _, c := range []struct {
		name string
		s    Settings
		want []float64
	}{
		{"plain", with(func(*Settings) {}), base},
		{"hot", with(func(s *Settings) { s.Temperature = 2 }), nil},
		{"top-k 2", with(func(s *Settings) { s.TopK = 2 }), []float64{0, .4 / .7, 0, .3 / .7, 0}},
		{"top-k of all", with(func(s *Settings) { s.TopK = 9 }), base},
		// .4+.3 is less than .75, so the third is kept too.
		{"top-p", with(func(s *Settings) { s.TopP = .75 }), []float64{0, .4 / .85, 0, .3 / .85, .15 / .85}},
		{"top-p keeps one", with(func(s *Settings) { s.TopP = .01 }), []float64{0, 1, 0, 0, 0}},
		{"min-p", with(func(s *Settings) { s.MinP = .3 }), []float64{0, .4 / .85, 0, .3 / .85, .15 / .85}},
		// Of the two left, the first has .571 of the mass, which is enough for
		// .55: top-k before top-p. The other order would keep both.
		{"top-k before top-p", with(func(s *Settings) { s.TopK, s.TopP = 2, .55 }), []float64{0, 1, 0, 0, 0}},
		// At temperature 3 the first has .294, the second .267 of the mass.
		{"temperature before top-p", with(func(s *Settings) { s.Temperature, s.TopP = 3, .3 }), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := c.want
			switch c.name {
			case "hot":
				var sum float64
				want = make([]float64, 5)
				for i, p := range base {
					want[i] = math.Sqrt(p)
					sum += want[i]
				}
				for i := range want {
					want[i] /= sum
				}
			case "temperature before top-p":
				a, b := math.Cbrt(.4), math.Cbrt(.3)
				want = []float64{0, a / (a + b), 0, b / (a + b), 0}
			}
			mlxtest.Run(t, func(th *mlx.Thread) {
				got := counts(t, th, c.s, logs(base...), 3000)
				// 18.5 is exceeded once in a thousand for 4 degrees of freedom;
				// the seed is fixed.
				if x, _ := chiSquared(t, got, want); x > 18.5 {
					t.Errorf("drew %v, want shares %v (chi-squared %.1f)", got, want, x)
				}
			})
		})
	}
}

// The chain of filters against a plain computation in float64.
func TestFiltersAgreeWithReference(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		rapid.Check(t, func(r *rapid.T) {
			scope := th.Enter()
			defer scope.Close()
			n := rapid.IntRange(1, 60).Draw(r, "n")
			logits := make([]float32, n)
			for i := range logits {
				logits[i] = float32(rapid.IntRange(-4000, 4000).Draw(r, "logit")) / 500
			}
			s := Settings{
				Temperature:       float64(rapid.IntRange(1, 30).Draw(r, "temperature")) / 10,
				TopK:              rapid.IntRange(0, n+2).Draw(r, "top_k"),
				TopP:              float64(rapid.IntRange(1, 20).Draw(r, "top_p")) / 20,
				MinP:              float64(rapid.IntRange(0, 9).Draw(r, "min_p")) / 10,
				RepetitionPenalty: 1,
				Seed:              rapid.Uint64().Draw(r, "seed"),
			}
			p, err := New(th, s, n, nil)
			if err != nil {
				r.Fatal(err)
			}
			defer p.Close()
			allowed := reference(s, logits)
			l := th.FromFloat32(logits, 1, n)
			for range 5 {
				id := p.Sample(l, mlx.Array{}).Int()
				if id < 0 || id >= n || !allowed[id] {
					r.Fatalf("drew %d, which the filters exclude: %v of %v", id, allowed, logits)
				}
			}
		})
	})
}

// reference tells which tokens may be drawn; doubtful ones (within rounding of
// a limit, or equal to the last one kept) may.
func reference(s Settings, logits []float32) []bool {
	const slack = 1e-4
	order := make([]int, len(logits))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
	kept := order
	if s.TopK > 0 && s.TopK < len(order) {
		kept = order[:s.TopK]
	}
	top := float64(logits[order[0]])
	prob := func(i int) float64 { return math.Exp((float64(logits[i]) - top) / s.Temperature) }
	var total float64
	for _, i := range kept {
		total += prob(i)
	}
	allowed := make([]bool, len(logits))
	var above float64
	var last float32
	for _, i := range kept {
		if s.TopP < 1 && above >= (s.TopP+slack)*total && logits[i] != last {
			break
		}
		allowed[i] = prob(i) >= s.MinP-slack
		above += prob(i)
		last = logits[i]
	}
	return allowed
}

func TestGreedyTakesTheLikeliest(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		s := off
		s.Temperature, s.TopK, s.TopP = 0, 3, .5
		if c := counts(t, th, s, []float32{1, 5, 2, 5, -1}, 20); c[1] != 20 { // the first of equals
			t.Errorf("drew %v", c)
		}
	})
}

// A reply is a function of the seed, whatever the logits' neighbourhood.
func TestSameSeedSameText(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		const vocabulary, length = 500, 40
		logits := mlxtest.Random(th, 1, length, vocabulary)
		write := func(seed uint64, s Settings) []int {
			s.Seed = seed
			p, err := New(th, s, vocabulary, []int{1, 2, 3})
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			var text []int
			var last mlx.Array
			var pending []mlx.Array
			for i := range length { // no value is read before the end
				last = p.Sample(mlx.Slice(logits, []int{i, 0}, []int{i + 1, vocabulary}), last)
				mlx.AsyncEval(last)
				pending = append(pending, last)
			}
			for _, a := range pending {
				if fmt.Sprint(a.Shape()) != "[1]" || a.Dtype() != mlx.Int32 {
					t.Fatalf("token is %v", a)
				}
				text = append(text, a.Int())
			}
			return text
		}
		rich := Settings{Temperature: .8, TopK: 20, TopP: .9, MinP: .02, PresencePenalty: .5, RepetitionPenalty: 1.1}
		for _, s := range []Settings{off, rich} {
			a, b, c := write(1, s), write(1, s), write(2, s)
			if !slices.Equal(a, b) {
				t.Errorf("%+v: the same seed gave %v and %v", s, a, b)
			}
			same := 0
			for i := range a {
				if a[i] == c[i] {
					same++
				}
			}
			if same > length/2 {
				t.Errorf("%+v: another seed changed only %d of %d tokens", s, length-same, length)
			}
		}
	})
}

func TestPenalties(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		draw := func(s Settings, prompt []int, logits []float32, n int) (text []int) {
			p, err := New(th, s, len(logits), prompt)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			l := th.FromFloat32(logits, 1, len(logits))
			var last mlx.Array
			for range n {
				last = p.Sample(l, last)
				text = append(text, last.Int())
			}
			return text
		}
		greedy := off
		greedy.Temperature = 0
		presence := greedy
		presence.PresencePenalty = 1.5
		// 3 and 2.8 fall to 1.5 and 1.3 once written; a penalty is taken once.
		if got := draw(presence, nil, []float32{3, 2.8, 2, 1.4}, 6); !slices.Equal(got, []int{0, 1, 2, 0, 0, 0}) {
			t.Errorf("presence: %v", got)
		}
		// The prompt does not count for it.
		if got := draw(presence, []int{0}, []float32{3, 2.8}, 2); !slices.Equal(got, []int{0, 1}) {
			t.Errorf("presence with a prompt: %v", got)
		}
		repetition := greedy
		repetition.RepetitionPenalty = 2
		// 3/2, and then 2.8/2, are below 2; the prompt counts.
		if got := draw(repetition, nil, []float32{3, 2.8, 2}, 4); !slices.Equal(got, []int{0, 1, 2, 0}) {
			t.Errorf("repetition: %v", got)
		}
		if got := draw(repetition, []int{0, 99, -1}, []float32{3, 2.8, 2}, 1); !slices.Equal(got, []int{1}) {
			t.Errorf("repetition with a prompt: %v", got)
		}
		// Below zero the penalty multiplies: -1 becomes -2, under -1.5.
		if got := draw(repetition, []int{0}, []float32{-1, -1.5}, 1); !slices.Equal(got, []int{1}) {
			t.Errorf("repetition below zero: %v", got)
		}
	})
}

func TestDamagedLogitsAreNoticed(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	mlxtest.Run(t, func(th *mlx.Thread) {
		for _, c := range []struct {
			logits []float32
			finite bool
		}{{[]float32{1, 2, 3}, true}, {[]float32{1, nan, 3}, false}, {[]float32{nan, nan, nan}, false}, {[]float32{inf, 1, 2}, false}, {[]float32{-inf, 1, 2}, false}} {
			l := th.FromFloat32(c.logits, 1, 3)
			if got := Finite(l).Int() == 1; got != c.finite {
				t.Errorf("%v: finite is %v", c.logits, got)
			}
			for _, s := range []Settings{off, {Temperature: .5, TopK: 2, TopP: .5, MinP: .1, PresencePenalty: 1, RepetitionPenalty: 1.2}} {
				if n := len(counts(t, th, s, c.logits, 2)); n != 3 { // a token of the vocabulary, or counts panics
					t.Errorf("%d counts", n)
				}
			}
		}
	})
}

func TestBadSettings(t *testing.T) {
	mlxtest.Run(t, func(th *mlx.Thread) {
		for field, change := range map[string]func(*Settings){
			"temperature":        func(s *Settings) { s.Temperature = -1 },
			"top_k":              func(s *Settings) { s.TopK = -1 },
			"top_p":              func(s *Settings) { s.TopP = 0 },
			"min_p":              func(s *Settings) { s.MinP = 1 },
			"presence_penalty":   func(s *Settings) { s.PresencePenalty = math.NaN() },
			"repetition_penalty": func(s *Settings) { s.RepetitionPenalty = 0 },
		} {
			s := off
			change(&s)
			if _, err := New(th, s, 10, nil); err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("%s: %v", field, err)
			}
		}
		// Allowed, and must not overflow.
		s := off
		s.Temperature = 1e-9
		if c := counts(t, th, s, []float32{100, 200, 199}, 10); c[1] != 10 {
			t.Errorf("drew %v", c)
		}
	})
}

func TestUniformNumbers(t *testing.T) {
	const n, bins = 20000, 20
	var c [bins]int
	for i := range uint64(n) {
		u := uniform(3, i)
		if u < 0 || u >= 1 || float32(u) >= 1 {
			t.Fatalf("%v", u)
		}
		c[int(u*bins)]++
	}
	var x float64
	for _, k := range c {
		d := float64(k) - n/bins
		x += d * d / (n / bins)
	}
	if x > 43.8 { // once in a thousand for 19 degrees of freedom
		t.Errorf("chi-squared %.1f", x)
	}
	if uniform(1, 0) == uniform(0, 1) || uniform(1, 5) == uniform(2, 4) {
		t.Error("seeds and positions fall together")
	}
}

func BenchmarkSample(b *testing.B) {
	const vocabulary = 151936
	for name, s := range map[string]Settings{
		"greedy":    {Temperature: 0, TopP: 1, RepetitionPenalty: 1},
		"plain":     off,
		"top-k":     {Temperature: .7, TopK: 20, TopP: .8, RepetitionPenalty: 1},
		"top-p":     {Temperature: .6, TopP: .9, RepetitionPenalty: 1},
		"penalties": {Temperature: .7, TopK: 20, TopP: .8, PresencePenalty: 1, RepetitionPenalty: 1.1},
	} {
		b.Run(name, func(b *testing.B) {
			mlxtest.Run(b, func(th *mlx.Thread) {
				p, err := New(th, s, vocabulary, nil)
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				l := mlx.MultiplyScalar(mlxtest.Random(th, 1, 1, vocabulary), 4)
				mlx.Eval(l)
				for b.Loop() {
					scope := th.Enter()
					p.Sample(l, th.FromInts([]int{5})).Int()
					scope.Close()
				}
			})
		})
	}
}
