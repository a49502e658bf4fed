package generate

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"qwill/engine/mlx"
	"qwill/engine/prefix"
	"qwill/engine/proto"
)

var thread *mlx.Thread

func TestMain(m *testing.M) {
	var err error
	if thread, err = mlx.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	thread.Stop()
	os.Exit(code)
}

// tape is a cache that holds the tokens themselves: a wrong reuse shows.
type tape struct {
	tokens []int
	net    *cipher
}

func (c *tape) Len() int             { return len(c.tokens) }
func (c *tape) Truncate(n int) error { c.tokens = c.tokens[:n]; return nil }
func (c *tape) Bytes() int64         { return int64(len(c.tokens)) }
func (c *tape) Close()               { c.net.open-- }
func (c *tape) Arrays() []mlx.Array  { return nil }

const vocabulary = 17

// cipher is a network whose next token depends on all tokens before it.
type cipher struct {
	open   int   // caches
	read   int   // tokens read
	chunks []int // sizes of the reads
	poison int   // gives NaN after so many tokens
	crash  int   // panics after so many tokens
}

func (n *cipher) NewCache() (Cache, error) { n.open++; return &tape{net: n}, nil }

// next is the token that follows a sequence.
func next(tokens []int) int {
	h := 0
	for i, t := range tokens {
		h = (h*31 + t*(i+3) + 7) % 1009
	}
	return h % vocabulary
}

func (n *cipher) Forward(ids mlx.Array, c Cache) mlx.Array {
	k := c.(*tape)
	in := ids.Int32s()
	n.chunks = append(n.chunks, len(in))
	var rows []float32
	for _, id := range in {
		n.read++
		k.tokens = append(k.tokens, int(id))
		if n.crash > 0 && len(k.tokens) > n.crash {
			panic(&mlx.Error{Op: "test", Message: "shapes do not fit"})
		}
		row := make([]float32, vocabulary)
		for i := range row {
			row[i] = float32(-i) / 8
		}
		row[next(k.tokens)] = 9
		if n.poison > 0 && len(k.tokens) > n.poison {
			row[3] = float32(math.NaN())
		}
		rows = append(rows, row...)
	}
	return thread.FromFloat32(rows, len(in), vocabulary)
}

func (n *cipher) ForwardBatch(ids mlx.Array, cs []Cache) mlx.Array { return oneByOne(n, ids, cs) }

// oneByOne reads each sequence's token by itself.
func oneByOne(n interface {
	Forward(mlx.Array, Cache) mlx.Array
}, ids mlx.Array, cs []Cache) mlx.Array {
	rows := make([]mlx.Array, len(cs))
	for i, id := range ids.Int32s() {
		rows[i] = n.Forward(thread.FromInts([]int{int(id)}), cs[i])
	}
	return mlx.Concatenate(rows, 0)
}

func (n *cipher) Pack(ids mlx.Array, lengths []int) mlx.Array {
	in := ids.Int32s()
	var all []mlx.Array
	at := 0
	for _, length := range lengths {
		one := make([]int, length)
		for i := range one {
			one[i] = int(in[at+i])
		}
		all = append(all, n.Forward(thread.FromInts(one), &tape{net: &cipher{poison: n.poison}}))
		at += length
	}
	return mlx.Concatenate(all, 0)
}

func (n *cipher) Logits(hidden mlx.Array) mlx.Array { return mlx.MultiplyScalar(hidden, 1) }

type greedy struct{}

func (greedy) Sample(logits, _ mlx.Array) mlx.Array {
	return mlx.AsType(mlx.ArgMax(logits, -1, false), mlx.Int32)
}
func (greedy) Close() {}

// letters writes token i as the letter at i; the last is a control token.
type letters struct{}

func (letters) TokenBytes(id int) []byte { return []byte{byte('a' + id)} }
func (letters) IsSpecial(id int) bool    { return id == vocabulary-1 }
func (letters) Push(id int) string       { return string(rune('a' + id)) }
func (letters) Flush() string            { return "" }

func testModel(n *cipher) *Model {
	return &Model{Thread: thread, Net: n, Tokens: letters{}, Decoder: func() Decoder { return letters{} },
		Sampler:  func(Settings, []int) (Sampler, error) { return greedy{}, nil },
		Prefixes: &prefix.Store[Cache]{New: n.NewCache, MaxBytes: 1000, MaxCount: 3},
		Context:  64, Vocabulary: vocabulary, Chunk: 4, EOS: map[int]bool{}}
}

// want is the text the cipher writes after a prompt.
func want(prompt []int, n int) (text string, tokens []int) {
	seq := slices.Clone(prompt)
	for range n {
		t := next(seq)
		seq = append(seq, t)
		if !(letters{}).IsSpecial(t) {
			text += string(rune('a' + t))
		}
	}
	return text, seq[len(prompt):]
}

// do runs f on the MLX thread and fails on errors and leaked handles.
func do(t *testing.T, f func()) {
	t.Helper()
	if err := thread.Do(func() error {
		before := thread.Live()
		f()
		if n := thread.Live() - before; n != 0 {
			t.Errorf("%d handles leaked", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

type record struct {
	text    string
	tokens  []proto.Token
	prefill []proto.Prefill
	paused  int
}

func (r *record) put(e proto.Event) {
	r.text += e.Text
	r.tokens = append(r.tokens, e.Tokens...)
	if e.Prefill != nil {
		r.prefill = append(r.prefill, *e.Prefill)
	}
	if e.Paused {
		r.paused++
	}
}

func start(t *testing.T, m *Model, r Request) (*Generation, *record) {
	t.Helper()
	rec := &record{}
	r.ID, r.Emit = 1, rec.put
	g, err := New(m, r)
	if err != nil {
		t.Fatal(err)
	}
	return g, rec
}

func finish(t *testing.T, g *Generation) proto.Result {
	t.Helper()
	for !g.Step() {
	}
	r, err := g.Result()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var prompt = []int{1, 2, 3, 4, 5, 6, 7, 8, 9}

func TestGenerate(t *testing.T) {
	do(t, func() {
		net := &cipher{}
		m := testModel(net)
		g, rec := start(t, m, Request{Prompt: prompt, MaxTokens: 10})
		r := finish(t, g)
		text, _ := want(prompt, 10)
		if rec.text != text || r.Finish != proto.FinishLength || r.CompletionTokens != 10 || r.PromptTokens != 9 || r.CachedTokens != 0 {
			t.Errorf("%q %+v, want %q", rec.text, r, text)
		}
		if !slices.Equal(net.chunks, []int{4, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}) {
			t.Errorf("reads of %v tokens", net.chunks) // the last token given out is never read
		}
		if p := rec.prefill; p[0] != (proto.Prefill{Total: 9}) || p[len(p)-1] != (proto.Prefill{Done: 9, Total: 9}) || len(p) != 4 {
			t.Errorf("progress %v", p)
		}
		if r.TTFTMillis <= 0 || r.PrefillPerSecond <= 0 || r.DecodePerSecond <= 0 {
			t.Errorf("figures %+v", r)
		}
		m.Prefixes.Clear()
		if net.open != 0 {
			t.Errorf("%d caches open", net.open)
		}
	})
}

// The next turn reads only what is new, whatever way the first one ended.
func TestSecondTurn(t *testing.T) {
	text, tokens := want(prompt, 20)
	for _, c := range []struct {
		name string
		edit func(m *Model, r *Request)
		gave int // tokens given out
	}{
		{"length", func(m *Model, r *Request) { r.MaxTokens = 6 }, 6},
		{"end of turn", func(m *Model, r *Request) { m.EOS[tokens[5]] = true }, 1 + slices.Index(tokens, tokens[5])},
		{"stop string", func(m *Model, r *Request) { r.Stop = []string{text[2:5]} }, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			do(t, func() {
				net := &cipher{}
				m := testModel(net)
				r := Request{Prompt: prompt}
				c.edit(m, &r)
				g, _ := start(t, m, r)
				finish(t, g)
				second := append(append(slices.Clone(prompt), tokens[:c.gave]...), 11, 12, 13)
				net.read = 0
				m.EOS = map[int]bool{}
				g, rec := start(t, m, Request{Prompt: second, MaxTokens: 5})
				res := finish(t, g)
				if wantText, _ := want(second, 5); rec.text != wantText {
					t.Errorf("%q, want %q", rec.text, wantText)
				}
				fresh := len(second) - res.CachedTokens
				if fresh > 4 { // the new message and at most the last token
					t.Errorf("%d of %d tokens were read again", fresh, len(second))
				}
				if net.read != fresh+4 {
					t.Errorf("%d tokens read, want %d", net.read, fresh+4)
				}
				m.Prefixes.Clear()
			})
		})
	}
}

// A generation that is paused at every step, while another runs in between,
// gives the same text.
func TestPause(t *testing.T) {
	do(t, func() {
		net := &cipher{}
		m := testModel(net)
		a, ra := start(t, m, Request{Prompt: prompt, MaxTokens: 12})
		for steps := 1; !a.Step(); steps++ {
			a.Pause()
			b, rb := start(t, m, Request{Prompt: []int{1, 2, 3, steps % vocabulary}, MaxTokens: 3, Priority: 10})
			finish(t, b)
			if text, _ := want([]int{1, 2, 3, steps % vocabulary}, 3); rb.text != text {
				t.Errorf("the other gave %q, want %q", rb.text, text)
			}
		}
		if text, _ := want(prompt, 12); ra.text != text || ra.paused < 12 {
			t.Errorf("%q after %d pauses, want %q", ra.text, ra.paused, text)
		}
		m.Prefixes.Clear()
		if net.open != 0 {
			t.Errorf("%d caches open", net.open)
		}
	})
}

func TestCancel(t *testing.T) {
	for steps := range 8 {
		do(t, func() {
			net := &cipher{}
			m := testModel(net)
			g, rec := start(t, m, Request{Prompt: prompt})
			for range steps {
				g.Step()
			}
			g.Cancel()
			if !g.Step() || !g.Step() {
				t.Fatal("still running")
			}
			r, err := g.Result()
			gave := max(0, steps-4)
			if text, _ := want(prompt, gave); err != nil || r.Finish != proto.FinishCancelled || rec.text != text || r.CompletionTokens != gave {
				t.Errorf("after %d steps: %q %+v %v", steps, rec.text, r, err)
			}
			// What was read stays for the next request.
			g, rec = start(t, m, Request{Prompt: prompt, MaxTokens: 8})
			if r = finish(t, g); r.CachedTokens != min(8, max(0, min(steps-1, 3))*4) {
				t.Errorf("after %d steps: %d cached", steps, r.CachedTokens)
			}
			if text, _ := want(prompt, 8); rec.text != text {
				t.Errorf("%q, want %q", rec.text, text)
			}
			m.Prefixes.Clear()
		})
	}
}

func TestBadNumbersAndPanics(t *testing.T) {
	do(t, func() {
		net := &cipher{poison: 11}
		m := testModel(net)
		g, rec := start(t, m, Request{Prompt: prompt})
		for !g.Step() {
		}
		_, err := g.Result()
		var e *proto.Error
		if !errors.As(err, &e) || e.Code != proto.CodeEngine || !strings.Contains(e.Message, "finite") || len(rec.text) == 0 {
			t.Errorf("%v after %q", err, rec.text)
		}
		net.poison, net.crash = 0, 13
		g, _ = start(t, m, Request{Prompt: prompt})
		err = mlx.Try(func() {
			for !g.Step() {
			}
		})
		g.Fail(err)
		if _, err := g.Result(); err == nil || !strings.Contains(err.Error(), "shapes do not fit") {
			t.Errorf("%v", err)
		}
		if net.open != m.Prefixes.Len() {
			t.Errorf("%d caches open, %d kept", net.open, m.Prefixes.Len())
		}
		m.Prefixes.Clear()
	})
}

func TestLimits(t *testing.T) {
	m := testModel(&cipher{})
	for _, n := range []int{0, 64, 1000} {
		if _, err := New(m, Request{Prompt: make([]int, n), Emit: func(proto.Event) {}}); AsError(err).Code != map[bool]int{true: proto.CodeInvalid, false: proto.CodeTooLong}[n == 0] {
			t.Errorf("%d tokens: %v", n, err)
		}
	}
	do(t, func() {
		g, _ := start(t, m, Request{Prompt: make([]int, 60), MaxTokens: 100})
		if r := finish(t, g); r.CompletionTokens != 4 || r.Finish != proto.FinishLength {
			t.Errorf("%+v at the end of the context", r)
		}
		m.Prefixes.Clear()
	})
}

func TestIgnoreEOSNoCache(t *testing.T) {
	do(t, func() {
		net := &cipher{}
		m := testModel(net)
		_, tokens := want(prompt, 8)
		m.EOS[tokens[0]] = true
		for range 2 {
			g, _ := start(t, m, Request{Prompt: prompt, MaxTokens: 8, IgnoreEOS: true, NoCache: true})
			if r := finish(t, g); r.CompletionTokens != 8 || r.CachedTokens != 0 || net.open != 0 {
				t.Errorf("%+v, %d caches", r, net.open)
			}
		}
		g, rec := start(t, m, Request{Prompt: prompt})
		if r := finish(t, g); r.Finish != proto.FinishStop || r.CompletionTokens != 1 || rec.text != "" {
			t.Errorf("%+v %q", r, rec.text)
		}
		m.Prefixes.Clear()
	})
}

// logprob is the cipher's own, computed here.
func logprob(context []int, token int) float64 {
	sum, own := 0.0, 0.0
	for i := range vocabulary {
		v := -float64(i) / 8
		if i == next(context) {
			v = 9
		}
		if i == token {
			own = v
		}
		sum += math.Exp(v)
	}
	return own - math.Log(sum)
}

func TestLogprobsAndEcho(t *testing.T) {
	do(t, func() {
		m := testModel(&cipher{})
		for range 2 { // the second time the prompt is in the cache
			g, rec := start(t, m, Request{Prompt: prompt, MaxTokens: 3, Logprobs: 4, Echo: true})
			finish(t, g)
			_, tokens := want(prompt, 3)
			all := append(slices.Clone(prompt), tokens...)
			if len(rec.tokens) != len(all) {
				t.Fatalf("%d tokens told, want %d", len(rec.tokens), len(all))
			}
			for i, tok := range rec.tokens {
				if tok.ID != all[i] || tok.Prompt != (i < len(prompt)) || string(tok.Bytes) != string(rune('a'+all[i])) {
					t.Errorf("token %d: %+v", i, tok)
				}
				if i == 0 {
					if tok.Logprob != nil || tok.Top != nil {
						t.Errorf("the first token has a log-probability")
					}
					continue
				}
				if d := math.Abs(*tok.Logprob - logprob(all[:i], all[i])); d > 1e-5 {
					t.Errorf("token %d: log-probability %v is off by %g", i, *tok.Logprob, d)
				}
				if len(tok.Top) != 3 || tok.Top[0].ID != next(all[:i]) || math.Abs(*tok.Top[2].Logprob-logprob(all[:i], tok.Top[2].ID)) > 1e-5 || *tok.Top[1].Logprob < *tok.Top[2].Logprob {
					t.Errorf("token %d: rivals %+v", i, tok.Top)
				}
			}
		}
		g, rec := start(t, m, Request{Prompt: prompt, MaxTokens: 2, Echo: true})
		if r := finish(t, g); r.CachedTokens != 8 || len(rec.tokens) != 11 || rec.tokens[5].Logprob != nil {
			t.Errorf("echo alone: %+v, %d tokens", r, len(rec.tokens))
		}
		m.Prefixes.Clear()
	})
}

func TestChunkFor(t *testing.T) {
	for _, c := range []struct {
		parameters int64
		gpu        bool
		want       int
	}{{135e6, false, 64}, {600e6, false, 64}, {1.7e9, false, 32}, {4e9, false, 16}, {8e9, false, 8}, {8e9, true, 512}, {0, false, 64}} {
		if got := ChunkFor(c.parameters, c.gpu); got != c.want {
			t.Errorf("%d parameters: %d, want %d", c.parameters, got, c.want)
		}
	}
}

// Penalties must not make the end of a turn unlikely.
func TestPenaltiesCountNoControlTokens(t *testing.T) {
	m := &Model{Tokens: letters{}, EOS: map[int]bool{2: true}}
	if got := m.words([]int{1, 2, 3, vocabulary - 1, 1}); !slices.Equal(got, []int{1, 3, 1}) {
		t.Errorf("counted %v", got)
	}
}
