package models_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"qwill/engine/mlx"
	"qwill/engine/models"
	"qwill/engine/safetensors"
)

const embedding = "../testdata/embedding" // build/fixtures/make_embedding.py

// TestPackAgreesWithReference embeds token ids alone, side by side and in
// chunks, and compares each vector with mlx-lm's.
func TestPackAgreesWithReference(t *testing.T) {
	path := filepath.Join(embedding, "expected.safetensors")
	h, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	words := map[string][]uint32{}
	for _, x := range h.Tensors {
		w := make([]uint32, x.Bytes/4)
		for i := range w {
			w[i] = binary.LittleEndian.Uint32(data[x.Offset+4*int64(i):])
		}
		words[x.Name] = w
	}
	var inputs [][]int
	var want [][]float64
	for i := 0; words[fmt.Sprintf("ids.%d", i)] != nil; i++ {
		var ids []int
		for _, w := range words[fmt.Sprintf("ids.%d", i)] {
			ids = append(ids, int(w))
		}
		var v []float64
		for _, w := range words[fmt.Sprintf("vector.%d", i)] {
			v = append(v, float64(math.Float32frombits(w)))
		}
		inputs, want = append(inputs, ids), append(want, v)
	}
	if len(inputs) < 8 {
		t.Fatalf("%d inputs in %s", len(inputs), path)
	}

	withModel(t, embedding, mlx.Exact, func(th *mlx.Thread, m *models.Model) {
		compare := func(what string, i int, row []float32) {
			t.Helper()
			sum := 0.0
			for _, x := range row {
				sum += float64(x) * float64(x)
			}
			worst := 0.0
			for k, x := range row {
				if d := math.Abs(float64(x)/math.Sqrt(sum) - want[i][k]); !(d <= worst) {
					worst = d
				}
			}
			if !(worst <= 1e-5) || len(row) != len(want[i]) {
				t.Errorf("%s, input %d of %d tokens: differs by up to %.2g", what, i, len(inputs[i]), worst)
			}
		}
		lastOf := func(rows mlx.Array) []float32 {
			flat, width := rows.Float32s(), rows.Dim(1)
			return flat[len(flat)-width:]
		}
		var joined, lengths []int
		for i, ids := range inputs {
			joined, lengths = append(joined, ids...), append(lengths, len(ids))

			s := th.Enter()
			compare("alone", i, lastOf(m.Pack(th.FromInts(ids), []int{len(ids)})))
			s.Close()

			c := m.NewCache()
			for at := 0; at < len(ids); at += 16 {
				s := th.Enter()
				end := min(len(ids), at+16)
				row := lastOf(m.Forward(th.FromInts(ids[at:end]), c))
				if end == len(ids) {
					compare("in chunks", i, row)
				}
				s.Close()
			}
			c.Close()
		}
		s := th.Enter()
		defer s.Close()
		rows := m.Pack(th.FromInts(joined), lengths)
		flat, width := rows.Float32s(), rows.Dim(1)
		at := 0
		for i, n := range lengths {
			at += n
			compare("side by side", i, flat[(at-1)*width:at*width])
		}
	})
}
