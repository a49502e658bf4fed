package models_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qwill/engine/kv"
	"qwill/engine/load"
	"qwill/engine/mlx"
	"qwill/engine/mlx/mlxtest"
	"qwill/engine/models"
	"qwill/engine/safetensors"
)

const (
	golden    = "../testdata/golden"
	tolerance = 1e-4 // of a log-probability, in exact mode
)

// expected is what mlx-lm computed; see build/fixtures/make_golden.py.
type expected struct {
	tokens, greedy []int
	logprobs       [][]float32 // [position][vocabulary]
}

func readExpected(t *testing.T, dir string) expected {
	t.Helper()
	path := filepath.Join(dir, "expected.safetensors")
	h, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var e expected
	for _, s := range h.Tensors {
		b := data[s.Offset : s.Offset+s.Bytes]
		word := func(i int) uint32 {
			return uint32(b[4*i]) | uint32(b[4*i+1])<<8 | uint32(b[4*i+2])<<16 | uint32(b[4*i+3])<<24
		}
		switch s.Name {
		case "tokens", "greedy":
			ids := make([]int, s.Shape[0])
			for i := range ids {
				ids[i] = int(int32(word(i)))
			}
			if s.Name == "tokens" {
				e.tokens = ids
			} else {
				e.greedy = ids
			}
		case "logprobs":
			for p := range int(s.Shape[0]) {
				row := make([]float32, s.Shape[1])
				for v := range row {
					row[v] = math.Float32frombits(word(p*len(row) + v))
				}
				e.logprobs = append(e.logprobs, row)
			}
		}
	}
	if len(e.tokens) < 32 || len(e.logprobs) != len(e.tokens) || len(e.greedy) < 8 {
		t.Fatalf("%s: %d tokens, %d rows, %d greedy tokens", path, len(e.tokens), len(e.logprobs), len(e.greedy))
	}
	return e
}

// TestManifest fails when fixtures are lost, added or changed without the
// script that makes them.
func TestManifest(t *testing.T) {
	f, err := os.Open(filepath.Join(golden, "MANIFEST"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	listed := map[string]bool{"MANIFEST": true}
	for s := bufio.NewScanner(f); s.Scan(); {
		sum, name, _ := strings.Cut(s.Text(), "  ")
		listed[name] = true
		data, err := os.ReadFile(filepath.Join(golden, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if have := sha256.Sum256(data); hex.EncodeToString(have[:]) != sum {
			t.Errorf("%s is not the file that the manifest lists", name)
		}
	}
	if err := filepath.WalkDir(golden, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if name, _ := filepath.Rel(golden, path); !listed[filepath.ToSlash(name)] {
				t.Errorf("%s is not in the manifest", name)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func cases(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(golden, "*", "config.json"))
	if err != nil || len(all) < 20 {
		t.Fatalf("%d fixtures in %s (%v)", len(all), golden, err)
	}
	for i := range all {
		all[i] = filepath.Dir(all[i])
	}
	return all
}

// withModel loads the fixture in dir for f.
func withModel(t *testing.T, dir string, mode mlx.Mode, f func(th *mlx.Thread, m *models.Model)) {
	t.Helper()
	c, err := load.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	mlxtest.Run(t, func(th *mlx.Thread) {
		m, err := models.Load(th, c, mode, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer m.Close()
		f(th, m)
	})
}

// logprobs reads ids in pieces of at most chunk tokens and gives the
// log-probabilities after each.
func logprobs(th *mlx.Thread, m *models.Model, c *kv.Cache, ids []int, chunk int) [][]float32 {
	var rows [][]float32
	for len(ids) > 0 {
		n := min(chunk, len(ids))
		s := th.Enter()
		logits := m.Logits(m.Forward(th.FromInts(ids[:n]), c))
		lp := mlx.Subtract(logits, mlx.LogSumExp(logits, -1, true))
		v := lp.Dim(1)
		flat := lp.Float32s()
		for i := range n {
			rows = append(rows, flat[i*v:(i+1)*v])
		}
		s.Close()
		ids = ids[n:]
	}
	return rows
}

// worst is the largest difference of two tables.
func worst(t *testing.T, got, want [][]float32) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d positions, want %d", len(got), len(want))
	}
	w := 0.0
	for p := range want {
		for v := range want[p] {
			d := math.Abs(float64(got[p][v]) - float64(want[p][v]))
			if !(d <= w) { // also when it is not a number
				w = d
			}
		}
	}
	return w
}

func check(t *testing.T, what string, got, want [][]float32, limit float64) {
	t.Helper()
	if w := worst(t, got, want); !(w <= limit) {
		t.Errorf("%s: log-probabilities differ by up to %.2g, allowed is %.0e", what, w, limit)
	}
}

// TestAgreesWithReference reads each fixture in one pass, in pieces of several
// sizes, and from a cache that was cut back, and compares every position's
// log-probabilities with mlx-lm's.
func TestAgreesWithReference(t *testing.T) {
	for _, dir := range cases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want := readExpected(t, dir)
			withModel(t, dir, mlx.Exact, func(th *mlx.Thread, m *models.Model) {
				for _, chunk := range []int{len(want.tokens), 1, 7, 16} {
					c := m.NewCache()
					check(t, "in pieces", logprobs(th, m, c, want.tokens, chunk), want.logprobs, tolerance)
					c.Close()
				}

				// Something else after a shared beginning, cut back, then the rest.
				c := m.NewCache()
				defer c.Close()
				shared := len(want.tokens) / 3
				wrong := append([]int{}, want.tokens[:shared]...)
				wrong = append(wrong, 5, 4, 3, 9, 9, 9)
				logprobs(th, m, c, wrong, 8)
				if err := c.Truncate(shared); err != nil {
					t.Fatal(err)
				}
				rest := logprobs(th, m, c, want.tokens[shared:], 16)
				check(t, "after a cut", rest, want.logprobs[shared:], tolerance)

				// A copy of the beginning goes its own way; the original stays whole.
				fork, err := c.Fork(shared)
				if err != nil {
					t.Fatal(err)
				}
				defer fork.Close()
				logprobs(th, m, fork, []int{7, 7, 7}, 3)
				if err := fork.Truncate(shared); err != nil {
					t.Fatal(err)
				}
				check(t, "from a copy", logprobs(th, m, fork, want.tokens[shared:], 5), want.logprobs[shared:], tolerance)
				last := len(want.tokens) - 1
				if err := c.Truncate(last); err != nil {
					t.Fatal(err)
				}
				check(t, "beside a copy", logprobs(th, m, c, want.tokens[last:], 1), want.logprobs[last:], tolerance)
			})
		})
	}
}

func TestGreedyAgreesWithReference(t *testing.T) {
	for _, dir := range cases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want := readExpected(t, dir)
			withModel(t, dir, mlx.Exact, func(th *mlx.Thread, m *models.Model) {
				c := m.NewCache()
				defer c.Close()
				rows := logprobs(th, m, c, want.tokens, 64)
				for i, id := range want.greedy {
					last := rows[len(rows)-1]
					best := 0
					for v := range last {
						if last[v] > last[best] {
							best = v
						}
					}
					if best != id {
						t.Fatalf("token %d of the continuation is %d, want %d", i, best, id)
					}
					rows = logprobs(th, m, c, []int{id}, 1)
				}
			})
		})
	}
}

// TestFastStaysClose holds the int8 mode against the same reference. Rounding
// activations to 8 bits moves the distribution, which the mean divergence
// measures; 0.01 nats is three times the largest seen on these models, whose
// random weights are harsher than trained ones.
func TestFastStaysClose(t *testing.T) {
	const limit = 0.01
	for _, dir := range cases(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want := readExpected(t, dir)
			withModel(t, dir, mlx.Fast, func(th *mlx.Thread, m *models.Model) {
				c := m.NewCache()
				defer c.Close()
				got := logprobs(th, m, c, want.tokens, 16)
				kl := 0.0
				for p, row := range want.logprobs {
					for v, lp := range row {
						kl += math.Exp(float64(lp)) * (float64(lp) - float64(got[p][v]))
					}
				}
				kl /= float64(len(got))
				t.Logf("mean divergence %.4f nats", kl)
				if !(kl <= limit) {
					t.Errorf("mean divergence is %.4f nats, allowed is %g", kl, limit)
				}
			})
		})
	}
}
