package bench

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"qwill/engine"
	"qwill/engine/proto"
)

// fixed answers with figures that differ from run to run.
type fixed struct {
	n      int
	open   bool
	broken bool
	t      *testing.T
}

func (f *fixed) Start(context.Context) (engine.HelloResult, error) {
	return engine.HelloResult{MLX: "0.32.4", Device: "cpu", Kernels: "avx2", Threads: 2}, nil
}

func (f *fixed) Open(_ context.Context, path string, mode engine.Mode, _ func(engine.LoadProgress)) (engine.ModelInfo, error) {
	f.open = true
	return engine.ModelInfo{Vocabulary: 100, Context: 64}, nil
}

func (f *fixed) CloseModel(context.Context, string, engine.Mode) error { f.open = false; return nil }

func (f *fixed) Generate(_ context.Context, p engine.GenerateParams, _ func(engine.Event)) (engine.Result, error) {
	if !p.IgnoreEOS || !p.NoCache || *p.Sampling.Temperature != 0 || slices.Max(p.Prompt) >= 50 || slices.Min(p.Prompt) == slices.Max(p.Prompt) {
		f.t.Errorf("parameters %+v", p)
	}
	if e := p.Validate(); e != nil {
		f.t.Error(e)
	}
	v := []float64{1000, 10, 30, 20}[f.n%4] // the first is the warm-up
	f.n++
	r := engine.Result{Finish: proto.FinishLength, PromptTokens: len(p.Prompt), CompletionTokens: p.MaxTokens, PrefillPerSecond: v, DecodePerSecond: v + 1, TTFTMillis: v + 2, PeakMemoryBytes: int64(v)}
	if f.broken {
		r.CompletionTokens--
	}
	return r, nil
}

func TestRun(t *testing.T) {
	f := &fixed{t: t}
	r, err := Run(t.Context(), f, "/m", Options{Prompt: 16, Gen: 8})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Runs) != 2 || f.n != 8 || f.open {
		t.Errorf("%d modes, %d generations, left open %v", len(r.Runs), f.n, f.open)
	}
	want := Figures{Mode: engine.ModeFast, Prompt: 16, Gen: 8, PrefillPerSecond: 20, DecodePerSecond: 21, TTFTMillis: 22, PeakMemoryBytes: 20}
	if r.Runs[0] != want {
		t.Errorf("%+v, want the medians %+v", r.Runs[0], want)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{`"machine":"`, `"model":"/m"`, `"runs":[{"mode":"fast","prompt":16,"gen":8,"prefill_tokens_per_second":20,"decode_tokens_per_second":21,"ttft_ms":22,"peak_memory_bytes":20}`} {
		if !strings.Contains(string(b), k) {
			t.Errorf("%s lacks %s", b, k)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	var pe *engine.Error
	if _, err := Run(t.Context(), &fixed{t: t}, "/m", Options{Prompt: 60, Gen: 8}); !errors.As(err, &pe) || pe.Code != proto.CodeTooLong {
		t.Errorf("too long: %v", err)
	}
	if _, err := Run(t.Context(), &fixed{t: t}, "/m", Options{Gen: -1}); !errors.As(err, &pe) || pe.Field != "gen" {
		t.Errorf("negative: %v", err)
	}
	if _, err := Run(t.Context(), &fixed{t: t, broken: true}, "/m", Options{Prompt: 4, Gen: 4}); err == nil {
		t.Error("a short run was counted")
	}
}
