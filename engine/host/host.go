package host

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"qwill/engine/proto"
)

func crashed(cause string) *proto.Error {
	return &proto.Error{Code: proto.CodeCrashed, Message: "the engine stopped unexpectedly (" + cause + ")",
		ErrorData: proto.ErrorData{Hint: "it starts again by itself; try again"}}
}

// Config says which program to run and how to watch it. Zero fields take the
// default named.
type Config struct {
	Binary string   // path of qwill-engine; default Find()
	Args   []string // none
	Env    []string // added to the environment

	// Notify receives the child's notifications in order, on one goroutine. It
	// must not block: the child's responses wait behind it.
	Notify func(method string, params json.RawMessage)
	Log    *slog.Logger // default: discarded
	// Crashed, which may be nil, is told of each child that ended by itself,
	// with the last lines that it wrote to stderr. It must not block.
	Crashed func(cause string, stderr []string)

	Attempts int           // deaths in a row before Failed; default 3
	Backoff  time.Duration // pause before the first restart, doubled each time; default 200 ms
	Retry    time.Duration // how long Failed refuses calls; default 10 s
	Hello    time.Duration // how long a start may take; default 60 s
	Grace    time.Duration // how long a closed child may take to exit; default 2 s
}

// Host supervises the child. Its methods may be called from any goroutine.
type Host struct {
	cfg Config
	log *slog.Logger

	mu       sync.Mutex
	state    State
	changed  chan struct{} // closed and replaced at every change of state
	child    *child        // when Ready
	running  bool          // the supervisor's goroutine lives
	calls    int           // that a child was handed out for and that have not returned
	rest     chan struct{} // closed to end the child that is Ready for lack of work
	resting  bool
	closing  bool
	failedAt time.Time
	missing  error           // set while Failed because there is no program to start
	life     context.Context // ends at Close
	end      context.CancelFunc
	done     chan struct{} // closed when the supervisor ended; nil before the first start
	subs     map[int]func(State)
	nextSub  int
}

// New makes a host. Nothing is started before the first Call or Start.
func New(cfg Config) *Host {
	if cfg.Attempts == 0 {
		cfg.Attempts = 3
	}
	if cfg.Backoff == 0 {
		cfg.Backoff = 200 * time.Millisecond
	}
	if cfg.Retry == 0 {
		cfg.Retry = 10 * time.Second
	}
	if cfg.Hello == 0 {
		cfg.Hello = time.Minute
	}
	if cfg.Grace == 0 {
		cfg.Grace = 2 * time.Second
	}
	if cfg.Notify == nil {
		cfg.Notify = func(string, json.RawMessage) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	h := &Host{cfg: cfg, log: cfg.Log, state: State{Phase: Stopped}, changed: make(chan struct{}), subs: map[int]func(State){}}
	h.life, h.end = context.WithCancel(context.Background())
	return h
}

// State gives the current state.
func (h *Host) State() State {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state
}

// Subscribe calls fn with the current state and then at every change, in
// order, until the returned function is called. fn must not block.
func (h *Host) Subscribe(fn func(State)) (cancel func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := h.nextSub
	h.nextSub++
	h.subs[id] = fn
	fn(h.state)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs, id)
	}
}

// set changes the state and tells everybody. The caller holds mu.
func (h *Host) set(s State) {
	h.state = s
	close(h.changed)
	h.changed = make(chan struct{})
	for _, fn := range h.subs {
		fn(s)
	}
}

// Start starts the child if none runs and waits until it is ready.
func (h *Host) Start(ctx context.Context) (proto.HelloResult, error) {
	if _, err := h.ready(ctx); err != nil {
		return proto.HelloResult{}, err
	}
	defer h.returned()
	return h.State().Hello, nil
}

// Call makes one call, starting the child or waiting for its restart first.
// result may be nil. Errors are *proto.Error, or the context's.
func (h *Host) Call(ctx context.Context, method string, params, result any) error {
	for {
		c, err := h.ready(ctx)
		if err != nil {
			return err
		}
		err = c.call(ctx, method, params, result)
		h.returned()
		if errors.Is(err, errNotSent) {
			continue // it was dead already: its successor takes the call
		}
		return err
	}
}

// Rest ends the child when no call runs, so that its memory returns; the next
// call starts another one. It reports whether a child was ended.
func (h *Host) Rest() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.Phase != Ready || h.calls > 0 || h.closing {
		return false
	}
	h.resting = true
	close(h.rest)
	h.set(State{Phase: Stopped}) // nobody is given this child any more
	return true
}

// returned ends the use of a child that ready gave.
func (h *Host) returned() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls--
}

// Success tells that the child did real work: the count of deaths in a row
// starts again. Saying hello is not enough, since a child may die on the same
// model each time.
func (h *Host) Success() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.Phase == Ready && h.state.Attempt > 0 {
		s := h.state
		s.Attempt, s.Cause = 0, ""
		h.set(s)
	}
}

// Kill ends a child that no longer answers; it is started again as after a
// crash.
func (h *Host) Kill(why string) {
	h.mu.Lock()
	c := h.child
	h.mu.Unlock()
	if c != nil {
		c.kill(why)
	}
}

// Close ends the child and waits until it is reaped. Later calls fail.
func (h *Host) Close() error {
	h.mu.Lock()
	if !h.closing {
		h.closing = true
		h.end()
	}
	done := h.done
	h.mu.Unlock()
	if done != nil {
		<-done
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.Phase != Stopped {
		h.set(State{Phase: Stopped})
	}
	return nil
}

var errClosed = &proto.Error{Code: proto.CodeUnavailable, Message: "the engine is closed"}

// ready gives the living child, starting one when there is none. Without an
// error the caller must call returned after its use.
func (h *Host) ready(ctx context.Context) (*child, error) {
	for {
		h.mu.Lock()
		switch {
		case h.closing:
			h.mu.Unlock()
			return nil, errClosed
		case h.state.Phase == Ready && !h.child.dead():
			c := h.child
			h.calls++
			h.mu.Unlock()
			return c, nil
		case h.state.Phase == Failed && time.Since(h.failedAt) < h.cfg.Retry:
			cause, missing := h.state.Cause, h.missing
			h.mu.Unlock()
			if missing != nil {
				return nil, missing
			}
			return nil, &proto.Error{Code: proto.CodeUnavailable, Message: "the engine cannot run (" + cause + ")",
				ErrorData: proto.ErrorData{Hint: "wait a moment and try again, choose another model, or see qwill doctor"}}
		case !h.running:
			h.running = true
			h.done = make(chan struct{})
			attempt := 0
			if h.state.Phase == Failed {
				attempt = h.cfg.Attempts - 1 // one try; its death fails again at once
			}
			h.set(State{Phase: Starting, Attempt: attempt, Cause: h.state.Cause})
			go h.supervise(h.done)
		}
		changed := h.changed
		h.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// supervise runs one child after the other until Close or Failed.
func (h *Host) supervise(done chan struct{}) {
	defer close(done)
	for {
		cause, final := h.runOne()
		h.mu.Lock()
		h.child = nil
		if h.closing || h.resting {
			h.running, h.resting = false, false
			h.set(State{Phase: Stopped})
			h.mu.Unlock()
			return
		}
		attempt := h.state.Attempt + 1
		h.log.Error("engine ended", "cause", cause, "in a row", attempt)
		if final || attempt >= h.cfg.Attempts {
			h.running = false
			h.failedAt = time.Now()
			h.set(State{Phase: Failed, Cause: cause, Attempt: attempt})
			h.mu.Unlock()
			return
		}
		h.set(State{Phase: Restarting, Cause: cause, Attempt: attempt})
		h.mu.Unlock()
		select {
		case <-time.After(h.cfg.Backoff << (attempt - 1)):
		case <-h.life.Done():
		}
	}
}

// runOne starts a child and returns when it has ended; final says that another
// start would end the same.
func (h *Host) runOne() (cause string, final bool) {
	cfg := h.cfg
	if cfg.Binary == "" {
		path, err := Find()
		h.mu.Lock()
		h.missing = err
		h.mu.Unlock()
		if err != nil {
			return err.Error(), true
		}
		cfg.Binary = path
	}
	if h.life.Err() != nil {
		return "it was closed", false
	}
	c, err := startChild(&cfg, h.log)
	if err != nil {
		return err.Error(), true
	}
	hello, err := c.hello(h.life, cfg.Hello)
	if err != nil {
		c.kill("it was closed") // has no effect on one that died by itself
		<-c.exited
		var wrong *versionError
		return err.Error(), errors.Is(err, errMute) || errors.As(err, &wrong)
	}

	h.mu.Lock()
	h.child = c
	rest := make(chan struct{})
	h.rest = rest
	h.set(State{Phase: Ready, Attempt: h.state.Attempt, Cause: h.state.Cause, Hello: hello})
	h.mu.Unlock()
	h.log.Info("engine ready", "pid", c.pid, "mlx", hello.MLX, "device", hello.Device, "kernels", hello.Kernels)
	select {
	case <-c.exited:
	case <-rest:
		c.close(cfg.Grace)
		h.log.Info("engine ended for lack of work", "pid", c.pid)
		return c.cause, false
	case <-h.life.Done():
		c.close(cfg.Grace)
		return c.cause, false
	}
	if cfg.Crashed != nil {
		cfg.Crashed(c.cause, c.stderr.Lines())
	}
	return c.cause, false
}
