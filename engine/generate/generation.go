package generate

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"qwill/engine/mlx"
	"qwill/engine/prefix"
	"qwill/engine/proto"
	"qwill/engine/reasoning"
)

// Request is one generation, checked and tokenized.
type Request struct {
	ID        uint64
	Priority  int
	Prompt    []int // at least one token, fewer than the context
	Settings  Settings
	MaxTokens int // 0: until the context is full
	Stop      []string
	Logprobs  int
	Echo      bool
	IgnoreEOS bool
	NoCache   bool
	Lookup    bool                // the reply repeats much of the prompt: check guesses from there
	Split     *reasoning.Splitter // nil: the whole output is answer
	Form      *Form               // nil: any text
	Emit      func(proto.Event)
}

// Generation runs one request. Step, Pause and Fail are called on the MLX
// thread, Cancel and Cancelled anywhere; Result after the generation has ended.
type Generation struct {
	m     *Model
	r     Request
	limit int // tokens to give out
	out   *output

	stop   atomic.Bool
	seq    *prefix.Seq[Cache]
	cached int
	draw   Sampler
	keep   *mlx.Scope // owns ahead's arrays
	ahead  *drawn     // sampled, not given out yet; nil while the prompt is read
	look   *lookup    // nil: nothing is guessed
	held   held

	started, first, last, pausedAt time.Time
	paused, pausedBeforeFirst      time.Duration

	result proto.Result
	err    error
	ended  bool
}

// drawn is a token on its way.
type drawn struct {
	token mlx.Array // [1] int32
	sum   mlx.Array // of the logits: finite only when all of them are
	probs probs     // when log-probabilities are wanted
}

// New prepares a generation.
func New(m *Model, r Request) (*Generation, error) {
	room := m.Context - len(r.Prompt)
	switch {
	case len(r.Prompt) == 0:
		return nil, &proto.Error{Code: proto.CodeInvalid, Message: "the prompt has no tokens", ErrorData: proto.ErrorData{Field: "prompt"}}
	case room < 1:
		return nil, &proto.Error{Code: proto.CodeTooLong,
			Message:   fmt.Sprintf("the prompt has %d tokens, the model's context holds %d", len(r.Prompt), m.Context),
			ErrorData: proto.ErrorData{Field: "messages", Hint: "shorten the text, or start a new chat"}}
	}
	g := &Generation{m: m, r: r, limit: room}
	if r.MaxTokens > 0 {
		g.limit = min(room, r.MaxTokens)
	}
	g.out = &output{id: r.ID, text: m.Decoder(), hidden: m.Tokens.IsSpecial, split: r.Split,
		stop: stopMatcher{stops: r.Stop}, emit: r.Emit}
	if r.Form != nil {
		if err := r.Form.fits(g.limit, r.MaxTokens > 0 && r.MaxTokens < room); err != nil {
			return nil, err
		}
		g.out.stop.complete = r.Form.Complete
	}
	if r.Lookup {
		g.look = newLookup(r.Prompt)
	}
	return g, nil
}

// Cancel ends the generation at its next step.
func (g *Generation) Cancel() { g.stop.Store(true) }

// Cancelled reports whether Cancel was called.
func (g *Generation) Cancelled() bool { return g.stop.Load() }

// Priority is the request's.
func (g *Generation) Priority() int { return g.r.Priority }

// Prompt is the length of the prompt in tokens.
func (g *Generation) Prompt() int { return len(g.r.Prompt) }

// Longest is how many tokens the sequence can come to hold.
func (g *Generation) Longest() int { return len(g.r.Prompt) + g.limit }

// Result gives the figures, or why the generation failed.
func (g *Generation) Result() (proto.Result, error) { return g.result, g.err }

// Pause tells that another generation takes over until the next Step.
func (g *Generation) Pause() {
	g.pausedAt = time.Now()
	g.r.Emit(proto.Event{ID: g.r.ID, Paused: true})
}

// Step does one piece of work: a chunk of the prompt, or one token. It reports
// whether the generation has ended.
func (g *Generation) Step() bool {
	if g.resume() {
		return true
	}
	s := g.m.Thread.Enter()
	defer s.Close()
	switch {
	case g.seq == nil:
		return g.begin()
	case g.ahead == nil:
		return g.prefill()
	default:
		return g.decode()
	}
}

// resume counts a pause that ends with this step, and reports whether there is
// nothing left to do.
func (g *Generation) resume() (ended bool) {
	if g.ended {
		return true
	}
	if !g.pausedAt.IsZero() {
		g.paused += time.Since(g.pausedAt)
		g.pausedAt = time.Time{}
	}
	return g.stop.Load() && g.end(proto.FinishCancelled, true)
}

// begin takes a cache with as much of the prompt as there is.
func (g *Generation) begin() bool {
	g.started = time.Now()
	mlx.ResetPeakMemory()
	var err error
	g.keep = g.m.Thread.NewScope()
	if g.draw, err = g.m.Sampler(g.r.Settings, g.m.words(g.r.Prompt)); err != nil {
		return g.failed(err)
	}
	if g.r.NoCache || g.r.Echo && g.r.Logprobs > 0 { // an echo needs the logits of every position
		kv, err := g.m.Net.NewCache()
		if err != nil {
			return g.failed(err)
		}
		g.seq = &prefix.Seq[Cache]{KV: kv}
	} else if g.seq, g.cached, err = g.m.Prefixes.Take(g.r.Prompt); err != nil {
		return g.failed(err)
	}
	g.progress()
	if g.r.Echo {
		g.echo(0, nil)
	}
	return false
}

func (g *Generation) progress() {
	g.r.Emit(proto.Event{ID: g.r.ID, Prefill: &proto.Prefill{Cached: g.cached, Done: len(g.seq.Tokens), Total: len(g.r.Prompt)}})
}

// prefill reads the next chunk. Chunks end at multiples of the chunk size, so
// that the same prompt is cut at the same places whatever was cached.
func (g *Generation) prefill() bool {
	at := len(g.seq.Tokens)
	end := min(len(g.r.Prompt), (at/g.m.Chunk+1)*g.m.Chunk)
	chunk := g.r.Prompt[at:end]
	hidden := g.m.Net.Forward(g.m.Thread.FromInts(chunk), g.seq.KV)
	if end == len(g.r.Prompt) {
		last := hidden
		if n := len(chunk); n > 1 {
			last = mlx.Slice(hidden, []int{n - 1, 0}, []int{n, hidden.Dim(1)})
		}
		g.ahead = g.sample(g.m.Net.Logits(last), mlx.Array{}, g.limit)
	}
	if g.r.Echo && g.r.Logprobs > 0 {
		g.echo(at, &hidden)
	}
	mlx.Eval(g.seq.KV.Arrays()...)
	g.seq.Tokens = append(g.seq.Tokens, chunk...)
	g.progress()
	return false
}

// decode gives out the token drawn before, while the one after it is computed.
// With a form the next token waits for this one: the tokens that may follow are
// found while the network works, and only the draw comes after. So it does where
// what follows it can be guessed.
func (g *Generation) decode() bool {
	var logits mlx.Array
	if g.reads() {
		logits = g.m.Net.Logits(g.m.Net.Forward(g.ahead.token, g.seq.KV))
	}
	return g.follows(logits)
}

// more says whether a token may follow the one drawn.
func (g *Generation) more() bool { return g.out.tokens+1 < g.limit }

// guesses says whether what follows the token drawn is guessed.
func (g *Generation) guesses() bool {
	return g.more() && g.look != nil && (g.held.logits.OK() || g.look.ready())
}

// reads says whether the token drawn goes into the network before it is known.
func (g *Generation) reads() bool { return g.more() && !g.guesses() }

// follows gives out the token drawn; logits [1, vocabulary] are what follows it
// where it was read.
func (g *Generation) follows(logits mlx.Array) bool {
	more, guess, read := g.more(), g.guesses(), g.reads()
	now := g.ahead
	g.ahead = nil
	defer now.free()
	if read {
		if g.r.Form == nil {
			g.ahead = g.sample(logits, now.token, 0)
		} else {
			mlx.AsyncEval(logits)
		}
	}
	id := now.token.Int()
	if sum := float64(now.sum.Item()); math.IsNaN(sum) || math.IsInf(sum, 0) {
		return g.failed(errNotFinite)
	}
	ends := g.m.EOS[id] && !g.r.IgnoreEOS
	whole := false // the form lets nothing follow
	if f := g.r.Form; f != nil && !ends {
		if err := f.Matcher.Advance(id); err != nil {
			return g.failed(fmt.Errorf("the reply left its form: %w", err))
		}
		whole = f.Matcher.Done()
	}
	if g.look != nil {
		g.look.push(id)
	}
	if more && !ends && !whole && (guess || g.r.Form != nil) {
		left := g.limit - g.out.tokens - 1
		if guess {
			var err error
			if logits, err = g.follow(id, left); err != nil {
				return g.failed(err)
			}
			read = true
		}
		g.ahead = g.sample(logits, now.token, left)
	}
	detail := g.detail(id, now)
	if read {
		g.seq.Tokens = append(g.seq.Tokens, id)
	}
	g.last = time.Now()
	if g.first.IsZero() {
		g.first, g.pausedBeforeFirst = g.last, g.paused
	}
	if ends {
		g.result.CompletionTokens = g.out.tokens + 1
		return g.end(proto.FinishStop, true)
	}
	if g.out.token(id, detail) {
		return g.end(proto.FinishStop, false)
	}
	if whole {
		return g.end(proto.FinishStop, true)
	}
	if g.out.tokens == g.limit {
		return g.end(proto.FinishLength, true)
	}
	return false
}

var errNotFinite = &proto.Error{Code: proto.CodeEngine, Message: "the model computed numbers that are not finite",
	ErrorData: proto.ErrorData{Hint: "its files may be damaged: fetch the model again"}}

// sample draws from logits [1, vocabulary] and starts computing. last is the
// token before. left, which counts with a form only, is the tokens that may
// follow, the one drawn included. Log-probabilities are the model's own.
func (g *Generation) sample(logits, last mlx.Array, left int) *drawn {
	from := logits
	if g.r.Form != nil {
		from = g.r.Form.apply(g.m.Thread, logits, left)
	}
	d := &drawn{token: g.draw.Sample(from, last), sum: mlx.Sum(logits, -1, false)}
	if g.r.Logprobs > 0 {
		d.probs = logprobs(logits, mlx.Reshape(d.token, 1, 1), g.r.Logprobs-1)
	}
	all := d.arrays()
	g.keep.Adopt(all...)
	mlx.AsyncEval(all...)
	return d
}

func (d *drawn) arrays() []mlx.Array {
	return append([]mlx.Array{d.token, d.sum}, d.probs.arrays()...)
}

func (d *drawn) free() {
	for _, a := range d.arrays() {
		if a.OK() {
			a.Free()
		}
	}
}

// Fail ends the generation after a step panicked, or when it cannot run.
func (g *Generation) Fail(err error) { g.failed(err) }

func (g *Generation) failed(err error) bool {
	if g.ended {
		return true
	}
	g.ended, g.err = true, err
	if g.seq != nil { // its state is not known
		g.seq.KV.Close()
		g.seq = nil
	}
	g.release()
	return true
}

func (g *Generation) release() {
	if g.draw != nil {
		g.draw.Close()
	}
	if g.keep != nil {
		g.keep.Close()
	}
}

// end closes the generation well; flush gives out text that was held back.
func (g *Generation) end(finish string, flush bool) bool {
	g.ended = true
	if flush {
		g.out.end()
	}
	if g.seq != nil {
		if g.r.NoCache {
			g.seq.KV.Close()
		} else {
			g.m.Prefixes.Put(g.seq)
		}
	}
	g.release()
	r := &g.result
	r.Finish, r.Seed = finish, g.r.Settings.Seed
	r.PromptTokens, r.CachedTokens = len(g.r.Prompt), g.cached
	r.CompletionTokens = max(r.CompletionTokens, g.out.tokens)
	r.ReasoningTokens = g.out.thought
	r.PeakMemoryBytes = mlx.PeakMemory()
	if !g.first.IsZero() {
		ttft := g.first.Sub(g.started)
		r.TTFTMillis = ttft.Seconds() * 1000
		r.PrefillPerSecond = rate(len(g.r.Prompt)-g.cached, ttft-g.pausedBeforeFirst)
		r.DecodePerSecond = rate(r.CompletionTokens-1, g.last.Sub(g.first)-(g.paused-g.pausedBeforeFirst))
	}
	return true
}

// rate is n a second, 0 when nothing was measured.
func rate(n int, d time.Duration) float64 {
	if n <= 0 || d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// AsError gives any error of a generation as the wire's.
func AsError(err error) *proto.Error {
	var e *proto.Error
	if errors.As(err, &e) {
		return e
	}
	return &proto.Error{Code: proto.CodeEngine, Message: err.Error()}
}
