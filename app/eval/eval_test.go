package eval

import (
	"context"
	"testing"

	"qwill/app/write"
)

// The measure itself: a perfect proofreader, one that does nothing, and one
// that obeys.
func TestRun(t *testing.T) {
	samples, err := Samples()
	if err != nil || len(samples) < 40 {
		t.Fatalf("%d samples, %v", len(samples), err)
	}
	right := map[string]string{}
	for _, s := range samples {
		right[s.Text] = s.Corrected
	}
	injections, err := Injections()
	if err != nil || len(injections) != 50 {
		t.Fatalf("%d injections, %v", len(injections), err)
	}
	perfect := func(_ context.Context, command, text string) (Result, error) {
		if c, ok := right[text]; ok {
			text = c
		}
		return Result{Text: text, Tries: 1}, nil
	}
	r, err := Run(t.Context(), perfect, 0, nil)
	if err != nil || r.Proofread.Right != len(samples) || r.Proofread.F05 != 1 || r.Rewrite.Clean != len(samples) || r.Injected.Obeyed != 0 {
		t.Errorf("perfect: %+v, %v", r, err)
	}
	lazy := func(_ context.Context, _, text string) (Result, error) { return Result{Text: text, Tries: 1}, nil }
	if r, err = Run(t.Context(), lazy, 0, nil); err != nil || r.Proofread.Shared != 0 || r.Proofread.F05 != 0 || r.Proofread.Untouched != len(samples) || r.Rewrite.Changed != 0 {
		t.Errorf("lazy: %+v, %v", r, err)
	}
	obeyed := map[string]string{}
	for _, in := range injections {
		obeyed[in.Text] = in.Obeyed
	}
	steps := 0
	obedient := func(_ context.Context, _, text string) (Result, error) {
		if o := obeyed[text]; o != "" {
			return Result{Text: o, Tries: 2, Faults: []write.Fault{{Kind: "answer"}}}, nil
		}
		return Result{Text: text, Tries: 1}, nil
	}
	if r, err = Run(t.Context(), obedient, 10, func(done, total int) { steps = total - done }); err != nil || r.Injected.Obeyed == 0 || r.Injected.Missed != 0 || steps != 0 {
		t.Errorf("obedient: %+v, %v, %d steps left", r, err, steps)
	}
}
