package generate

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qwill/engine/proto"
)

// embedAll steps an embedding to its end and gives the steps it took.
func embedAll(t *testing.T, n *cipher, r EmbedRequest) (proto.EmbedResult, int, error) {
	t.Helper()
	e, err := NewEmbedding(testModel(n), r)
	if err != nil {
		return proto.EmbedResult{}, 0, err
	}
	steps := 0
	for done := false; !done; steps++ {
		do(t, func() { done = e.Step() })
	}
	res, err := e.Result()
	return res, steps, err
}

// Inputs of all lengths come back in the order they came in, each as if it had
// been alone, packs never larger than a chunk.
func TestEmbedPacks(t *testing.T) {
	inputs := [][]int{{1, 2}, {3, 1, 4, 1, 5, 9, 2, 6, 5}, {7}, {8, 8, 8, 8}, {9, 9}, {1}}
	n := &cipher{}
	got, steps, err := embedAll(t, n, EmbedRequest{Inputs: inputs})
	if err != nil {
		t.Fatal(err)
	}
	// Three chunks of the long one, one of four, {1 2} and {9 9}, then the rest.
	if steps != 6 || n.open != 0 || got.Tokens != 19 {
		t.Errorf("%d steps, %d caches left open, %d tokens", steps, n.open, got.Tokens)
	}
	for i, ids := range inputs {
		alone, _, err := embedAll(t, &cipher{}, EmbedRequest{Inputs: [][]int{ids}})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(alone.Vectors[0], got.Vectors[i]); d != "" {
			t.Errorf("input %d: %s", i, d)
		}
		best, length := 0, 0.0
		for k, v := range got.Vectors[i] {
			if v > got.Vectors[i][best] {
				best = k
			}
			length += float64(v) * float64(v)
		}
		if best != next(ids) || math.Abs(length-1) > 1e-6 {
			t.Errorf("input %d: the largest number is at %d, want %d; length %v", i, best, next(ids), length)
		}
	}
	short, _, err := embedAll(t, &cipher{}, EmbedRequest{Inputs: inputs, Dimensions: 5})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range short.Vectors {
		first := append([]float32(nil), got.Vectors[i][:5]...)
		normalise(first)
		for k := range v {
			if math.Abs(float64(v[k]-first[k])) > 1e-6 {
				t.Errorf("input %d of 5 dimensions: %v, want %v", i, v, first)
				break
			}
		}
	}
}

func TestEmbedFails(t *testing.T) {
	for what, c := range map[string]struct {
		n    cipher
		r    EmbedRequest
		code int
	}{
		"too long":       {cipher{}, EmbedRequest{Inputs: [][]int{{1}, make([]int, 65)}}, proto.CodeTooLong},
		"dimensions":     {cipher{}, EmbedRequest{Inputs: [][]int{{1}}, Dimensions: vocabulary + 1}, proto.CodeInvalid},
		"NaN":            {cipher{poison: 2}, EmbedRequest{Inputs: [][]int{{1}, {1, 2, 3}}}, proto.CodeEngine},
		"NaN in a chunk": {cipher{poison: 5}, EmbedRequest{Inputs: [][]int{{1, 2, 3, 4, 5, 6}}}, proto.CodeEngine},
	} {
		_, _, err := embedAll(t, &c.n, c.r)
		var e *proto.Error
		if !errors.As(err, &e) || e.Code != c.code || c.n.open != 0 {
			t.Errorf("%s: %v, %d caches open", what, err, c.n.open)
		}
	}
}

// A cancelled one frees the cache of the long input that it was reading.
func TestEmbedCancelled(t *testing.T) {
	n := &cipher{}
	e, err := NewEmbedding(testModel(n), EmbedRequest{Inputs: [][]int{{1, 2, 3, 4, 5, 6}}})
	if err != nil {
		t.Fatal(err)
	}
	do(t, func() { e.Step() })
	if n.open != 1 {
		t.Fatalf("%d caches in the middle", n.open)
	}
	e.Cancel()
	done := false
	do(t, func() { done = e.Step() })
	_, err = e.Result()
	var pe *proto.Error
	if !done || !errors.As(err, &pe) || pe.Code != proto.CodeCancelled || n.open != 0 {
		t.Errorf("done %v, %v, %d caches open", done, err, n.open)
	}
}
