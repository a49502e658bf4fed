package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qwill/engine/mlx"
	"qwill/engine/proto"
	"qwill/engine/quant"
	"qwill/engine/safetensors"
)

// source copies a golden model; dtype, if any, is what its config.json names.
func source(t *testing.T, name, dtype string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("../testdata/golden", name))); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(dir, "expected.safetensors"))
	path := filepath.Join(dir, "config.json")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if dtype != "" {
		b = []byte(strings.Replace(string(b), "{", `{"torch_dtype":"`+dtype+`",`, 1))
	}
	for name, text := range map[string]string{"config.json": string(b), "tokenizer.json": "{}", "1_Pooling/config.json": "{}"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// digest is that of build/fixtures/make_quantized.py.
func digest(t *testing.T, dir string) string {
	t.Helper()
	folder, err := safetensors.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for name, x := range folder.Tensors {
		data, err := os.ReadFile(folder.Files[x.File].Path)
		if err != nil {
			t.Fatal(err)
		}
		var shape []string
		for _, d := range x.Shape {
			shape = append(shape, fmt.Sprint(d))
		}
		sum := sha256.Sum256(data[x.Offset : x.Offset+x.Bytes])
		lines = append(lines, fmt.Sprintf("%s %s %s %x\n", name, x.Dtype, strings.Join(shape, ","), sum))
	}
	slices.Sort(lines)
	all := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(all[:])
}

func startMLX(t *testing.T) *mlx.Thread {
	t.Helper()
	thread, err := mlx.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(thread.Stop)
	return thread
}

// Every tensor equals, bit for bit, what mlx-lm's convert writes.
func TestQuantizeEqualsConvert(t *testing.T) {
	b, err := os.ReadFile("../testdata/quantized.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]map[string]string
	if err := json.Unmarshal(b, &want); err != nil || len(want) < 5 {
		t.Fatalf("%d models, %v", len(want), err)
	}
	thread := startMLX(t)
	ran := 0
	for model, forms := range want {
		name, dtype, _ := strings.Cut(model, " ")
		from := source(t, name, dtype)
		for form, sum := range forms {
			var f quant.Affine
			if _, err := fmt.Sscanf(form, "%d-%d", &f.Bits, &f.GroupSize); err != nil {
				t.Fatal(err)
			}
			if f.Check() != nil {
				continue // not read by this engine, so not written either
			}
			ran++
			to := filepath.Join(t.TempDir(), form)
			last := int64(0)
			r, err := quantizeFolder(t.Context(), thread, from, to, f, func(done, total int64) {
				if done <= last || done > total {
					t.Errorf("%s %s: progress from %d to %d of %d", model, form, last, done, total)
				}
				last = done
			})
			if err != nil {
				t.Fatalf("%s %s: %v", model, form, err)
			}
			if got := digest(t, to); got != sum || r.Bytes != last {
				t.Errorf("%s %s: the tensors have the digest %s, mlx-lm's %s", model, form, got, sum)
			}
			for _, file := range []string{"tokenizer.json", "1_Pooling/config.json"} {
				if _, err := os.Stat(filepath.Join(to, file)); err != nil {
					t.Errorf("%s %s: %v", model, form, err)
				}
			}
		}
	}
	if ran < 30 {
		t.Errorf("only %d forms were compared", ran)
	}
}

// A target that is there, a source that is quantized, a cancel and a full disk
// leave nothing behind.
func TestQuantizeRefuses(t *testing.T) {
	thread := startMLX(t)
	from := source(t, "qwen3-bf16", "")
	form := quant.Affine{Bits: 4, GroupSize: 64}
	parent := t.TempDir()
	try := func(what, from, to string, ctx context.Context, progress func(int64, int64)) error {
		t.Helper()
		_, err := quantizeFolder(ctx, thread, from, to, form, progress)
		if err == nil {
			t.Errorf("%s: it was written", what)
		}
		left, _ := os.ReadDir(parent)
		if len(left) != 0 {
			t.Errorf("%s: left %v", what, left)
		}
		return err
	}
	quiet := func(int64, int64) {}
	var pe *proto.Error
	if err := try("quantized", filepath.Join("../testdata/golden/qwen3-4bit-g64"), filepath.Join(parent, "a"), t.Context(), quiet); !errors.As(err, &pe) || !strings.Contains(pe.Message, "already") {
		t.Errorf("quantized: %v", err)
	}
	if err := try("target", from, from, t.Context(), quiet); !errors.As(err, &pe) || pe.File != from {
		t.Errorf("target: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := try("cancelled", from, filepath.Join(parent, "a"), ctx, func(done, _ int64) {
		if done > 1000 {
			cancel()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
