package write

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

// short writes segments as text: same parts as they are, changes as [old|new].
func short(segments []Segment) string {
	var b strings.Builder
	for _, s := range segments {
		if s.Kind == Same {
			b.WriteString(s.Old)
		} else {
			fmt.Fprintf(&b, "[%s|%s]", s.Old, s.New)
		}
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"", "", ""},
		{"", "new", "[|new]"},
		{"old", "", "[old|]"},
		{"same text\n", "same text\n", "same text\n"},
		{"I has a apple.", "I have an apple.", "I [has|have] [a|an] apple."},
		{"Their going home", "They're going home", "[Their|They're] going home"},
		{"Hello wrld", "Hello, world", "Hello[ wrld|, world]"},
		{"the very very good one", "the good one", "the [very very |]good one"},
		{"one two three", "one extra words two three", "one [|extra words ]two three"},
		{"we was there in order to see it", "we were there to see it", "we [was|were] there[ in order|] to see it"},
		{"a big red dog", "one small cat", "[a big red dog|one small cat]"},
		{"teh quik fox", "the quick fox", "[teh|the] [quik|quick] fox"},
		{"First line.\nSecnd line.\nThird line.\n", "First line.\nSecond line.\nThird line.\n", "First line.\n[Secnd|Second] line.\nThird line.\n"},
		{"我能吞下玻璃而不伤身体", "我可以吞下玻璃而不伤身體", "我[能|可以]吞下玻璃而不伤身[体|體]"},
		{"it costs 1,000.50 today", "it costs 1,000.55 today", "it costs [1,000.50|1,000.55] today"},
		{"Привет мир", "Привет, мир", "Привет[|,] мир"},
		{"👩‍👩‍👧 hi", "👩‍👩‍👦 hi", "[👩‍👩‍👧|👩‍👩‍👦] hi"},
		{"line\r\nline\r\n", "line\r\nlines\r\n", "line\r\n[line|lines]\r\n"},
		{"e\u0301te", "ete", "[e\u0301te|ete]"},
	} {
		got := Diff(c.old, c.new)
		if diff := cmp.Diff(c.want, short(got)); diff != "" {
			t.Errorf("%q → %q:\n%s", c.old, c.new, diff)
		}
		checkSegments(t, c.old, c.new, got)
	}
}

type failer interface{ Fatalf(string, ...any) }

// checkSegments holds the contract of a difference.
func checkSegments(t failer, old, edited string, segments []Segment) {
	var a, b strings.Builder
	accepted, next := map[int]bool{}, 1
	for i, s := range segments {
		a.WriteString(s.Old)
		b.WriteString(s.New)
		switch {
		case s.Kind == Same && (s.Old != s.New || s.Old == "" || s.ID != 0):
			t.Fatalf("segment %d of %q → %q: %+v", i, old, edited, s)
		case s.Kind == Change && (s.Old == s.New || s.ID != next):
			t.Fatalf("segment %d of %q → %q: %+v, id %d expected", i, old, edited, s, next)
		case s.Kind != Same && s.Kind != Change:
			t.Fatalf("segment %d: kind %q", i, s.Kind)
		case i > 0 && segments[i-1].Kind == s.Kind:
			t.Fatalf("segments %d and %d of %q → %q are both %s", i-1, i, old, edited, s.Kind)
		}
		if s.Kind == Change {
			accepted[s.ID] = true
			next++
		}
	}
	if a.String() != old || b.String() != edited {
		t.Fatalf("%q → %q: joined %q and %q", old, edited, &a, &b)
	}
	if got := Apply(segments, nil); got != old {
		t.Fatalf("accepting none gives %q, not %q", got, old)
	}
	if got := Apply(segments, accepted); got != edited {
		t.Fatalf("accepting all gives %q, not %q", got, edited)
	}
}

var material = []string{"a", "an", "the", "word", "Word", " ", "  ", "\n", "\r\n", "\t", ".", ",", "'s", "1,000", "天", "地", "é", "e\u0301",
	"\u0301", "👩‍👩‍👧", "🇨🇳", "\u200d", "مرحبا", "\u00a0", "_", "-", "\"", "ש\"ת", "\xff", "\xe2\x82", "カタ", "x:y", "?!", "/"}

func draw(rt *rapid.T, label string, most int) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(material), 0, most).Draw(rt, label), "")
}

func TestDiffRebuildsBothTexts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		old, edited := draw(rt, "old", 30), draw(rt, "new", 30)
		if rapid.Bool().Draw(rt, "related") {
			edited = old[:len(old)/2] + edited + old[len(old)/2:]
		}
		checkSegments(rt, old, edited, Diff(old, edited))
	})
}

func TestWordsAreUnicodes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := draw(rt, "text", 30)
		var want []string
		for rest, state := s, -1; len(rest) > 0; {
			var word string
			word, rest, state = uniseg.FirstWordInString(rest, state)
			want = append(want, word)
		}
		if got := words(s); !slices.Equal(got, want) {
			rt.Fatalf("%q:\n got %q\nwant %q", s, got, want)
		}
	})
}

func TestInternedPiecesAvoidSurrogates(t *testing.T) {
	for _, i := range []int{0, 1, 0xD7FE, 0xD7FF, 0xD800, 0xDFFF, 0xE000, 500_000} {
		r := toRune(i)
		if r == 0 || r >= 0xD800 && r < 0xE000 || fromRune(r) != i {
			t.Errorf("%d: %x, back %d", i, r, fromRune(r))
		}
	}
}

func TestDiffOfMegabytesIsQuick(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var b strings.Builder
	for b.Len() < 1<<20 {
		fmt.Fprintf(&b, "word%d ", rng.IntN(5000))
		if rng.IntN(15) == 0 {
			b.WriteString("and so on.\n")
		}
	}
	text := b.String()
	mistakes := func(every int) string {
		fields := strings.SplitAfter(text, " ")
		for i := range fields {
			if rng.IntN(every) == 0 {
				fields[i] = "other "
			}
		}
		return strings.Join(fields, "")
	}
	oneLine := strings.ReplaceAll(text, "\n", " ")
	var unrelated strings.Builder
	for unrelated.Len() < 1<<20 {
		fmt.Fprintf(&unrelated, "w%x ", rng.Uint64())
	}
	for name, c := range map[string][2]string{
		"equal":            {text, text},
		"few changes":      {text, mistakes(1000)},
		"many changes":     {text, mistakes(10)},
		"one line":         {oneLine, strings.ReplaceAll(oneLine, "word7 ", "word8 ")},
		"nothing alike":    {text, unrelated.String()},
		"one letter":       {strings.Repeat("a", 1<<20), strings.Repeat("a", 1<<20) + "b"},
		"spaces":           {strings.Repeat(" ", 1<<20), strings.Repeat(" ", 1<<19)},
		"line ends":        {strings.Repeat("\n", 1<<20), strings.Repeat("\n", 1<<19) + "x"},
		"ideographs":       {strings.Repeat("天地玄黃", 1<<18/3), strings.Repeat("天地玄黄", 1<<18/3)},
		"reversed order":   {text, strings.Join(reversed(strings.SplitAfter(text, "\n")), "")},
		"all but the last": {text, ""},
	} {
		start := time.Now()
		got := Diff(c[0], c[1])
		took := time.Since(start)
		checkSegments(t, c[0], c[1], got)
		t.Logf("%s: %d segments in %v", name, len(got), took)
		if took > 5*time.Second { // a second alone; the test machine is shared
			t.Errorf("%s took %v", name, took)
		}
	}
}

func reversed(list []string) []string {
	slices.Reverse(list)
	return list
}

func FuzzDiff(f *testing.F) {
	f.Add("I has a apple.\n", "I have an apple.\n")
	f.Add("天地 玄黃\r\n", "天地\n玄黄")
	f.Add("\xff\xfe a", "a \xff")
	f.Fuzz(func(t *testing.T, old, edited string) {
		if len(old)+len(edited) > 10_000 {
			return
		}
		checkSegments(t, old, edited, Diff(old, edited))
	})
}
