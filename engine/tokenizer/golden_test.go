package tokenizer

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// deps is where build/setup.sh puts the pinned tokenizer.
const deps = "../../build/.deps"

var qwenOnce = sync.OnceValues(func() (*Tokenizer, error) {
	return Load(filepath.Join(deps, "tokenizer"))
})

func qwen(t testing.TB) *Tokenizer {
	t.Helper()
	tok, err := qwenOnce()
	if err != nil {
		t.Fatalf("the pinned Qwen3 tokenizer is missing (run build/setup.sh): %v", err)
	}
	return tok
}

type goldenRow struct {
	Text    string `json:"t"`
	Qwen    []int  `json:"q"`
	Starter []int  `json:"s"`
}

func golden(t testing.TB) []goldenRow {
	t.Helper()
	f, err := os.Open("testdata/golden.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var rows []goldenRow
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r goldenRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 10_000 {
		t.Fatalf("%d strings, at least 10,000 expected", len(rows))
	}
	return rows
}

func compare(t *testing.T, tok *Tokenizer, rows []goldenRow, want func(goldenRow) []int) {
	t.Helper()
	bad := 0
	for _, r := range rows {
		if got := tok.Encode(r.Text, true); !slices.Equal(got, want(r)) {
			if bad++; bad <= 10 {
				t.Errorf("%q:\n got %v\nwant %v", r.Text, got, want(r))
			}
		}
	}
	if bad > 0 {
		t.Fatalf("%d of %d strings differ from the reference", bad, len(rows))
	}
}

func TestIdsEqualReferenceQwen3(t *testing.T) {
	compare(t, qwen(t), golden(t), func(r goldenRow) []int { return r.Qwen })
}

func TestLoadIsQuick(t *testing.T) {
	qwen(t)
	start := time.Now()
	if _, err := Load(filepath.Join(deps, "tokenizer")); err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("loaded in %v", took)
	if took > 3*time.Second {
		t.Errorf("loading took %v", took)
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(filepath.Join(deps, "tokenizer")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	tok, rows := qwen(b), golden(b)
	n := 0
	for _, r := range rows {
		n += len(r.Text)
	}
	b.SetBytes(int64(n))
	for b.Loop() {
		for _, r := range rows {
			tok.Encode(r.Text, true)
		}
	}
}

// TestStreamingGoldenStrings: the tokens of every golden string, one by one,
// give whole characters only, and all of the text.
func TestStreamingGoldenStrings(t *testing.T) {
	tok := qwen(t)
	held := 0
	for _, r := range golden(t) {
		d := tok.Detokenizer()
		var b strings.Builder
		for _, id := range r.Qwen {
			piece := d.Push(id)
			if !utf8.ValidString(piece) {
				t.Fatalf("%q: half a character in %q", r.Text, piece)
			}
			b.WriteString(piece)
			if d.Held() {
				held++
			}
		}
		b.WriteString(d.Flush())
		if want := string(tok.Decode(r.Qwen)); b.String() != want || strings.Count(want, "\uFFFD") != strings.Count(r.Text, "\uFFFD") {
			t.Fatalf("%q: streamed %q", r.Text, b.String())
		}
	}
	if held < 1000 {
		t.Errorf("only %d tokens ended in half a character", held)
	}
}
