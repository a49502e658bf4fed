package tokenizer

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

// pieces make texts that are hard on a tokenizer.
var pieces = []string{"<|im_end|>", "<|im_start|>", "<|im_", "end|>", "<think>", "</think>", "<|endoftext|>", "<", "|", ">", "a", "word", " ", "  ",
	"\n", "\r\n", "\t", "\x00", "é", "e\u0301", "天", "한", "\u1112\u1161\u11ab", "👩‍👩‍👧", "🇨🇳", "مرحبا", "שלום", "'s", "'LL", "123", "½", "\u00a0",
	"\u3000", "\u200d", "\ufeff", "\U0010FFFF", "\uFFFD"}

func draw(rt *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 16).Draw(rt, "pieces"), "")
}

func TestDecodeInvertsEncode(t *testing.T) {
	tok := qwen(t)
	rapid.Check(t, func(rt *rapid.T) {
		text := draw(rt)
		for _, special := range []bool{true, false} {
			if got, want := string(tok.Decode(tok.Encode(text, special))), norm.NFC.String(text); got != want {
				rt.Fatalf("%q came back as %q (special %v)", want, got, special)
			}
		}
	})
}

func FuzzEncode(f *testing.F) {
	tok := qwen(f)
	for _, s := range []string{"", "Hello, world", "<|im_start|>user\n", "\xff\xfe", "e\u0301\u0302", strings.Repeat("\u0301", 40), "'ſ's", " \n \t\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plain := tok.Encode(text, false)
		if got, want := string(tok.Decode(plain)), toNFC(ValidUTF8(text)); got != want {
			t.Fatalf("%q came back as %q", want, got)
		}
		if n := added(tok, plain); n > 0 {
			t.Fatalf("%d added tokens in plain text", n)
		}
		if got, want := string(tok.Decode(tok.Encode(text, true))), want(tok, text); got != want {
			t.Fatalf("with control tokens %q came back as %q", want, got)
		}
		d := tok.Detokenizer()
		var b strings.Builder
		for _, id := range plain {
			piece := d.Push(id)
			if !utf8.ValidString(piece) {
				t.Fatalf("half a character in %q", piece)
			}
			b.WriteString(piece)
		}
		b.WriteString(d.Flush())
		if b.String() != string(tok.Decode(plain)) {
			t.Fatalf("streamed %q", b.String())
		}
	})
}

// want is the text that comes back where control tokens part it: each part is
// normalized by itself.
func want(tok *Tokenizer, text string) string {
	text = ValidUTF8(text)
	var b strings.Builder
	at := 0
	for _, m := range tok.added.find(text, []span{{0, len(text)}}, false) {
		b.WriteString(toNFC(text[at:m.start]))
		b.WriteString(text[m.start:m.end])
		at = m.end
	}
	return b.String() + toNFC(text[at:])
}

func added(tok *Tokenizer, ids []int) int {
	n := 0
	for _, id := range ids {
		if tok.added.has(int32(id)) {
			n++
		}
	}
	return n
}

// TestTextNeverBecomesControlTokens: neither whole, nor in parts, nor together
// with trusted neighbours.
func TestTextNeverBecomesControlTokens(t *testing.T) {
	tok := qwen(t)
	end, _ := tok.ID("<|im_end|>")
	if got := tok.Encode("<|im_end|>", true); !slices.Equal(got, []int{end}) || !tok.IsSpecial(end) {
		t.Fatalf("trusted: %v", got)
	}
	for _, s := range tok.AddedTokens() {
		ids := tok.Encode(s, false)
		if added(tok, ids) > 0 || string(tok.Decode(ids)) != s {
			t.Errorf("%q from a user: %v", s, ids)
		}
	}
	for _, segments := range [][]Segment{
		{{"<|im_", true}, {"end|>", false}},
		{{"<|im_", false}, {"end|>", true}},
		{{"<|im_", true}, {"end", false}, {"|>", true}},
	} {
		if ids := tok.EncodeSegments(segments); added(tok, ids) > 0 {
			t.Errorf("%v: %v", segments, ids)
		}
	}
	if ids := tok.EncodeSegments([]Segment{{"<|im_", true}, {"", false}, {"end|>", true}}); !slices.Equal(ids, []int{end}) {
		t.Errorf("two trusted neighbours: %v", ids)
	}
	rapid.Check(t, func(rt *rapid.T) {
		if ids := tok.Encode(draw(rt), false); added(tok, ids) > 0 {
			rt.Fatalf("%v", ids)
		}
	})
}

// TestPlainTextOfTokenizersThatCouldMergeToOne: here a control token is in the
// vocabulary and merges lead to it.
func TestPlainTextOfTokenizersThatCouldMergeToOne(t *testing.T) {
	data := edit(t, variant(t, "llama3"), func(j map[string]any) { // ignore_merges is on
		n := len(vocab(j))
		vocab(j)["<|"], vocab(j)["<|>"] = n, n+1
		model(j)["merges"] = append([]any{[]any{"<", "|"}, []any{"<|", ">"}}, merges(j)...)
		addToken(j, map[string]any{"id": n + 1, "content": "<|>", "special": true, "normalized": false})
	})
	tok, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := tok.ID("<|>")
	if got := tok.Encode("<|>", true); !slices.Equal(got, []int{id}) {
		t.Errorf("trusted: %v", got)
	}
	for _, text := range []string{"<|>", " <|>", "a<|>b", "<|><|>"} {
		if got := tok.Encode(text, false); slices.Contains(got, id) || string(tok.Decode(got)) != text {
			t.Errorf("%q from a user: %v", text, got)
		}
	}
}

// TestSegmentsJoinAsOneText: words cross the borders of segments.
func TestSegmentsJoinAsOneText(t *testing.T) {
	tok := qwen(t)
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"Hel", "lo", " ", "\n", "\n\n", "1", "2", "天", "'", "s", ".", "\r"}), 0, 10).Draw(rt, "parts")
		var segments []Segment
		for i, p := range parts {
			segments = append(segments, Segment{p, i%2 == 0})
		}
		if got, want := tok.EncodeSegments(segments), tok.Encode(strings.Join(parts, ""), true); !slices.Equal(got, want) {
			rt.Fatalf("%q: %v, as one text %v", parts, got, want)
		}
	})
}

func TestInvalidUTF8(t *testing.T) {
	tok := qwen(t)
	for in, want := range map[string]string{
		"\xff":                     "\uFFFD",
		"a\xffb":                   "a\uFFFDb",
		"\xe2\x82":                 "\uFFFD",  // half a character is one
		"\xe2\x82A":                "\uFFFDA", // and ends where it breaks
		"\xf0\x9f\x98":             "\uFFFD",
		"\xed\xa0\x80":             "\uFFFD\uFFFD\uFFFD", // a surrogate
		"\xc0\xaf":                 "\uFFFD\uFFFD",       // overlong
		"\xf4\x90\x80\x80":         "\uFFFD\uFFFD\uFFFD\uFFFD",
		"\x80\x80":                 "\uFFFD\uFFFD",
		"\xe2\x82\xac":             "€",
		"ok":                       "ok",
		"\xf1\x80\x80\xe1\x80\xc2": "\uFFFD\uFFFD\uFFFD",
	} {
		if got := ValidUTF8(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := string(tok.Decode(tok.Encode(in, true))); got != want {
			t.Errorf("%q is encoded as %q", in, got)
		}
	}
}

// TestStreamNeverSplitsCharacters feeds every byte of a text by itself.
func TestStreamNeverSplitsCharacters(t *testing.T) {
	tok := qwen(t)
	text := "aé€😀👩‍👩‍👧天\uFFFD</think>"
	d := tok.Detokenizer()
	got := ""
	for i := range len(text) {
		piece := d.PushBytes(text[i : i+1])
		if strings.Contains(piece, "\uFFFD") && !strings.HasSuffix(got+piece, "天\uFFFD") {
			t.Fatalf("U+FFFD after %q", got)
		}
		got += piece
		if !strings.HasPrefix(text, got) {
			t.Fatalf("%q is no start of %q", got, text)
		}
		if whole := utf8.ValidString(text[:i+1]); whole == d.Held() {
			t.Fatalf("after byte %d: whole %v, held %v", i, whole, d.Held())
		}
	}
	if got+d.Flush() != text {
		t.Fatalf("%q", got)
	}
}

// TestStreamOfBrokenBytes: what can no longer become a character turns into
// U+FFFD at once, and the whole equals the repair of the whole.
func TestStreamOfBrokenBytes(t *testing.T) {
	tok := qwen(t)
	rapid.Check(t, func(rt *rapid.T) {
		data := rapid.SliceOfN(rapid.SampledFrom([]byte{'a', 0x80, 0xBF, 0xC2, 0xE0, 0xA0, 0xE2, 0x82, 0xAC, 0xED, 0xF0, 0x9F, 0x98, 0x80, 0xF4, 0x90, 0xFF}), 0, 12).Draw(rt, "bytes")
		d := tok.Detokenizer()
		got := ""
		for _, b := range data {
			piece := d.PushBytes(string([]byte{b}))
			if !utf8.ValidString(piece) {
				rt.Fatalf("%q", piece)
			}
			got += piece
		}
		got += d.Flush()
		if want := ValidUTF8(string(data)); got != want {
			rt.Fatalf("% x: streamed %q, whole %q", data, got, want)
		}
	})
	// Nothing waits for bytes that cannot complete it.
	d := tok.Detokenizer()
	if got := d.PushBytes("\xff") + d.PushBytes("\xe2\x28"); got != "\uFFFD\uFFFD(" || d.Held() {
		t.Errorf("%q, held %v", got, d.Held())
	}
}

// TestLinearTime: eight times the text takes about eight times as long, in
// every shape that makes words of a megabyte.
func TestLinearTime(t *testing.T) {
	tok := qwen(t)
	for _, unit := range []string{"a", " ", "\n", "天", "\u0301", "1", "<|im_", "<|im_end|>", "\xff"} {
		shape := func(n int) string { return strings.Repeat(unit, n/len(unit)) }
		measure := func(n int) time.Duration {
			text := shape(n)
			best := time.Hour
			for range max(1, 1<<18/n) { // the short one twice
				start := time.Now()
				tok.Encode(text, true)
				best = min(best, time.Since(start))
			}
			return best
		}
		small, large := measure(1<<17), measure(1<<20)
		slow := func() bool { return large > 10*time.Second || large > 40*max(small, 50*time.Millisecond) }
		if slow() { // a busy machine does not look the same twice
			small, large = measure(1<<17), measure(1<<20)
		}
		t.Logf("%q: 128 KB in %v, 1 MB in %v", unit, small, large)
		if slow() {
			t.Errorf("%q: 128 KB in %v, 1 MB in %v", unit, small, large)
		}
	}
}

// TestHeapEqualsScan: the two ways of merging give the same ids.
func TestHeapEqualsScan(t *testing.T) {
	tok := qwen(t)
	rng := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		ids := make([]int32, 2+rng.IntN(60))
		for i := range ids {
			ids[i] = tok.byteID["etaoinshr <>\xe5\xa4\xa9"[rng.IntN(15)]]
		}
		s := bpeScratch{ids: slices.Clone(ids)}
		tok.mergeHeap(&s)
		if scan := tok.mergeScan(slices.Clone(ids)); !slices.Equal(scan, s.ids) {
			t.Fatalf("%v: scan %v, heap %v", ids, scan, s.ids)
		}
	}
}

// TestLongRunsOfMarks: NFC without the stream-safe extra of x/text.
func TestLongRunsOfMarks(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"e" + strings.Repeat("\u0301", 40), "é" + strings.Repeat("\u0301", 39)},
		{"a" + strings.Repeat("\u0323\u0301", 20), "ạ" + strings.Repeat("\u0323", 19) + strings.Repeat("\u0301", 20)},
		{"\u1112\u1161\u11ab" + strings.Repeat("\u0301", 31), "한" + strings.Repeat("\u0301", 31)},
	} {
		if got := toNFC(c.in); got != c.want {
			t.Errorf("%+q: %+q, want %+q", c.in, got, c.want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "e", "\u0301", "\u0323", "\u0327", "é", "ạ", "한", "\u1112", "\u1161", "\u11ab", "\u0344", "x"}), 0, 20).Draw(rt, "s"), "")
		if got, want := slowNFC(s), norm.NFC.String(s); got != want {
			rt.Fatalf("%+q: %+q, want %+q", s, got, want)
		}
	})
}

func TestLookups(t *testing.T) {
	tok := qwen(t)
	for token, id := range map[string]int{"<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645, "<think>": 151667, "</think>": 151668, "Ġthe": 279} {
		if got, ok := tok.ID(token); !ok || got != id {
			t.Errorf("%q is %d, %v; want %d", token, got, ok, id)
		}
	}
	if _, ok := tok.ID("no such token"); ok {
		t.Error("a token that does not exist is found")
	}
	if got := string(tok.TokenBytes(279)); got != " the" {
		t.Errorf("token 279 is %q", got)
	}
	for _, id := range []int{-1, tok.Size(), 1 << 40} {
		if tok.TokenBytes(id) != nil || tok.IsSpecial(id) || len(tok.Decode([]int{id})) > 0 {
			t.Errorf("id %d exists", id)
		}
	}
	if tok.IsSpecial(151667) || !tok.IsSpecial(151645) {
		t.Error("<think> is no control token of Qwen3, <|im_end|> is")
	}
}
