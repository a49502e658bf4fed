package catalogue

import (
	"math"
	"strings"
	"testing"

	engine "qwill/engine/load"
)

const gib = int64(1) << 30

func find(t *testing.T, all []Entry, repo string) Entry {
	t.Helper()
	e, ok := Find(all, repo)
	if !ok {
		t.Fatalf("%s is missing", repo)
	}
	return e
}

func TestList(t *testing.T) {
	all, err := List(16 * gib)
	if err != nil || len(all) != 32 {
		t.Fatal(len(all), err)
	}
	recommended := 0
	for _, e := range all {
		if e.Memory <= e.Bytes*9/10 || e.Bytes <= 0 || e.Context < 32768 || e.Licence != "Apache-2.0" || e.Title == "" || e.Reason == "" || e.GoodFor == "" || e.Evidence == "" {
			t.Errorf("%+v", e)
		}
		if moe := strings.Contains(e.Repo, "-A"); e.Runs == moe || moe != (e.Reason == ReasonUnsupported) {
			t.Errorf("%s runs: %v, %s", e.Repo, e.Runs, e.Reason)
		}
		if e.Recommended {
			recommended++
			if e.Fits != Yes || !e.Runs || e.Reason != ReasonRecommended {
				t.Errorf("recommended: %+v", e)
			}
		}
	}
	if recommended != 1 {
		t.Errorf("%d are recommended", recommended)
	}
	// Published totals, and the key-value cache by the geometry: 36 layers, 8
	// heads of 128, keys and values, 2 bytes, 8192 tokens.
	e := find(t, all, "qwen/qwen3-4b-mlx-4BIT")
	if kv := int64(36 * 8 * 128 * 2 * 2 * 8192); e.Bytes != 2153299972 || math.Abs(float64(e.Memory-(2137000000+kv+Overhead))) > 2e6 || e.Title != "Qwen3 4B, 4 bit" {
		t.Errorf("%+v", e)
	}
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		memory int64
		repo   string
		fits   string
	}{
		{8 * gib, "Qwen/Qwen3-0.6B-MLX-4bit", Yes}, {8 * gib, "Qwen/Qwen3-4B-MLX-4bit", Yes}, {8 * gib, "Qwen/Qwen3-8B-MLX-4bit", Tight},
		{8 * gib, "Qwen/Qwen3-14B-MLX-4bit", No}, {32 * gib, "Qwen/Qwen3-14B-MLX-4bit", Yes}, {0, "Qwen/Qwen3-32B-MLX-bf16", Yes},
		{2 * gib, "Qwen/Qwen3-1.7B-MLX-4bit", No},
	} {
		all, err := List(c.memory)
		if err != nil {
			t.Fatal(err)
		}
		if e := find(t, all, c.repo); e.Fits != c.fits {
			t.Errorf("%s with %d GiB: %s (%d)", c.repo, c.memory/gib, e.Fits, e.Memory)
		}
	}
	all, _ := List(gib)
	for _, e := range all {
		if e.Recommended {
			t.Errorf("%s is recommended for 1 GiB", e.Repo)
		}
	}
	if Memory() <= 0 {
		t.Error("this machine's memory is not known")
	}
}

// The list of architectures is the engine's own.
func TestArchitecturesAreTheEngines(t *testing.T) {
	all, _ := List(0)
	for _, e := range all {
		_, err := engine.ParseConfig([]byte(`{"model_type":"` + e.Architecture + `"}`))
		if unsupported := strings.Contains(err.Error(), "not supported yet"); unsupported == e.Runs {
			t.Errorf("%s runs: %v, but the engine says %v", e.Architecture, e.Runs, err)
		}
	}
}
