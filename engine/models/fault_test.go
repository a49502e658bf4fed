package models_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qwill/engine/load"
	"qwill/engine/mlx"
	"qwill/engine/mlx/mlxtest"
	"qwill/engine/models"
	"qwill/engine/proto"
)

// copyOf copies a fixture so that a test may damage it.
func copyOf(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(golden, name))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestFileShrinksAfterCheck cuts a file between the check of its header and the
// reading of its weights: the load fails with the tensor's name, and no array
// is left (mlxtest counts).
func TestFileShrinksAfterCheck(t *testing.T) {
	for _, keep := range []float64{0.9, 0.3, 0} {
		dir := copyOf(t, "qwen3-4bit-g32")
		c, err := load.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "model.safetensors")
		if err := os.Truncate(path, int64(keep*float64(c.Files[0].Header.Size))); err != nil {
			t.Fatal(err)
		}
		mlxtest.Run(t, func(th *mlx.Thread) {
			m, err := models.Load(th, c, mlx.Exact, nil)
			if err == nil {
				m.Close()
				t.Errorf("cut to %v: loaded all the same", keep)
				return
			}
			var e *proto.Error
			if !errors.As(err, &e) || e.Code != proto.CodeModel || e.File != path || !strings.HasPrefix(e.Field, "model.") || !strings.Contains(e.Message, "ends early") {
				t.Errorf("cut to %v: error %v", keep, err)
			}
		})
	}
}

// TestFileGoneAfterCheck removes a shard in between.
func TestFileGoneAfterCheck(t *testing.T) {
	dir := copyOf(t, "llama-sharded")
	c, err := load.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	gone := c.Files[len(c.Files)-1].Path
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	mlxtest.Run(t, func(th *mlx.Thread) {
		m, err := models.Load(th, c, mlx.Exact, nil)
		if err == nil {
			m.Close()
			t.Error("loaded all the same")
			return
		}
		var e *proto.Error
		if !errors.As(err, &e) || e.File != gone || e.Hint == "" {
			t.Errorf("error %v", err)
		}
	})
}

// TestNotFiniteScales puts a NaN into one scale: nothing crashes, and the
// logits say so, which is what ends a generation with an error.
func TestNotFiniteScales(t *testing.T) {
	dir := copyOf(t, "qwen3-4bit-g32")
	c, err := load.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := c.Matrices["model.layers.0.mlp.down_proj"].Scales
	if s.Dtype != "F32" {
		t.Fatalf("the fixture's scales are %s", s.Dtype)
	}
	for what, bits := range map[string][]byte{"NaN": {0, 0, 0xc0, 0x7f}, "infinity": {0, 0, 0x80, 0x7f}} {
		f, err := os.OpenFile(c.Files[s.File].Path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(bits, s.Offset); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		for _, mode := range []mlx.Mode{mlx.Exact, mlx.Fast} {
			withModel(t, dir, mode, func(th *mlx.Thread, m *models.Model) {
				cache := m.NewCache()
				defer cache.Close()
				logits := m.Logits(m.Forward(th.FromInts([]int{3, 4, 5}), cache))
				finite := mlx.All(mlx.IsFinite(mlx.Reshape(logits, -1)), 0, false)
				if finite.Int() != 0 {
					t.Errorf("%s in a scale, %v: all logits are finite", what, mode)
				}
			})
		}
	}
}
