// Package worker is the inside of the child process: it serves the engine's
// JSON-RPC methods, owns the MLX thread, and schedules generations on it.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/creachadair/jrpc2"
	"github.com/creachadair/jrpc2/channel"
	"github.com/creachadair/jrpc2/handler"

	"qwill/engine/generate"
	"qwill/engine/mlx"
	"qwill/engine/outbox"
	"qwill/engine/proto"
)

// flushEvery is the pause between two deliveries of one generation's events:
// short beside what an eye sees, long beside the cost of a message.
const flushEvery = 15 * time.Millisecond

// Config of a worker.
type Config struct {
	Build    string
	Confined string // what confine.Apply reported
	Log      *slog.Logger
}

// Worker is the state of the child process.
type Worker struct {
	cfg    Config
	log    *slog.Logger
	thread *mlx.Thread
	sched  *scheduler
	notify func(method string, params any)

	opening sync.Mutex // one load at a time

	mu     sync.Mutex
	models map[modelKey]*model
	runs   map[uint64]canceller
	early  map[uint64]bool // cancelled before the request arrived
}

// canceller is a generation or an embedding.
type canceller interface{ Cancel() }

type modelKey struct {
	path string
	mode proto.Mode
}

// Serve answers requests from in on out until in ends.
func Serve(cfg Config, in io.Reader, out io.WriteCloser) error {
	thread, err := mlx.Start()
	if err != nil {
		return fmt.Errorf("start MLX: %w", err)
	}
	w := &Worker{cfg: cfg, log: cfg.Log, thread: thread, models: map[modelKey]*model{},
		runs: map[uint64]canceller{}, early: map[uint64]bool{}}
	w.sched = newScheduler(thread.Do, w.together)
	srv := jrpc2.NewServer(w.methods(), &jrpc2.ServerOptions{
		AllowPush:      true,
		DisableBuiltin: true,
		Concurrency:    1 << 16, // the scheduler bounds the work; a cancel must never wait behind it
	})
	w.notify = func(method string, params any) {
		_ = srv.Notify(context.Background(), method, params) // a closed pipe ends Serve itself
	}
	srv.Start(channel.Line(in, out))
	ended := make(chan error, 1)
	go func() { ended <- srv.Wait() }()
	err = <-ended
	w.stopAll()
	return err
}

// stopAll cancels what runs, for an orderly end.
func (w *Worker) stopAll() {
	w.mu.Lock()
	for _, g := range w.runs {
		g.Cancel()
	}
	w.mu.Unlock()
	w.sched.close()
}

func (w *Worker) methods() handler.Map {
	return handler.Map{
		proto.MethodHello:    method(w, w.hello),
		proto.MethodOpen:     method(w, w.open),
		proto.MethodClose:    method(w, w.close),
		proto.MethodGenerate: method(w, w.generate),
		proto.MethodEmbed:    method(w, w.embed),
		proto.MethodCancel:   method(w, w.cancel),
		proto.MethodTokenize: method(w, w.tokenize),
		proto.MethodImport:   method(w, w.importGGUF),
		proto.MethodQuantize: method(w, w.quantize),
		proto.MethodStats:    method(w, w.stats),
	}
}

// method makes a JSON-RPC method of f. Unknown fields are refused, a panic
// becomes an error with its stack in the log, and every error gets the wire's
// form.
func method[P, R any](w *Worker, f func(P) (R, error)) jrpc2.Handler {
	return func(_ context.Context, req *jrpc2.Request) (result any, err error) {
		defer func() {
			if r := recover(); r != nil {
				err = recovered(r)
			}
			if err != nil {
				w.logPanic(req.Method(), err)
				err = wireError(err)
			}
		}()
		var p P
		if req.HasParams() {
			if e := req.UnmarshalParams(jrpc2.StrictFields(&p)); e != nil {
				return nil, &proto.Error{Code: proto.CodeInvalid, Message: "the request cannot be read: " + e.Error(),
					ErrorData: proto.ErrorData{Field: req.Method()}}
			}
		}
		return f(p)
	}
}

// logPanic writes where an error of the program itself happened.
func (w *Worker) logPanic(where string, err error) {
	var mine *panicError
	var theirs *mlx.PanicError
	switch {
	case errors.As(err, &mine):
		w.log.Error("internal error", "in", where, "error", mine.Error(), "stack", string(mine.stack))
	case errors.As(err, &theirs):
		w.log.Error("internal error", "in", where, "error", fmt.Sprint(theirs.Value), "stack", theirs.Stack)
	}
}

// wireError gives err the form that travels.
func wireError(err error) error {
	var pe *proto.Error
	if !errors.As(err, &pe) {
		message := err.Error()
		var panicked *mlx.PanicError
		if errors.As(err, &panicked) {
			message = fmt.Sprintf("internal error: %v", panicked.Value)
		}
		pe = &proto.Error{Code: proto.CodeEngine, Message: message}
	}
	data, e := json.Marshal(pe.ErrorData)
	if e != nil {
		data = nil
	}
	return &jrpc2.Error{Code: jrpc2.Code(pe.Code), Message: pe.Message, Data: data}
}

type none struct{}

func (w *Worker) hello(proto.HelloParams) (proto.HelloResult, error) {
	h := proto.HelloResult{Version: proto.ProtocolVersion, Build: w.cfg.Build, Confined: w.cfg.Confined, PID: os.Getpid(),
		MemoryByte: physicalMemory(), Device: "cpu"}
	err := w.thread.Do(func() error {
		h.MLX, h.Threads = mlx.Version(), runtime.NumCPU()
		h.Kernels = mlx.Kernels()
		if h.Kernels != "" {
			h.Threads = mlx.Threads()
		}
		if mlx.OnGPU() {
			h.Device = "gpu"
		}
		return nil
	})
	return h, err
}

// generate runs one generation to its end.
func (w *Worker) generate(p proto.GenerateParams) (proto.Result, error) {
	if e := p.Validate(); e != nil {
		return proto.Result{}, e
	}
	m, err := w.use(modelKey{filepath.Clean(p.Path), p.Mode})
	if err != nil {
		return proto.Result{}, err
	}
	defer m.users.Done()
	box := outbox.New(flushEvery, func(e proto.Event) { w.notify(proto.NotifyEvent, e) })
	defer box.Close() // before the response goes out
	r, err := m.request(p, box.Put)
	if err != nil {
		return proto.Result{}, err
	}
	if err := fit(&r, physicalMemory(), w.weights(), m.info.KVBytesPerToken); err != nil {
		return proto.Result{}, err
	}
	g, err := generate.New(m.gen, r)
	if err != nil {
		return proto.Result{}, err
	}
	if err := w.register(p.ID, g); err != nil {
		return proto.Result{}, err
	}
	defer w.unregister(p.ID)
	<-w.sched.submit(reply{job{g, w, "generate"}, g, m})
	return g.Result()
}

// weights is the memory of all open models' weights.
func (w *Worker) weights() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var n int64
	for _, m := range w.models {
		n += m.info.WeightBytes
	}
	return n
}

func (w *Worker) register(id uint64, g canceller) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.runs[id] != nil {
		return &proto.Error{Code: proto.CodeInvalid, Message: fmt.Sprintf("generation %d is running already", id), ErrorData: proto.ErrorData{Field: "id"}}
	}
	if w.early[id] {
		delete(w.early, id)
		g.Cancel()
	}
	w.runs[id] = g
	return nil
}

func (w *Worker) unregister(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.runs, id)
}

// maxEarly bounds the cancellations remembered for requests that are still on
// their way: requests run side by side, so a cancel may overtake its generate.
const maxEarly = 1024

func (w *Worker) cancel(p proto.CancelParams) (*none, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if g := w.runs[p.ID]; g != nil {
		g.Cancel()
		return nil, nil
	}
	if len(w.early) >= maxEarly {
		clear(w.early)
	}
	w.early[p.ID] = true
	return nil, nil
}

func (w *Worker) stats(none) (proto.Stats, error) {
	var s proto.Stats
	s.Running, s.Waiting = w.sched.counts()
	w.mu.Lock()
	for _, m := range w.models {
		s.Models = append(s.Models, m.info)
	}
	w.mu.Unlock()
	err := w.thread.Do(func() error {
		s.ActiveBytes, s.CacheBytes, s.PeakBytes, s.Handles = mlx.ActiveMemory(), mlx.CacheMemory(), mlx.PeakMemory(), w.thread.Live()
		return nil
	})
	return s, err
}

// run is a generation or an embedding as the scheduler steps it.
type run interface {
	Priority() int
	Cancelled() bool
	Step() bool
	Pause()
	Fail(err error)
}

// job makes a run a task of the scheduler.
type job struct {
	g    run
	w    *Worker
	what string // the method, for the log
}

func (j job) priority() int   { return j.g.Priority() }
func (j job) cancelled() bool { return j.g.Cancelled() }
func (j job) step() bool      { return j.g.Step() }
func (j job) pause()          { j.g.Pause() }
func (j job) fail(err error) {
	j.w.logPanic(j.what, err)
	j.g.Fail(err)
}

// reply is the job of a generation, which steps together with others of its model.
type reply struct {
	job
	g *generate.Generation
	m *model
}

// usually is how many tokens of a reply are reckoned with where several are to
// fit the memory at once: few are as long as their limit.
const usually = 4096

func (r reply) tokens() int { return min(r.g.Longest(), r.g.Prompt()+usually) }

// joins allows as many at once as the device computes alike and the memory holds.
func (r reply) joins(those []task) bool {
	if len(those) >= generate.MostTogether {
		return false
	}
	tokens := r.tokens()
	for _, t := range those {
		other, ok := t.(reply)
		if !ok || other.m != r.m {
			return false
		}
		tokens += other.tokens()
	}
	memory := physicalMemory()
	return memory <= 0 || int64(tokens)*r.m.info.KVBytesPerToken <= memory-memory/10-r.w.weights()
}

// together is a step of several replies of one model.
func (w *Worker) together(tasks []task) []bool {
	gs := make([]*generate.Generation, len(tasks))
	for i, t := range tasks {
		gs[i] = t.(reply).g
	}
	ended := generate.StepTogether(gs)
	for i, g := range gs {
		if ended[i] {
			if _, err := g.Result(); err != nil {
				w.logPanic("generate", err)
			}
		}
	}
	return ended
}
