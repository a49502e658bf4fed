// Package bench measures how fast a model reads and writes on this machine.
package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"

	"qwill/engine"
	"qwill/engine/proto"
)

// Engine is what the measurement needs of *engine.Engine.
type Engine interface {
	Start(ctx context.Context) (engine.HelloResult, error)
	Open(ctx context.Context, path string, mode engine.Mode, progress func(engine.LoadProgress)) (engine.ModelInfo, error)
	CloseModel(ctx context.Context, path string, mode engine.Mode) error
	Generate(ctx context.Context, p engine.GenerateParams, fn func(engine.Event)) (engine.Result, error)
}

// Options of a measurement; zero fields take the default named.
type Options struct {
	Prompt int           // tokens read; default 512
	Gen    int           // tokens written; default 128
	Runs   int           // measured runs a mode, after one to warm up; default 3
	Modes  []engine.Mode // default fast and exact
	// Progress, which may be nil, is told before each run.
	Progress func(mode engine.Mode, run, runs int)
}

// Report is the result; its JSON is the one of qwill bench --json.
type Report struct {
	Machine string    `json:"machine"`
	Model   string    `json:"model"`
	Runs    []Figures `json:"runs"`
}

// Figures holds the medians of one mode.
type Figures struct {
	Mode             engine.Mode `json:"mode"`
	Prompt           int         `json:"prompt"`
	Gen              int         `json:"gen"`
	PrefillPerSecond float64     `json:"prefill_tokens_per_second"`
	DecodePerSecond  float64     `json:"decode_tokens_per_second"`
	TTFTMillis       float64     `json:"ttft_ms"`
	PeakMemoryBytes  int64       `json:"peak_memory_bytes"`
}

// Run measures the model folder at path, an absolute path: a prompt of
// random tokens is read, then tokens are written greedily past any end of turn,
// without help of the prefix cache. Every figure is the median of the runs of
// its mode. The model is left closed.
func Run(ctx context.Context, e Engine, path string, opt Options) (Report, error) {
	if opt.Prompt == 0 {
		opt.Prompt = 512
	}
	if opt.Gen == 0 {
		opt.Gen = 128
	}
	if opt.Runs == 0 {
		opt.Runs = 3
	}
	if len(opt.Modes) == 0 {
		opt.Modes = []engine.Mode{engine.ModeFast, engine.ModeExact}
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"prompt", opt.Prompt}, {"gen", opt.Gen}, {"runs", opt.Runs}} {
		if f.value < 1 {
			return Report{}, &engine.Error{Code: proto.CodeInvalid, Message: fmt.Sprintf("%s must be at least 1, not %d", f.name, f.value),
				ErrorData: proto.ErrorData{Field: f.name}}
		}
	}
	hello, err := e.Start(ctx)
	if err != nil {
		return Report{}, err
	}
	report := Report{Machine: machine(hello), Model: path}
	for _, mode := range opt.Modes {
		run, err := measureMode(ctx, e, path, mode, opt)
		if err != nil {
			return Report{}, err
		}
		report.Runs = append(report.Runs, run)
	}
	return report, nil
}

func measureMode(ctx context.Context, e Engine, path string, mode engine.Mode, opt Options) (Figures, error) {
	info, err := e.Open(ctx, path, mode, nil)
	if err != nil {
		return Figures{}, err
	}
	defer func() { _ = e.CloseModel(context.WithoutCancel(ctx), path, mode) }()
	if n := opt.Prompt + opt.Gen; n > info.Context {
		return Figures{}, &engine.Error{Code: proto.CodeTooLong, Message: fmt.Sprintf("prompt and gen are %d tokens together, the model's context is %d", n, info.Context),
			ErrorData: proto.ErrorData{Field: "prompt"}}
	}
	greedy := 0.0
	p := engine.GenerateParams{Path: path, Mode: mode, Prompt: prompt(opt.Prompt, info.Vocabulary), MaxTokens: opt.Gen,
		Sampling: engine.Sampling{Temperature: &greedy}, IgnoreEOS: true, NoCache: true}
	var prefill, decode, ttft []float64
	var peak []int64
	for i := range opt.Runs + 1 {
		if opt.Progress != nil {
			opt.Progress(mode, i, opt.Runs)
		}
		r, err := measure(ctx, e, p)
		if err != nil {
			return Figures{}, err
		}
		if i == 0 {
			continue // warms up the caches of processor and allocator
		}
		prefill, decode = append(prefill, r.PrefillPerSecond), append(decode, r.DecodePerSecond)
		ttft, peak = append(ttft, r.TTFTMillis), append(peak, r.PeakMemoryBytes)
	}
	return Figures{Mode: mode, Prompt: opt.Prompt, Gen: opt.Gen, PrefillPerSecond: median(prefill), DecodePerSecond: median(decode),
		TTFTMillis: median(ttft), PeakMemoryBytes: median(peak)}, nil
}

func measure(ctx context.Context, e Engine, p engine.GenerateParams) (engine.Result, error) {
	r, err := e.Generate(ctx, p, func(engine.Event) {})
	switch {
	case err != nil:
		return r, err
	case r.Finish == proto.FinishCancelled:
		return r, context.Cause(ctx)
	case r.PromptTokens != len(p.Prompt) || r.CachedTokens != 0 || r.CompletionTokens != p.MaxTokens:
		return r, fmt.Errorf("bench: the engine read %d tokens (%d from its cache) and wrote %d; asked for were %d and %d",
			r.PromptTokens, r.CachedTokens, r.CompletionTokens, len(p.Prompt), p.MaxTokens)
	}
	return r, nil
}

func machine(h engine.HelloResult) string {
	parts := []string{runtime.GOOS + "/" + runtime.GOARCH, processor(),
		fmt.Sprintf("%d threads", h.Threads), h.Device, h.Kernels, "mlx " + h.MLX}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" || s == "mlx " }), ", ")
}

// processor is the name that Linux gives the processor, "" elsewhere.
func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func median[T int64 | float64](v []T) T {
	slices.Sort(v)
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}

// prompt gives n token ids, the same for the same model each time, from the
// lower half of the vocabulary, where no model keeps its control tokens.
func prompt(n, vocabulary int) []int {
	r := rand.New(rand.NewPCG(1, 2))
	ids := make([]int, n)
	for i := range ids {
		ids[i] = r.IntN(max(1, vocabulary/2))
	}
	return ids
}
