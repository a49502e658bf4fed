package engine_test

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"qwill/engine"
)

// several are requests unlike one another.
func several() []engine.GenerateParams {
	var all []engine.GenerateParams
	for i, words := range []string{"Tell me about the sea.", "What is a lighthouse?", "Count to twenty.", faulty, "Write a letter to a friend.", "Hello"} {
		p := chat(words, 24+8*i)
		p.Mode, p.NoCache, p.Logprobs = engine.ModeFast, true, 2
		if i%2 == 1 {
			p.Sampling = engine.Sampling{Temperature: ptr(0.8), TopK: ptr(30), TopP: ptr(0.9), Seed: ptr(uint64(i))}
		}
		p.Lookup = i == 3
		all = append(all, p)
	}
	return all
}

// What is written beside others is what is written alone, to the bit of its
// figures, in whatever order they come and end.
func TestTogetherGivesTheSame(t *testing.T) {
	e := start(t)
	requests := several()
	var alone []*reply
	for _, p := range requests {
		r, _ := generate(t, e, p)
		alone = append(alone, r)
	}
	var wait sync.WaitGroup
	most := 0
	for i, p := range requests {
		wait.Go(func() {
			r := &reply{}
			if _, err := e.Generate(t.Context(), p, r.put); err != nil {
				t.Error(err)
				return
			}
			if r.text != alone[i].text || !slices.EqualFunc(r.tokens, alone[i].tokens, func(x, y engine.Token) bool {
				return x.ID == y.ID && *x.Logprob == *y.Logprob
			}) {
				t.Errorf("request %d beside others: %q, alone %q", i, r.text, alone[i].text)
			}
		})
	}
	for end := time.Now().Add(20 * time.Second); most < len(requests) && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if s, err := e.Stats(t.Context()); err == nil {
			most = max(most, s.Running)
			if s.Running == 0 && most > 1 {
				break
			}
		}
	}
	wait.Wait()
	if most < 3 {
		t.Errorf("%d ran at once", most)
	}
}

// BenchmarkTogether writes eight replies one after the other and at once, in
// turns. QWILL_BENCH_MODEL names another model folder than the starter.
func BenchmarkTogether(b *testing.B) {
	e := engine.New(engine.Config{Binary: binary})
	b.Cleanup(func() { e.Close() })
	path := starter
	if p := os.Getenv("QWILL_BENCH_MODEL"); p != "" {
		path = p
	}
	var rates [2][]float64
	const n, tokens = 8, 96
	for range b.N {
		for way := range rates {
			began := time.Now()
			var wait sync.WaitGroup
			for i := range n {
				p := engine.GenerateParams{Path: path, Mode: engine.ModeFast, MaxTokens: tokens, IgnoreEOS: true, NoCache: true,
					Text: fmt.Sprintf("Story number %d. Once upon a time, near the sea, there was", i)}
				run := func() {
					if _, err := e.Generate(b.Context(), p, func(engine.Event) {}); err != nil {
						b.Error(err)
					}
				}
				if way == 0 {
					run()
				} else {
					wait.Go(run)
				}
			}
			wait.Wait()
			rates[way] = append(rates[way], n*tokens/time.Since(began).Seconds())
		}
	}
	for way, unit := range []string{"tok/s-in-turn", "tok/s-at-once"} {
		slices.Sort(rates[way])
		b.ReportMetric(rates[way][len(rates[way])/2], unit)
	}
	b.ReportMetric(rates[1][len(rates[1])/2]/rates[0][len(rates[0])/2], "ratio")
}
