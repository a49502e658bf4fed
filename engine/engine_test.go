package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"qwill/engine"
	"qwill/engine/proto"
)

// These tests run the real child on the real starter model.
var (
	binary  string // qwill-engine, built from this tree
	starter string // the starter model, imported by it
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "qwill-engine-test-")
	if err == nil {
		err = prepare(dir)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare the engine's tests:", err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func prepare(dir string) error {
	binary = filepath.Join(dir, "qwill-engine")
	if out, err := exec.Command("go", "build", "-o", binary, "qwill/engine/cmd/qwill-engine").CombinedOutput(); err != nil {
		return fmt.Errorf("build qwill-engine: %w\n%s", err, out)
	}
	files, err := filepath.Glob("../build/.deps/starter/*.gguf")
	if err != nil || len(files) != 1 {
		return fmt.Errorf("the starter model is not in build/.deps/starter: run build/setup.sh")
	}
	source, err := filepath.Abs(files[0])
	if err != nil {
		return err
	}
	e := engine.New(engine.Config{Binary: binary})
	defer e.Close()
	starter = filepath.Join(dir, "starter")
	if _, err := e.Import(context.Background(), source, starter); err != nil {
		return fmt.Errorf("import the starter model: %w", err)
	}
	return nil
}

func ptr[T any](v T) *T { return &v }

func start(t *testing.T) *engine.Engine {
	t.Helper()
	e := engine.New(engine.Config{Binary: binary})
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// chat asks the starter greedily.
func chat(content string, max int) engine.GenerateParams {
	return engine.GenerateParams{Path: starter, Mode: engine.ModeExact, MaxTokens: max,
		Messages: []engine.Message{{Role: "user", Content: content}}, Sampling: engine.Sampling{Temperature: ptr(0.0)}}
}

// story asks for a text that goes on for long, with a seed.
func story(max int) engine.GenerateParams {
	p := chat("Write a long story about a lighthouse keeper and the sea.", max)
	p.Sampling = engine.Sampling{Temperature: ptr(0.8), TopK: ptr(0), TopP: ptr(0.95), Seed: ptr(uint64(42))}
	p.IgnoreEOS = true
	return p
}

// reply collects a generation's events.
type reply struct {
	mu     sync.Mutex
	text   string
	tokens []engine.Token
	events []engine.Event
	on     func(engine.Event)
}

func (r *reply) put(e engine.Event) {
	r.mu.Lock()
	r.text += e.Text
	r.tokens = append(r.tokens, e.Tokens...)
	r.events = append(r.events, e)
	r.mu.Unlock()
	if r.on != nil {
		r.on(e)
	}
}

func generate(t *testing.T, e *engine.Engine, p engine.GenerateParams) (*reply, engine.Result) {
	t.Helper()
	r := &reply{}
	res, err := e.Generate(t.Context(), p, r.put)
	if err != nil {
		t.Fatal(err)
	}
	return r, res
}

func wantCode(t *testing.T, err error, code int) *engine.Error {
	t.Helper()
	var e *engine.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("error %v, want code %d", err, code)
	}
	return e
}

func TestOpen(t *testing.T) {
	e := start(t)
	var progress []engine.LoadProgress
	info, err := e.Open(t.Context(), starter, engine.ModeFast, func(p engine.LoadProgress) { progress = append(progress, p) })
	if err != nil {
		t.Fatal(err)
	}
	if info.Architecture != "llama" || info.Layers != 30 || info.Context != 8192 || info.Vocabulary != 49152 || info.Parameters < 130e6 ||
		info.WeightBytes < 90e6 || info.KVBytesPerToken <= 0 || info.CanThink || !strings.Contains(info.Quantization, "4") {
		t.Errorf("%+v", info)
	}
	if n := len(progress); n == 0 || progress[n-1].Done != progress[n-1].Total || progress[n-1].Total < 90e6 {
		t.Errorf("progress %v", progress)
	}
	h, err := e.Start(t.Context())
	if err != nil || h.MLX == "" || h.Threads < 1 || h.MemoryByte < 1<<30 || !strings.Contains(h.Confined, "network: refused") {
		t.Errorf("%+v %v", h, err)
	}
	s, err := e.Stats(t.Context())
	if err != nil || len(s.Models) != 1 || s.ActiveBytes < 90e6 {
		t.Errorf("%+v %v", s, err)
	}
	if err := e.CloseModel(t.Context(), starter, engine.ModeFast); err != nil {
		t.Fatal(err)
	}
	if s, err = e.Stats(t.Context()); err != nil || len(s.Models) != 0 || s.Handles > 8 || s.ActiveBytes > 20e6 {
		t.Errorf("after closing: %+v %v", s, err)
	}
}

func TestReply(t *testing.T) {
	e := start(t)
	for _, mode := range []engine.Mode{engine.ModeExact, engine.ModeFast} {
		p := chat("", 12)
		p.Mode, p.Messages, p.Text = mode, nil, "France is a country in Europe. The capital of France is"
		r, res := generate(t, e, p) // opens the model by itself
		if !strings.Contains(r.text, "Paris") {
			t.Errorf("%s: %q", mode, r.text)
		}
		if res.PromptTokens < 10 || res.CompletionTokens < 3 || res.DecodePerSecond <= 0 || res.PrefillPerSecond <= 0 || res.TTFTMillis <= 0 || res.PeakMemoryBytes < 50e6 {
			t.Errorf("%+v", res)
		}
		first := r.events[0].Prefill
		if first == nil || first.Total != res.PromptTokens {
			t.Errorf("first event %+v", r.events[0])
		}
		t.Logf("%s: prefill %.0f, decode %.1f tokens a second", mode, res.PrefillPerSecond, res.DecodePerSecond)
	}
}

func TestSeed(t *testing.T) {
	e := start(t)
	a, ra := generate(t, e, story(40))
	b, rb := generate(t, e, story(40))
	if a.text != b.text || ra.Seed != 42 || rb.CachedTokens == 0 {
		t.Errorf("one seed, two texts:\n%q\n%q", a.text, b.text)
	}
	p := story(40)
	p.Sampling.Seed = ptr(uint64(43))
	if c, _ := generate(t, e, p); c.text == a.text {
		t.Error("two seeds, one text")
	}
	p.Sampling.Seed = nil
	_, r1 := generate(t, e, p)
	_, r2 := generate(t, e, p)
	if r1.Seed == r2.Seed {
		t.Error("the same seed was drawn twice")
	}
}

func TestCancel(t *testing.T) {
	e := start(t)
	long := strings.Repeat("The sea was calm and the light went round and round. ", 400)
	for name, p := range map[string]engine.GenerateParams{"decode": story(4000), "prefill": chat(long, 10)} {
		ctx, cancel := context.WithCancel(t.Context())
		var at time.Time
		r := &reply{}
		r.on = func(ev engine.Event) {
			if at.IsZero() && (name == "prefill" && ev.Prefill != nil && ev.Prefill.Done > 0 || len(r.text) > 20) {
				at = time.Now()
				cancel()
			}
		}
		res, err := e.Generate(ctx, p, r.put)
		if d := time.Since(at); err != nil || res.Finish != proto.FinishCancelled || at.IsZero() || d > time.Second {
			t.Errorf("%s: cancelled after %v: %+v %v", name, d, res, err)
		} else {
			t.Logf("%s: cancelled within %v", name, d)
		}
		cancel()
	}
	if s, err := e.Stats(t.Context()); err != nil || s.Running+s.Waiting != 0 {
		t.Errorf("%+v %v", s, err)
	}
	generate(t, e, chat("Hello", 5))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if res, err := e.Generate(ctx, chat("Hello", 5), func(engine.Event) {}); err != nil || res.Finish != proto.FinishCancelled {
		t.Errorf("cancelled before: %+v %v", res, err)
	}
}

func TestKillMidReply(t *testing.T) {
	e := start(t)
	want, _ := generate(t, e, story(30))
	var killed sync.Once
	r := &reply{}
	r.on = func(engine.Event) {
		if len(r.text) > 20 {
			killed.Do(func() {
				if err := syscall.Kill(e.State().Hello.PID, syscall.SIGKILL); err != nil {
					t.Error(err)
				}
			})
		}
	}
	_, err := e.Generate(t.Context(), story(4000), r.put)
	if pe := wantCode(t, err, proto.CodeCrashed); !strings.Contains(pe.Message, "signal killed") {
		t.Errorf("cause: %v", pe)
	}
	if len(r.text) <= 20 {
		t.Error("the partial reply is lost")
	}
	// The next message works, with the model opened again by itself.
	if got, _ := generate(t, e, story(30)); got.text != want.text {
		t.Errorf("%q after the crash, %q before", got.text, want.text)
	}
	if s := e.State(); s.Phase != engine.Ready || s.Attempt != 0 {
		t.Errorf("%+v", s)
	}
}

func TestGiveUp(t *testing.T) {
	e := start(t)
	for deaths := range 3 {
		if _, err := e.Open(t.Context(), starter, engine.ModeExact, nil); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(e.State().Hello.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(10 * time.Second); e.State().Attempt != deaths+1; {
			if time.Now().After(end) {
				t.Fatalf("the death was not noticed: %+v", e.State())
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	_, err := e.Generate(t.Context(), chat("Hello", 5), func(engine.Event) {})
	if pe := wantCode(t, err, proto.CodeUnavailable); !strings.Contains(pe.Message, "killed") || pe.Hint == "" {
		t.Errorf("%v", pe)
	}
	if s := e.State(); s.Phase != engine.Failed || s.Attempt != 3 {
		t.Errorf("%+v", s)
	}
}

// A request of higher priority starts at once; the other resumes by itself and
// gives the text it would have given alone.
func TestPriority(t *testing.T) {
	e := start(t)
	want, _ := generate(t, e, story(60))
	r := &reply{}
	begun := make(chan struct{})
	var once sync.Once
	r.on = func(engine.Event) {
		if len(r.text) > 20 {
			once.Do(func() { close(begun) })
		}
	}
	done := make(chan error, 1)
	go func() { _, err := e.Generate(t.Context(), story(60), r.put); done <- err }()
	<-begun
	asked := time.Now()
	var firstText time.Duration
	q := &reply{}
	q.on = func(ev engine.Event) {
		if firstText == 0 && ev.Text != "" {
			firstText = time.Since(asked)
		}
	}
	p := chat("What is the capital of France?", 20)
	p.Prior = proto.PriorityInteractive
	if _, err := e.Generate(t.Context(), p, q.put); err != nil {
		t.Fatal(err)
	}
	if firstText > time.Second || !strings.Contains(q.text, "Paris") {
		t.Errorf("the first text after %v: %q", firstText, q.text)
	}
	r.mu.Lock()
	atPause := len(r.text)
	r.mu.Unlock()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	paused := slices.IndexFunc(r.events, func(ev engine.Event) bool { return ev.Paused })
	if r.text != want.text || paused < 0 || atPause == len(want.text) {
		t.Errorf("paused at event %d of %d, %d bytes:\n%q\nwant\n%q", paused, len(r.events), atPause, r.text, want.text)
	}
	t.Logf("first text of the other after %v", firstText)
}

func TestPrefixReuse(t *testing.T) {
	e := start(t)
	p := chat("Name three fruits.", 60)
	r, first := generate(t, e, p)
	p.Messages = append(p.Messages, engine.Message{Role: "assistant", Content: r.text}, engine.Message{Role: "user", Content: "And three more?"})
	_, second := generate(t, e, p)
	fresh := second.PromptTokens - second.CachedTokens
	message, err := e.Tokenize(t.Context(), starter, engine.ModeExact, "And three more?", nil, false)
	if err != nil {
		t.Fatal(err)
	}
	// The end of the answer, the new message, and the template's words around them.
	if limit := len(message) + 16; fresh > limit || second.CachedTokens < first.PromptTokens {
		t.Errorf("%d of %d tokens were read again, want at most %d", fresh, second.PromptTokens, limit)
	}
	// Another chat with the same system prompt does not push the first one out.
	q := chat("Name three rivers.", 5)
	if _, other := generate(t, e, q); other.CachedTokens == 0 {
		t.Error("the system prompt was read again")
	}
	p.MaxTokens = 5
	if _, third := generate(t, e, p); third.PromptTokens-third.CachedTokens > 1 {
		t.Errorf("%d of %d tokens were read again after another chat", third.PromptTokens-third.CachedTokens, third.PromptTokens)
	}
}

func TestStopStrings(t *testing.T) {
	e := start(t)
	p := chat("What is the capital of France?", 30)
	whole, _ := generate(t, e, p)
	stop := whole.text[9:14]
	p.Stop = []string{"never there", stop}
	r, res := generate(t, e, p)
	if want := whole.text[:strings.Index(whole.text, stop)]; r.text != want || res.Finish != proto.FinishStop {
		t.Errorf("%q, %s; want %q", r.text, res.Finish, want)
	}
}

// Emoji take several tokens each, so half characters come in plenty; none is
// shown.
func TestUnicode(t *testing.T) {
	e := start(t)
	p := engine.GenerateParams{Path: starter, Mode: engine.ModeFast, Text: "🦊🐻🐼🦁🐯🦄🐸🐵🦊🐻🐼🦁🐯🦄🐸🐵", MaxTokens: 80, Logprobs: 1, IgnoreEOS: true,
		Sampling: engine.Sampling{Temperature: ptr(0.7), TopK: ptr(0), TopP: ptr(1.0), Seed: ptr(uint64(5))}}
	r, _ := generate(t, e, p)
	half := 0
	var raw []byte
	for _, tok := range r.tokens {
		raw = append(raw, tok.Bytes...)
		if !utf8.Valid(tok.Bytes) {
			half++
		}
	}
	for _, ev := range r.events {
		if !utf8.ValidString(ev.Text) {
			t.Errorf("event %q", ev.Text)
		}
	}
	if half == 0 {
		t.Error("no token was half a character: the test shows nothing")
	}
	control := regexp.MustCompile(`<\|\w+\|>`) // a token, but no text
	strip := func(s string) string { return control.ReplaceAllString(strings.ReplaceAll(s, "\uFFFD", ""), "") }
	if got, want := strip(r.text), strip(strings.ToValidUTF8(string(raw), "")); got != want {
		t.Errorf("text %q, tokens %q", got, want)
	}
}

// The prompt's own log-probabilities are the same in one pass or several, and
// those of the output are consistent with a second reading.
func TestLogprobs(t *testing.T) {
	e := start(t)
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 20)
	p := engine.GenerateParams{Path: starter, Mode: engine.ModeExact, Text: text, MaxTokens: 4, Logprobs: 3, Echo: true, Sampling: engine.Sampling{Temperature: ptr(0.0)}}
	a, res := generate(t, e, p)
	if len(a.tokens) != res.PromptTokens+4 || a.tokens[0].Logprob != nil {
		t.Fatalf("%d tokens told of %d", len(a.tokens), res.PromptTokens)
	}
	for i, tok := range a.tokens[1:] {
		if tok.Logprob == nil || *tok.Logprob > 0 || len(tok.Top) != 2 || *tok.Top[0].Logprob < *tok.Logprob-1e-6 {
			t.Fatalf("token %d: %+v", i+1, tok)
		}
	}
	// Read the output as a prompt.
	var ids []int
	for _, tok := range a.tokens {
		ids = append(ids, tok.ID)
	}
	p.Text, p.Prompt, p.MaxTokens = "", ids, 1
	b, _ := generate(t, e, p)
	for i := 1; i < len(ids); i++ {
		if d := *a.tokens[i].Logprob - *b.tokens[i].Logprob; d > 1e-3 || d < -1e-3 {
			t.Errorf("token %d: %v and %v", i, *a.tokens[i].Logprob, *b.tokens[i].Logprob)
		}
	}
}

func TestRefusals(t *testing.T) {
	e := start(t)
	for field, edit := range map[string]func(*engine.GenerateParams){
		"max_tokens":  func(p *engine.GenerateParams) { p.MaxTokens = -1 },
		"temperature": func(p *engine.GenerateParams) { p.Sampling.Temperature = ptr(-0.5) },
		"prompt":      func(p *engine.GenerateParams) { p.Messages, p.Prompt = nil, []int{49152} },
		"messages":    func(p *engine.GenerateParams) { p.Messages[0].Content = strings.Repeat("word ", 9000) },
		"mode":        func(p *engine.GenerateParams) { p.Mode = "quick" },
	} {
		p := chat("Hello", 5)
		edit(&p)
		_, err := e.Generate(t.Context(), p, func(engine.Event) {})
		code := proto.CodeInvalid
		if field == "messages" {
			code = proto.CodeTooLong
		}
		if pe := wantCode(t, err, code); pe.Field != field {
			t.Errorf("field %q, want %q: %v", pe.Field, field, pe)
		}
	}
	pid := e.State().Hello.PID
	dir := t.TempDir()
	for _, name := range []string{"config.json", "tokenizer.json", "tokenizer_config.json"} {
		b, err := os.ReadFile(filepath.Join(starter, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := chat("Hello", 5)
	p.Path = dir
	_, err := e.Generate(t.Context(), p, func(engine.Event) {})
	wantCode(t, err, proto.CodeModel)
	weights, err := filepath.Glob(filepath.Join(starter, "*.safetensors"))
	if err != nil || len(weights) == 0 {
		t.Fatal("no weights", err)
	}
	b, err := os.ReadFile(weights[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(weights[0])), b[:len(b)-1000], 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = e.Generate(t.Context(), p, func(engine.Event) {})
	if pe := wantCode(t, err, proto.CodeModel); !strings.HasPrefix(pe.File, dir) {
		t.Errorf("file %q: %v", pe.File, pe)
	}
	if got := e.State().Hello.PID; got != pid {
		t.Errorf("the child died of a bad request: process %d became %d", pid, got)
	}
}

// Many at once, all right, and no handle left behind.
func TestCrowd(t *testing.T) {
	e := start(t)
	p := story(12)
	p.NoCache = true
	want, _ := generate(t, e, p)
	before, err := e.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			q := p
			q.Prior = i % 3
			r := &reply{}
			if _, err := e.Generate(t.Context(), q, r.put); err != nil || r.text != want.text {
				t.Errorf("%q %v, want %q", r.text, err, want.text)
			}
		})
	}
	wg.Wait()
	after, err := e.Stats(t.Context())
	if err != nil || after.Handles != before.Handles {
		t.Errorf("%d handles before, %d after: %v", before.Handles, after.Handles, err)
	}
}

// Rest gives the memory of an idle child back, and the next call starts another.
func TestRest(t *testing.T) {
	e := start(t)
	if e.Rest() {
		t.Error("a child that never ran was ended")
	}
	want, _ := generate(t, e, story(10))
	pid := e.State().Hello.PID
	if rss := resident(pid); rss < 90<<20 {
		t.Errorf("%d bytes with a model", rss)
	}
	running := make(chan struct{})
	var once sync.Once
	r := &reply{on: func(engine.Event) { once.Do(func() { close(running) }) }}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _, _ = e.Generate(ctx, story(4000), r.put) }()
	<-running
	if e.Rest() {
		t.Error("a child that writes was ended")
	}
	cancel()
	<-done
	if !e.Rest() || e.State().Phase != engine.Stopped {
		t.Fatalf("it was not ended: %+v", e.State())
	}
	for end := time.Now().Add(5 * time.Second); resident(pid) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("its process still has memory")
		}
	}
	if got, _ := generate(t, e, story(10)); got.text != want.text {
		t.Errorf("%q after the rest, %q before", got.text, want.text)
	}
	if s := e.State(); s.Attempt != 0 || s.Hello.PID == pid {
		t.Errorf("%+v", s)
	}
}

// resident gives the memory of a process in bytes, 0 when it is gone.
func resident(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(b), &size, &pages); err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
