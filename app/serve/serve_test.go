package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qwill/app/errs"
	"qwill/engine"
	"qwill/engine/proto"
)

// child stands for the engine and checks what a real one would suffer from:
// generating on a model that is not open.
type child struct {
	memory int64
	gate   chan struct{} // holds generations, when set
	slow   time.Duration // of a load
	fail   error

	mu    sync.Mutex
	open  map[key]bool
	log   []string
	max   int // models open at once
	state func(engine.State)
	busy  bool // with another's call: it does not rest
}

func newChild() *child { return &child{memory: 8 << 30, open: map[key]bool{}} }

func (c *child) add(format string, args ...any) { c.log = append(c.log, fmt.Sprintf(format, args...)) }

func (c *child) Start(context.Context) (engine.HelloResult, error) {
	return engine.HelloResult{MemoryByte: c.memory}, nil
}

func (c *child) Open(_ context.Context, path string, mode engine.Mode, progress func(engine.LoadProgress)) (engine.ModelInfo, error) {
	progress(engine.LoadProgress{Path: path, Done: 1, Total: 2})
	time.Sleep(c.slow)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add("open %s", filepath.Base(path))
	if c.fail != nil {
		return engine.ModelInfo{}, c.fail
	}
	c.open[key{path, mode}] = true
	c.max = max(c.max, len(c.open))
	return engine.ModelInfo{Path: path, Mode: mode}, nil
}

func (c *child) CloseModel(_ context.Context, path string, mode engine.Mode) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add("close %s", filepath.Base(path))
	delete(c.open, key{path, mode})
	return nil
}

func (c *child) Embed(_ context.Context, p engine.EmbedParams) (engine.EmbedResult, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open[key{p.Path, p.Mode}] {
		return engine.EmbedResult{}, errors.New("not open")
	}
	return engine.EmbedResult{Vectors: make([][]float32, len(p.Texts))}, nil
}

func (c *child) Generate(ctx context.Context, p engine.GenerateParams, fn func(engine.Event)) (engine.Result, error) {
	c.mu.Lock()
	open := c.open[key{p.Path, p.Mode}]
	c.mu.Unlock()
	if !open {
		return engine.Result{}, errors.New("not open")
	}
	if c.gate != nil {
		select {
		case <-c.gate:
		case <-ctx.Done():
			return engine.Result{Finish: proto.FinishCancelled}, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open[key{p.Path, p.Mode}] {
		return engine.Result{}, errors.New("closed while in use")
	}
	c.add("run %s", filepath.Base(p.Path))
	return engine.Result{Finish: proto.FinishStop}, nil
}

func (c *child) Subscribe(fn func(engine.State)) func() {
	c.mu.Lock()
	c.state = fn
	c.mu.Unlock()
	fn(engine.State{Phase: engine.Ready})
	return func() {}
}

func (c *child) Rest() bool {
	c.mu.Lock()
	if c.busy {
		c.mu.Unlock()
		return false
	}
	c.add("rest")
	state := c.state
	c.mu.Unlock()
	state(engine.State{Phase: engine.Stopped})
	return true
}

func (c *child) journal() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.log, ", ")
}

// folder makes a model folder whose weights seem to have the size.
func folder(t *testing.T, name string, size int64) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil { // sparse
		t.Fatal(err)
	}
	return dir
}

func params(path string) engine.GenerateParams {
	return engine.GenerateParams{Path: path, Mode: engine.ModeExact, Text: "x"}
}

func nothing(engine.Event) {}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func TestOneLoad(t *testing.T) {
	c := newChild()
	c.slow = 20 * time.Millisecond
	s := New(c, Options{})
	defer s.Close()
	a := folder(t, "a", 100)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			var seen []int
			var mu sync.Mutex
			r, err := s.Generate(t.Context(), params(a), nothing, func(p int) { mu.Lock(); defer mu.Unlock(); seen = append(seen, p) })
			if err != nil || r.Finish != proto.FinishStop {
				t.Errorf("%v %v", r, err)
			}
			if slices.Max(append(seen, 0)) > 99 {
				t.Errorf("percentages %v", seen)
			}
		})
	}
	wg.Wait()
	if n := strings.Count(c.journal(), "open"); n != 1 {
		t.Errorf("%d loads: %s", n, c.journal())
	}
}

func TestSwitch(t *testing.T) {
	c := newChild()
	s := New(c, Options{})
	defer s.Close()
	a, b := folder(t, "a", 100), folder(t, "b", 100)
	for _, p := range []string{a, b, b, a} {
		if _, err := s.Generate(t.Context(), params(p), nothing, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := c.journal(), "open a, run a, close a, open b, run b, run b, close b, open a, run a"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// A model in use stays; another is opened beside it if memory holds both, and
// waits if not.
func TestBusySwitch(t *testing.T) {
	for _, both := range []bool{true, false} {
		t.Run(fmt.Sprint("both fit ", both), func(t *testing.T) {
			c := newChild()
			c.gate = make(chan struct{})
			s := New(c, Options{})
			defer s.Close()
			size := int64(1 << 20)
			if !both {
				size = 4 << 30
			}
			a, b := folder(t, "a", size), folder(t, "b", size)
			done := make(chan error, 2)
			go func() { _, err := s.Generate(t.Context(), params(a), nothing, nil); done <- err }()
			eventually(t, "a open", func() bool { return strings.Contains(c.journal(), "open a") })
			go func() { _, err := s.Generate(t.Context(), params(b), nothing, nil); done <- err }()
			if both {
				eventually(t, "b open", func() bool { return strings.Contains(c.journal(), "open b") })
			} else {
				time.Sleep(20 * time.Millisecond)
				if strings.Contains(c.journal(), "open b") {
					t.Error("b was opened beside a")
				}
			}
			close(c.gate)
			for range 2 {
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
			if !both && c.max != 1 {
				t.Errorf("%d models at once", c.max)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	c := newChild()
	s := New(c, Options{})
	defer s.Close()
	var pe *proto.Error
	_, err := s.Generate(t.Context(), params(folder(t, "big", 9<<30)), nothing, nil)
	if !errors.As(err, &pe) || pe.Code != proto.CodeMemory || !strings.Contains(err.Error(), "9.2 GiB") || !strings.Contains(err.Error(), "8.0 GiB") {
		t.Errorf("too big: %v", err)
	}
	var ue *errs.Error
	if _, err = s.Generate(t.Context(), params(filepath.Join(t.TempDir(), "gone")), nothing, nil); !errors.As(err, &ue) || ue.Code != errs.ModelMissing {
		t.Errorf("missing: %v", err)
	}
	if _, err = s.Generate(t.Context(), params(t.TempDir()), nothing, nil); !errors.As(err, &pe) || pe.Code != proto.CodeModel {
		t.Errorf("empty: %v", err)
	}
	bad := params(folder(t, "[a]*", 10))
	bad.MaxTokens = -1
	if _, err = s.Generate(t.Context(), bad, nothing, nil); !errors.As(err, &pe) || pe.Field != "max_tokens" {
		t.Errorf("bad parameter: %v", err)
	}
	if c.journal() != "" {
		t.Errorf("loaded for nothing: %s", c.journal())
	}
	bad.MaxTokens = 0
	if _, err = s.Generate(t.Context(), bad, nothing, nil); err != nil {
		t.Errorf("a folder with wildcards in its name: %v", err)
	}
	c.fail = &proto.Error{Code: proto.CodeModel, Message: "damaged"}
	a := folder(t, "a", 10)
	if _, err = s.Generate(t.Context(), params(a), nothing, nil); !errors.As(err, &pe) || pe.Message != "damaged" {
		t.Errorf("damaged: %v", err)
	}
	c.fail = nil
	if _, err = s.Generate(t.Context(), params(a), nothing, nil); err != nil {
		t.Errorf("repaired: %v", err)
	}
}

func TestQueueLimit(t *testing.T) {
	c := newChild()
	c.gate = make(chan struct{})
	s := New(c, Options{Queue: 2})
	defer s.Close()
	a := folder(t, "a", 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan engine.Result, 2)
	for range 2 {
		go func() { r, _ := s.Generate(ctx, params(a), nothing, nil); done <- r }()
	}
	eventually(t, "both inside", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.inside == 2 })
	var ue *errs.Error
	if _, err := s.Generate(t.Context(), params(a), nothing, nil); !errors.As(err, &ue) || ue.Code != errs.Busy {
		t.Errorf("third: %v", err)
	}
	cancel()
	for range 2 {
		if r := <-done; r.Finish != proto.FinishCancelled {
			t.Errorf("finish %q", r.Finish)
		}
	}
}

// After the child was replaced its models are loaded again, with progress.
func TestChildReplaced(t *testing.T) {
	c := newChild()
	s := New(c, Options{})
	defer s.Close()
	a := folder(t, "a", 10)
	if _, err := s.Generate(t.Context(), params(a), nothing, nil); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.open = map[key]bool{}
	c.mu.Unlock()
	c.state(engine.State{Phase: engine.Restarting, Cause: "signal killed"})
	if st := s.Status(); st.Phase != engine.Restarting || st.Message != "signal killed" {
		t.Errorf("status %+v", st)
	}
	c.state(engine.State{Phase: engine.Ready})
	told := false
	if _, err := s.Generate(t.Context(), params(a), nothing, func(int) { told = true }); err != nil || !told {
		t.Errorf("%v, told of the load: %v", err, told)
	}
}

func TestIdleAndForget(t *testing.T) {
	c := newChild()
	s := New(c, Options{Idle: 10 * time.Millisecond})
	defer s.Close()
	a := folder(t, "a", 10)
	if _, err := s.Open(t.Context(), a, engine.ModeFast, nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "unloaded", func() bool { return strings.HasSuffix(c.journal(), "close a, rest") })

	c.gate = make(chan struct{})
	s2 := New(c, Options{})
	defer s2.Close()
	done := make(chan error, 1)
	go func() { _, err := s2.Generate(t.Context(), params(a), nothing, nil); done <- err }()
	eventually(t, "in use", func() bool { s2.mu.Lock(); defer s2.mu.Unlock(); return s2.inside == 1 && len(s2.residents) == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if st := s2.Status(); st.Running != 1 || !st.Open {
		t.Errorf("while it runs: %+v", st)
	}
	var ue *errs.Error
	if err := s2.Forget(ctx, a); !errors.As(err, &ue) || ue.Code != errs.ModelInUse {
		t.Errorf("forget in use: %v", err)
	}
	close(c.gate)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if st := s2.Status(); st.Running != 0 || !st.Open {
		t.Errorf("when it ended: %+v", st)
	}
	if err := s2.Forget(t.Context(), a); err != nil || !strings.HasSuffix(c.journal(), "close a") {
		t.Errorf("%v: %s", err, c.journal())
	}
	if st := s2.Status(); st.Open {
		t.Errorf("when it was unloaded: %+v", st)
	}
}
