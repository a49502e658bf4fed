package live_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"qwill/app/suggest"
	"qwill/app/suggest/live"
	"qwill/engine"
)

// delay is the default of the settings.
const delay = 30 * time.Millisecond

// Figures of one way of typing.
type latency struct {
	gap    time.Duration // between two keys
	words  int           // pauses in which a suggestion was awaited
	shown  []time.Duration
	silent map[suggest.Reason]int // pauses without one, by reason
}

// real runs generations on the engine, without the queue of app/serve.
type real struct{ e *engine.Engine }

func (r real) Generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), _ func(int)) (engine.Result, error) {
	return r.e.Generate(ctx, p, event)
}

// From the last key to the suggestion, on the starter: what a person waits for
// who types and pauses behind each word, about 300 tokens into a text. Written to
// docs/bench/suggest.md by make bench.
func TestLatency(t *testing.T) {
	if os.Getenv("QWILL_BENCH") == "" {
		t.Skip("a measurement: make bench")
	}
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "build/.deps/starter/*.gguf"))
	if err != nil || len(files) != 1 {
		t.Fatal("the starter model is not in build/.deps/starter: run build/setup.sh")
	}
	e := engine.New(engine.Config{Binary: filepath.Join(root, "build/bin/qwill-engine")})
	t.Cleanup(func() { e.Close() })
	path := filepath.Join(t.TempDir(), "starter")
	if _, err := e.Import(t.Context(), files[0], path); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Open(t.Context(), path, engine.ModeFast, nil); err != nil {
		t.Fatal(err)
	}
	before, typed := prose[:strings.Index(prose, "\n\n")+2], prose[strings.Index(prose, "\n\n")+2:]
	context := 0
	if ids, err := e.Tokenize(t.Context(), path, engine.ModeFast, before, nil, false); err != nil {
		t.Fatal(err)
	} else if context = len(ids); context < 290 || context > 310 {
		t.Fatalf("the text before has %d tokens, not about 300", context)
	}
	var all []latency
	for _, gap := range []time.Duration{250 * time.Millisecond, 100 * time.Millisecond} {
		all = append(all, measure(t, e, path, before, typed, gap))
	}
	report(t, root, context, all)
	if p50 := quantile(all[0].shown, 50); p50 > 120*time.Millisecond {
		t.Errorf("%v at p50", p50)
	}
}

func measure(t *testing.T, e *engine.Engine, path, before, typed string, gap time.Duration) latency {
	l := latency{gap: gap, silent: map[suggest.Reason]int{}}
	shows := make(chan time.Time, 999)
	var why suggest.Reason
	whys := make(chan suggest.Reason, 999)
	s := live.New(suggest.Config{On: true, Battery: true, Delay: delay, Rules: suggest.BuiltIn()},
		live.Generate(real{e}, func(context.Context) (string, engine.Mode, error) { return path, engine.ModeFast, nil }),
		func(f suggest.Effect) {
			if _, ok := f.(suggest.Show); ok {
				shows <- time.Now()
			}
		}, func(r suggest.Reason) { whys <- r })
	defer s.Close()
	s.Do(suggest.Focus{Field: suggest.Field{ID: "1", App: "qwill", MultiLine: true}})
	text := before
	state := func() suggest.Text { return suggest.Text{Before: text, Caret: utf8.RuneCountInString(text)} }
	s.Do(state())
	for _, word := range strings.SplitAfter(typed, " ") {
		word, space := strings.CutSuffix(word, " ")
		for _, r := range word {
			time.Sleep(gap)
			s.Do(suggest.Key{Name: string(r)})
			text += string(r)
			for len(shows) > 0 { // of the keys before
				<-shows
			}
			for len(whys) > 0 {
				<-whys
			}
			s.Do(state())
		}
		key := time.Now()
		l.words++
		for wait := time.After(1500 * time.Millisecond); ; {
			select {
			case at := <-shows:
				l.shown = append(l.shown, at.Sub(key))
			case why = <-whys:
				if why == suggest.Shown || why == suggest.Typing || why == suggest.Asking || why == suggest.Cancelled {
					continue
				}
				l.silent[why]++
			case <-wait:
				l.silent[suggest.Slow]++
			}
			break
		}
		if space {
			time.Sleep(gap)
			s.Do(suggest.Key{Name: " "})
			text += " "
			s.Do(state())
		}
	}
	slices.Sort(l.shown)
	return l
}

// quantile of sorted durations, 0 of none.
func quantile(d []time.Duration, percent int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return d[min(len(d)-1, len(d)*percent/100)]
}

func report(t *testing.T, root string, context int, all []latency) {
	t.Helper()
	cpu := "unknown"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, ok := strings.Cut(string(info), "model name\t: "); ok {
			cpu, _, _ = strings.Cut(rest, "\n")
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	var b strings.Builder
	fmt.Fprintf(&b, "# Suggestions as you type\n\n`make bench` on %s, %s, 2 threads, fast mode, load average %s. The starter; a text of %d tokens before what is typed.\n",
		time.Now().UTC().Format("2006-01-02"), cpu, strings.Join(strings.Fields(string(load))[:3], " "), context)
	b.WriteString("Someone types a paragraph and pauses behind every word. The time is from the last key of the word to the first words of a\n" +
		"suggestion on display, with the delay before asking in it (")
	fmt.Fprintf(&b, "%d ms, one and a half times the time between keys where they come faster than every\n140 ms); the text read before comes from the prefix cache.\n\n", delay.Milliseconds())
	b.WriteString("| between keys | pauses | with a suggestion | p50 | p95 | without, why |\n|--:|--:|--:|--:|--:|---|\n")
	for _, l := range all {
		var silent []string
		for _, why := range suggest.All {
			if n := l.silent[why]; n > 0 {
				silent = append(silent, fmt.Sprintf("%s %d", why, n))
			}
		}
		fmt.Fprintf(&b, "| %d ms | %d | %d | %d ms | %d ms | %s |\n", l.gap.Milliseconds(), l.words, len(l.shown),
			quantile(l.shown, 50).Milliseconds(), quantile(l.shown, 95).Milliseconds(), strings.Join(silent, ", "))
	}
	if err := os.WriteFile(filepath.Join(root, "docs/bench/suggest.md"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + b.String())
}

const prose = `When the harbour was still in use, ships came from as far as the northern islands, and the warehouses along the quay were never empty. Merchants kept their books in small rooms above the stores, where one could hear the gulls and the carts all day long. After the railway was built, most of the trade moved inland. The large ships stopped coming, then the small ones, and by the end of the century only fishing boats were left. The town did not become poor at once. Families who had earned well for generations kept their houses, painted them every spring, and sent their children to school in the capital. But there was less to do each year, and the young people who had left did not come back. In the end the council decided to turn the old warehouses into a museum. It took eleven years, because nobody could agree on what should be shown. Some wanted ropes, barrels and anchors; others thought that the lives of the women who had worked in the packing rooms mattered more. The result was a little of both, and it surprised everyone by being very good. Today the museum has more visitors each summer than the town has inhabitants. There is a café with a view of the water, a small shop, and a room in which children may climb into a real boat. On winter evenings, when the visitors are gone, the choir practises in the largest hall, because the sound there is better than in the church.

The director of the museum is planning a new exhibition for next year. It will tell the story of the lighthouse and of the people who lived there. She has asked everyone in the town to look for old letters and photographs, and many have already brought something. The first room will show how the light was made before there was electricity.`
