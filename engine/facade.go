package engine

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"qwill/engine/host"
	"qwill/engine/outbox"
	"qwill/engine/proto"
)

// State is what a subscriber sees of the child process; its phases are
// host.Stopped, Starting, Ready, Restarting and Failed, repeated below.
type State = host.State

// Phases of the child process.
const (
	Stopped    = host.Stopped
	Starting   = host.Starting
	Ready      = host.Ready
	Restarting = host.Restarting
	Failed     = host.Failed
)

// cancelLimit is how long a cancelled generation may take to end before the
// child counts as hung and is replaced.
const cancelLimit = 20 * time.Second

// Config says which child to run. The zero value is the one of the product.
type Config struct {
	Binary string       // path of qwill-engine; default: QWILL_ENGINE, else beside the executable
	Env    []string     // added to the child's environment
	Log    *slog.Logger // default: discarded
	// Crashed, which may be nil, is told of each child that died, with the last
	// lines that it wrote to stderr.
	Crashed func(cause string, stderr []string)
}

// Engine runs models in a child process. Its methods may be called from any
// goroutine. Errors are *Error, or the context's where said.
type Engine struct {
	host *host.Host
	next atomic.Uint64 // id of the last generation

	mu    sync.Mutex
	runs  map[uint64]*outbox.Outbox // where a generation's events go
	loads map[string]map[int]func(LoadProgress)
	seq   int
}

// New makes an engine. The child starts with the first call.
func New(cfg Config) *Engine {
	e := &Engine{runs: map[uint64]*outbox.Outbox{}, loads: map[string]map[int]func(LoadProgress){}}
	e.host = host.New(host.Config{Binary: cfg.Binary, Env: cfg.Env, Log: cfg.Log, Crashed: cfg.Crashed, Notify: e.notify})
	return e
}

// notify receives the child's notifications, in order.
func (e *Engine) notify(method string, params json.RawMessage) {
	switch method {
	case proto.NotifyEvent:
		var ev Event
		if json.Unmarshal(params, &ev) != nil {
			return
		}
		e.mu.Lock()
		box := e.runs[ev.ID]
		e.mu.Unlock()
		if box != nil {
			box.Put(ev)
		}
	case proto.NotifyLoad:
		var p LoadProgress
		if json.Unmarshal(params, &p) != nil {
			return
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, fn := range e.loads[p.Path] {
			fn(p)
		}
	}
}

// Start starts the child if none runs and describes it.
func (e *Engine) Start(ctx context.Context) (HelloResult, error) {
	h, err := e.host.Start(ctx)
	return h, plain(err)
}

// Rest ends the child process when no call runs, so that its memory returns;
// the next call starts another one. It reports whether a child was ended.
func (e *Engine) Rest() bool { return e.host.Rest() }

// State gives the state of the child process.
func (e *Engine) State() State { return e.host.State() }

// Subscribe calls fn with the state of the child process now and at every
// change, until cancel is called. fn must not block nor call the engine.
func (e *Engine) Subscribe(fn func(State)) (cancel func()) { return e.host.Subscribe(fn) }

// Open loads the model folder at path, an absolute path, and calls progress,
// which may be nil and must not block, while it loads. A model that is open
// already is described at once.
func (e *Engine) Open(ctx context.Context, path string, mode Mode, progress func(LoadProgress)) (ModelInfo, error) {
	if progress != nil {
		defer e.watch(path, progress)()
	}
	var info ModelInfo
	err := e.host.Call(ctx, proto.MethodOpen, proto.OpenParams{Path: path, Mode: mode}, &info)
	return info, plain(err)
}

func (e *Engine) watch(path string, fn func(LoadProgress)) (stop func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	id := e.seq
	if e.loads[path] == nil {
		e.loads[path] = map[int]func(LoadProgress){}
	}
	e.loads[path][id] = fn
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.loads[path], id)
		if len(e.loads[path]) == 0 {
			delete(e.loads, path)
		}
	}
}

// CloseModel unloads a model and frees its memory.
func (e *Engine) CloseModel(ctx context.Context, path string, mode Mode) error {
	return plain(e.host.Call(ctx, proto.MethodClose, proto.CloseParams{Path: path, Mode: mode}, nil))
}

// Generate runs one generation and calls fn with its events in order, on one
// goroutine, all before it returns. fn may be slow: events are joined meanwhile.
// The ID in p is set here. A model that is not open, because the child was
// replaced or it was never opened, is opened first. When ctx ends, the
// generation is stopped and the result says FinishCancelled, without an error.
// An error after the first event may have followed output that is to be kept.
func (e *Engine) Generate(ctx context.Context, p GenerateParams, fn func(Event)) (Result, error) {
	for tries := 0; ; tries++ {
		r, err := e.generate(ctx, p, fn)
		var pe *Error
		if tries > 0 || !errors.As(err, &pe) || pe.Code != proto.CodeNotOpen {
			return r, err
		}
		if _, err := e.Open(ctx, p.Path, p.Mode, nil); err != nil {
			if ctx.Err() != nil {
				return Result{Finish: proto.FinishCancelled}, nil
			}
			return Result{}, err
		}
	}
}

func (e *Engine) generate(ctx context.Context, p GenerateParams, fn func(Event)) (Result, error) {
	if ctx.Err() != nil {
		return Result{Finish: proto.FinishCancelled}, nil
	}
	p.ID = e.next.Add(1)
	box := outbox.New(0, fn)
	e.mu.Lock()
	e.runs[p.ID] = box
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.runs, p.ID)
		e.mu.Unlock()
		box.Close()
	}()

	var r Result
	cancelled, err := e.cancellable(ctx, p.ID, proto.MethodGenerate, p, &r)
	if cancelled && err != nil {
		return Result{Finish: proto.FinishCancelled}, nil // it has ended, as was asked
	}
	return r, err
}

// errNotBegun says that a call was cancelled while it waited for a child.
var errNotBegun = errors.New("not begun")

// cancellable calls a method that MethodCancel stops when ctx ends, by the id in
// its params. The call outlives ctx: a cancelled generation still tells what it
// did.
func (e *Engine) cancellable(ctx context.Context, id uint64, method string, params, result any) (wasCancelled bool, err error) {
	answered := make(chan error, 1)
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	go func() { answered <- plain(e.host.Call(life, method, params, result)) }()
	select {
	case err := <-answered:
		if err == nil {
			e.host.Success()
		}
		return false, err
	case <-ctx.Done():
	}
	if e.host.State().Phase != Ready { // still waiting for a child: there is nothing to stop
		end()
		<-answered
		return true, errNotBegun
	}
	limit := time.AfterFunc(cancelLimit, func() { e.host.Kill("it did not answer") })
	defer limit.Stop()
	cancelled := make(chan struct{})
	go func() {
		defer close(cancelled)
		// An error here is one of the call too.
		_ = e.host.Call(life, proto.MethodCancel, proto.CancelParams{ID: id}, nil)
	}()
	err = <-answered
	end()
	<-cancelled
	if err == nil {
		e.host.Success()
	}
	return true, err
}

// Embed computes the vectors of p's inputs. The ID in p is set here; the model
// is opened if it is not. When ctx ends, so does the call, with ctx's error.
func (e *Engine) Embed(ctx context.Context, p EmbedParams) (EmbedResult, error) {
	for tries := 0; ; tries++ {
		if ctx.Err() != nil {
			return EmbedResult{}, ctx.Err()
		}
		p.ID = e.next.Add(1)
		var r EmbedResult
		cancelled, err := e.cancellable(ctx, p.ID, proto.MethodEmbed, p, &r)
		if cancelled && err != nil {
			return EmbedResult{}, ctx.Err()
		}
		var pe *Error
		if tries > 0 || !errors.As(err, &pe) || pe.Code != proto.CodeNotOpen {
			return r, err
		}
		if _, err := e.Open(ctx, p.Path, p.Mode, nil); err != nil {
			return EmbedResult{}, err
		}
	}
}

// Tokenize gives the token ids of text as a user's text, or of the messages
// rendered by the model's chat template when there are any. The model is
// opened if it is not.
func (e *Engine) Tokenize(ctx context.Context, path string, mode Mode, text string, messages []Message, thinking bool) ([]int, error) {
	p := proto.TokenizeParams{Path: path, Text: text, Messages: messages, Thinking: thinking}
	for tries := 0; ; tries++ {
		var r proto.TokenizeResult
		err := plain(e.host.Call(ctx, proto.MethodTokenize, p, &r))
		var pe *Error
		if tries > 0 || !errors.As(err, &pe) || pe.Code != proto.CodeNotOpen {
			return r.IDs, err
		}
		if _, err := e.Open(ctx, path, mode, nil); err != nil {
			return nil, err
		}
	}
}

// Import converts a GGUF file into a model folder that does not exist yet.
func (e *Engine) Import(ctx context.Context, source, target string) (ImportResult, error) {
	var r ImportResult
	err := e.host.Call(ctx, proto.MethodImport, proto.ImportParams{Source: source, Target: target}, &r)
	if err == nil {
		e.host.Success()
	}
	return r, plain(err)
}

// Quantize makes a quantized folder of p's source, and calls progress, which may
// be nil and must not block, with the bytes written. The ID in p is set here.
// When ctx ends, so does the call, with ctx's error and without a target.
func (e *Engine) Quantize(ctx context.Context, p QuantizeParams, progress func(LoadProgress)) (ImportResult, error) {
	if ctx.Err() != nil {
		return ImportResult{}, ctx.Err()
	}
	if progress != nil {
		defer e.watch(p.Target, progress)()
	}
	p.ID = e.next.Add(1)
	var r ImportResult
	cancelled, err := e.cancellable(ctx, p.ID, proto.MethodQuantize, p, &r)
	if cancelled && err != nil {
		return ImportResult{}, ctx.Err()
	}
	return r, err
}

// Stats gives a snapshot of the child.
func (e *Engine) Stats(ctx context.Context) (Stats, error) {
	var s Stats
	err := e.host.Call(ctx, proto.MethodStats, nil, &s)
	return s, plain(err)
}

// Close ends the child. What runs fails.
func (e *Engine) Close() error { return e.host.Close() }

// plain makes every error but the context's an *Error.
func plain(err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &Error{Code: proto.CodeEngine, Message: err.Error()}
}
