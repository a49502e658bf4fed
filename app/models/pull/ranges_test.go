package pull

import (
	"math/rand/v2"
	"testing"
)

// Whatever is added in whatever order, the ranges say what a table of bytes says.
func TestRanges(t *testing.T) {
	const size = 60
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var r ranges
		var there [size + 10]bool
		for range 12 {
			a, b := rnd.Int64N(size+10), rnd.Int64N(size+10)
			r = r.add(span{a, b})
			for i := a; i < b; i++ {
				there[i] = true
			}
		}
		r = parseRanges(r.String()).clip(size)
		total, prefix, end := int64(0), int64(-1), int64(0)
		for i := range int64(size) {
			if there[i] {
				total, end = total+1, i+1
			} else if prefix < 0 {
				prefix = i
			}
		}
		if prefix < 0 {
			prefix = size
		}
		if r.total() != total || r.prefix() != prefix || r.end() != end {
			t.Fatalf("seed %d: %v: total %d %d, prefix %d %d, end %d %d", seed, r, r.total(), total, r.prefix(), prefix, r.end(), end)
		}
		missing := int64(0)
		for at := int64(0); ; {
			g, ok := r.gap(at, size)
			if !ok {
				break
			}
			for i := g.from; i < g.to; i++ {
				if there[i] {
					t.Fatalf("seed %d: %v: gap %v", seed, r, g)
				}
			}
			missing, at = missing+g.to-g.from, g.to
		}
		if missing+total != size {
			t.Fatalf("seed %d: %v: %d there, %d missing", seed, r, total, missing)
		}
	}
}

// A record that was tampered with costs bytes, never a panic.
func TestRangesOfNonsense(t *testing.T) {
	for in, want := range map[string]string{"": "", "x": "", "5-3": "", "-4-9": "", "0-4,nonsense,9-12": "0-4,9-12", "4-8,0-5": "0-8", "99999999999999999999-1": ""} {
		if got := parseRanges(in).String(); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func FuzzRanges(f *testing.F) {
	f.Add("0-1048576,67108864-70000000")
	f.Fuzz(func(t *testing.T, s string) {
		r := parseRanges(s)
		if again := parseRanges(r.String()); again.String() != r.String() {
			t.Errorf("%q became %q", r, again)
		}
		var last int64 = -1
		for _, o := range r {
			if o.from <= last || o.to <= o.from {
				t.Errorf("%v", r)
			}
			last = o.to
		}
	})
}
