package engine_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"qwill/engine"
	"qwill/engine/proto"
)

const faulty = "The ferry leave every morning at seven, and it arive in the old harbour an hour later. " +
	"Most passengers is workers who lives on the island and work in the town. " +
	"In summer there are also many visitors, which wants to see the lighthouse and the gardens."

func corrected(max int, mode engine.Mode) engine.GenerateParams {
	p := chat("Repeat this text with its mistakes corrected, and nothing else:\n\n"+faulty, max)
	p.Mode, p.Lookup = mode, true
	return p
}

// The starter writes the same with guesses and without, to the last bit of its
// figures, also while requests wait for one another.
func TestLookupGivesTheSame(t *testing.T) {
	e := start(t)
	seeded := corrected(60, engine.ModeFast)
	seeded.Sampling = engine.Sampling{Temperature: ptr(0.7), TopK: ptr(20), TopP: ptr(0.8), Seed: ptr(uint64(7))}
	punished := corrected(40, engine.ModeFast)
	punished.Sampling = engine.Sampling{Temperature: ptr(0.5), PresencePenalty: ptr(0.3), RepetitionPenalty: ptr(1.05), Seed: ptr(uint64(9))}
	form := corrected(70, engine.ModeFast)
	form.Format = &engine.Format{JSONSchema: json.RawMessage(edits)}
	stops := corrected(60, engine.ModeFast)
	stops.Stop = []string{"harbour"}
	raw := corrected(60, engine.ModeFast)
	raw.Messages, raw.Text, raw.IgnoreEOS = nil, faulty+"\n\n"+faulty+"\n\n"+faulty[:40], true
	for name, p := range map[string]engine.GenerateParams{
		"exact": corrected(50, engine.ModeExact), "fast": corrected(60, engine.ModeFast), "seeded": seeded,
		"penalties": punished, "form": form, "stop": stops, "raw": raw,
	} {
		p.NoCache, p.Logprobs = true, 3 // each reads its prompt itself
		var replies [2]*reply
		var results [2]engine.Result
		for i := range 2 {
			p.Lookup = i == 1
			replies[i], results[i] = generate(t, e, p)
		}
		a, b := results[0], results[1]
		if replies[0].text != replies[1].text || a.Finish != b.Finish || a.CompletionTokens != b.CompletionTokens {
			t.Errorf("%s: %q with guesses (%+v), without %q (%+v)", name, replies[1].text, b, replies[0].text, a)
		}
		if !slices.EqualFunc(replies[0].tokens, replies[1].tokens, func(x, y engine.Token) bool {
			return x.ID == y.ID && *x.Logprob == *y.Logprob
		}) {
			t.Errorf("%s: the figures differ", name)
		}
		t.Logf("%s: %d tokens, %d guessed, %d came", name, b.CompletionTokens, b.Drafted, b.Accepted)
		if name == "raw" && b.Accepted < b.CompletionTokens/2 {
			t.Errorf("%d of %d tokens were guessed right in a text that repeats itself", b.Accepted, b.CompletionTokens)
		}
		if a.Drafted != 0 {
			t.Errorf("%s: %d tokens guessed unasked", name, a.Drafted)
		}
	}
	raw.NoCache, raw.Logprobs, raw.Lookup = true, 0, true
	alone, _ := generate(t, e, raw)
	var wait sync.WaitGroup
	var texts [3]string
	for i := range texts {
		wait.Go(func() {
			p := raw
			p.Prior = i * proto.PriorityInteractive // later ones interrupt
			r := &reply{}
			if _, err := e.Generate(t.Context(), p, r.put); err != nil {
				t.Error(err)
			}
			texts[i] = r.text
		})
	}
	wait.Wait()
	for i, s := range texts {
		if s != alone.text {
			t.Errorf("request %d among others: %q, alone %q", i, s, alone.text)
		}
	}
}

// BenchmarkLookup decodes with and without guesses in turns: a text that is
// copied, and one of which nothing comes again. QWILL_BENCH_MODEL names another
// model folder than the starter.
func BenchmarkLookup(b *testing.B) {
	e := engine.New(engine.Config{Binary: binary})
	b.Cleanup(func() { e.Close() })
	path := starter
	if p := os.Getenv("QWILL_BENCH_MODEL"); p != "" {
		path = p
	}
	copying := engine.GenerateParams{Text: faulty + "\n\n" + faulty + "\n\n" + faulty + "\n\n" + faulty[:40]}
	for name, p := range map[string]engine.GenerateParams{"copy": copying, "other": story(0)} {
		b.Run(name, func(b *testing.B) {
			p.Path, p.Mode, p.MaxTokens, p.IgnoreEOS, p.NoCache = path, engine.ModeFast, 96, true, true
			var rates [2][]float64
			var last engine.Result
			for range b.N {
				for i := range rates {
					p.Lookup = i == 1
					r, err := e.Generate(b.Context(), p, func(engine.Event) {})
					if err != nil {
						b.Fatal(err)
					}
					rates[i] = append(rates[i], r.DecodePerSecond)
					last = r
					time.Sleep(50 * time.Millisecond)
				}
			}
			for i, unit := range []string{"plain-tok/s", "lookup-tok/s"} {
				slices.Sort(rates[i])
				b.ReportMetric(rates[i][len(rates[i])/2], unit)
			}
			b.ReportMetric(rates[1][len(rates[1])/2]/rates[0][len(rates[0])/2], "ratio")
			b.Log(fmt.Sprintf("%d guessed, %d came", last.Drafted, last.Accepted))
		})
	}
}
