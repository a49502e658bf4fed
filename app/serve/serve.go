// Package serve decides which models are in memory. Every door generates
// through it: a model is opened when it is first wanted, by one load however
// many ask, it stays until another is wanted, and what memory cannot hold is
// refused ahead with the numbers. Beside it a small one may stay, for
// suggestions, while memory holds both. The order of generations is the
// engine's own.
package serve

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"qwill/app/errs"
	"qwill/engine"
	"qwill/engine/proto"
)

// Engine is what serve needs of *engine.Engine.
type Engine interface {
	Start(ctx context.Context) (engine.HelloResult, error)
	Open(ctx context.Context, path string, mode engine.Mode, progress func(engine.LoadProgress)) (engine.ModelInfo, error)
	CloseModel(ctx context.Context, path string, mode engine.Mode) error
	Generate(ctx context.Context, p engine.GenerateParams, fn func(engine.Event)) (engine.Result, error)
	Embed(ctx context.Context, p engine.EmbedParams) (engine.EmbedResult, error)
	Subscribe(fn func(engine.State)) (cancel func())
	// Rest ends the child when no call runs; the next call starts another.
	Rest() bool
}

// Options of a Server; zero fields take the default named.
type Options struct {
	Queue int           // requests at once, running or waiting; default 64
	Idle  time.Duration // as SetIdle; default never
}

// Status is the engine and the load under way, for the page.
type Status struct {
	Phase   string // of engine.State, or Loading
	Path    string // folder of the model that loads or was last ready
	Percent int    // of the load
	Message string // why the engine is not ready
	Device  string
	Kernels string
	Running int  // requests at once, those that wait included
	Open    bool // a model is in memory, or comes into it
}

// Loading is the phase of Status while a model loads.
const Loading = "loading"

// Server owns the resident models. Its methods may be called from any goroutine.
type Server struct {
	engine Engine
	opt    Options

	ops sync.Mutex // one load or unload at a time

	mu        sync.Mutex
	residents map[key]*resident
	changed   chan struct{} // closed and replaced when a resident becomes idle or goes
	inside    int           // requests at once
	closed    bool
	idle      time.Duration // 0: never
	used      time.Time     // when the engine was last wanted
	timer     *time.Timer   // of the next unloading; nil when there is nothing to unload

	status Status
	subs   map[int]func(Status)
	next   int
	stop   func()
}

type key struct {
	path string
	mode engine.Mode
}

// resident is a model that is open or opening.
type resident struct {
	key    key
	bytes  int64 // of the weight files
	jobs   job   // what it stays for
	users  int
	beside map[int]context.CancelFunc // of its users, those that give way when memory is wanted
	used   time.Time                  // when the last use ended
	opened chan struct{}              // closed when info and err are set
	info   engine.ModelInfo
	err    error
	watch  map[int]func(int) // who wants the load's progress
}

// New makes a server over an engine.
func New(e Engine, opt Options) *Server {
	if opt.Queue == 0 {
		opt.Queue = 64
	}
	s := &Server{engine: e, opt: opt, residents: map[key]*resident{}, changed: make(chan struct{}), subs: map[int]func(Status){},
		idle: opt.Idle, used: time.Now()}
	s.stop = e.Subscribe(s.engineState)
	return s
}

// Close forgets the models; the engine itself is its owner's to close.
func (s *Server) Close() {
	s.stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.arm()
	s.residents = map[key]*resident{}
	s.poke()
}

// engineState follows the child: with it go its models.
func (s *Server) engineState(st engine.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.Phase != engine.Ready {
		s.residents = map[key]*resident{}
		s.poke()
	}
	if st.Phase == engine.Ready && s.status.Phase == Loading {
		return
	}
	s.tell(func(v *Status) {
		v.Phase, v.Message, v.Device, v.Kernels = st.Phase, st.Cause, st.Hello.Device, st.Hello.Kernels
	})
	if st.Phase == engine.Ready {
		s.used = time.Now()
	}
	s.arm() // a child without models goes too
}

// Status gives the current status.
func (s *Server) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Subscribe calls fn with the status now and at every change, until cancel. fn
// must not block nor call the server.
func (s *Server) Subscribe(fn func(Status)) (cancel func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.next
	s.next++
	s.subs[id] = fn
	fn(s.status)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.subs, id)
	}
}

// tell changes the status. The caller holds mu.
func (s *Server) tell(change func(*Status)) {
	before := s.status
	change(&s.status)
	s.status.Running, s.status.Open = s.inside, len(s.residents) > 0
	if s.status == before {
		return
	}
	for _, fn := range s.subs {
		fn(s.status)
	}
}

func (s *Server) poke() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Generate runs one generation as engine.Generate does, after its model was
// made resident. loading, which may be nil, is told the percentage while the
// model loads; neither callback may block for long. When ctx ends before the
// generation starts, the result is FinishCancelled too.
func (s *Server) Generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), loading func(percent int)) (engine.Result, error) {
	if e := p.Validate(); e != nil {
		return engine.Result{}, e // before a model is loaded for it
	}
	if err := s.enter(); err != nil {
		return engine.Result{}, err
	}
	defer s.leave()
	return s.generate(ctx, p, event, forMain, loading)
}

func (s *Server) generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), j job, loading func(percent int)) (engine.Result, error) {
	r, err := s.acquire(ctx, key{p.Path, p.Mode}, j, loading)
	if err != nil {
		if ctx.Err() != nil {
			return engine.Result{Finish: proto.FinishCancelled}, nil
		}
		return engine.Result{}, err
	}
	defer s.release(r)
	if j == forBeside {
		var end func()
		ctx, end = s.giveWay(ctx, r)
		defer end()
	}
	return s.engine.Generate(ctx, p, event)
}

// Embed computes vectors as engine.Embed does, after the model was made resident.
func (s *Server) Embed(ctx context.Context, p engine.EmbedParams) (engine.EmbedResult, error) {
	if e := p.Validate(); e != nil {
		return engine.EmbedResult{}, e
	}
	if err := s.enter(); err != nil {
		return engine.EmbedResult{}, err
	}
	defer s.leave()
	r, err := s.acquire(ctx, key{p.Path, p.Mode}, forMain, nil)
	if err != nil {
		return engine.EmbedResult{}, err
	}
	defer s.release(r)
	return s.engine.Embed(ctx, p)
}

// Open makes a model resident and describes it.
func (s *Server) Open(ctx context.Context, path string, mode engine.Mode, loading func(percent int)) (engine.ModelInfo, error) {
	p := proto.OpenParams{Path: path, Mode: mode}
	if e := p.Validate(); e != nil {
		return engine.ModelInfo{}, e
	}
	r, err := s.acquire(ctx, key{path, mode}, forMain, loading)
	if err != nil {
		return engine.ModelInfo{}, err
	}
	defer s.release(r)
	return r.info, nil
}

// Forget unloads a model in all modes, once what runs on it has ended; for a
// model that is about to be deleted. It fails with errs.ModelInUse when it is
// still used when ctx ends.
func (s *Server) Forget(ctx context.Context, path string) error {
	return s.forget(ctx, func(k key) bool { return k.path == path })
}

// ForgetAll unloads every model as Forget does.
func (s *Server) ForgetAll(ctx context.Context) error {
	return s.forget(ctx, func(key) bool { return true })
}

func (s *Server) forget(ctx context.Context, which func(key) bool) error {
	for {
		s.mu.Lock()
		busy, path := false, ""
		var gone []*resident
		for k, r := range s.residents {
			switch {
			case !which(k):
			case r.users > 0:
				busy, path = true, k.path
				r.yield()
			default:
				gone = append(gone, r)
				s.drop(r)
			}
		}
		changed := s.changed
		s.mu.Unlock()
		for _, r := range gone {
			s.unload(r)
		}
		if !busy {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errs.New(errs.ModelInUse, 409, "The model is in use.").At(path).Try("stop what it writes first")
		}
	}
}

func (s *Server) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inside >= s.opt.Queue {
		return errs.New(errs.Busy, 503, "Too many requests wait: %d.", s.inside).Try("try again when some have ended")
	}
	s.inside++
	s.tell(func(*Status) {})
	return nil
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inside--
	s.tell(func(*Status) {})
}

// acquire gives the resident for k, counted as used, opening it if need be.
func (s *Server) acquire(ctx context.Context, k key, j job, loading func(int)) (*resident, error) {
	r, mine, err := s.reserve(ctx, k, j)
	if err != nil {
		return nil, err
	}
	if loading != nil {
		defer s.follow(r, loading)()
	}
	if mine {
		go s.open(r) // for all who wait, whoever leaves first
	}
	select {
	case <-r.opened:
	case <-ctx.Done():
		s.release(r)
		return nil, ctx.Err()
	}
	if r.err != nil {
		s.release(r)
		return nil, r.err
	}
	return r, nil
}

// reserve finds or adds the resident for k; mine says that the caller must open
// it. A model in use is waited for when memory cannot hold both; one that is
// wanted beside others waits for none and unloads none of theirs.
func (s *Server) reserve(ctx context.Context, k key, j job) (r *resident, mine bool, err error) {
	hello, err := s.engine.Start(ctx)
	if err != nil {
		return nil, false, err
	}
	bytes, err := weightBytes(k.path)
	if err != nil {
		return nil, false, err
	}
	if err := admit(k.path, bytes, hello.MemoryByte); err != nil {
		return nil, false, err
	}
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, false, errs.New(errs.EngineAbsent, 503, "Qwill is closing.")
		}
		if r := s.residents[k]; r != nil {
			r.users++
			r.jobs |= j
			s.arm()
			s.mu.Unlock()
			return r, false, nil
		}
		gone, fits := s.makeRoom(bytes, j, hello.MemoryByte)
		if fits {
			r := &resident{key: k, bytes: bytes, jobs: j, users: 1, opened: make(chan struct{}),
				beside: map[int]context.CancelFunc{}, watch: map[int]func(int){}}
			s.residents[k] = r
			s.mu.Unlock()
			for _, o := range gone {
				s.unload(o)
			}
			return r, true, nil
		}
		changed := s.changed
		s.mu.Unlock()
		for _, o := range gone {
			s.unload(o)
		}
		if j == forBeside {
			return nil, false, noRoomBeside(k.path, bytes, hello.MemoryByte)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

// open loads the model of r.
func (s *Server) open(r *resident) {
	s.ops.Lock()
	defer s.ops.Unlock()
	s.progress(r, 0)
	info, err := s.engine.Open(context.Background(), r.key.path, r.key.mode, func(p engine.LoadProgress) {
		if p.Total > 0 {
			s.progress(r, int(min(99, max(0, 100*p.Done/p.Total))))
		}
	})
	s.mu.Lock()
	r.info, r.err = info, err
	close(r.opened)
	if err != nil {
		s.drop(r)
		s.poke()
	}
	s.tell(func(v *Status) {
		if v.Phase == Loading {
			v.Phase, v.Percent = engine.Ready, 0
		}
	})
	s.mu.Unlock()
}

func (s *Server) progress(r *resident, percent int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.jobs&forMain != 0 { // what is loaded beside is no news for a person
		s.tell(func(v *Status) { v.Phase, v.Path, v.Percent, v.Message = Loading, r.key.path, percent, "" })
	}
	for _, fn := range r.watch {
		fn(percent)
	}
}

func (s *Server) follow(r *resident, fn func(int)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	id := s.next
	r.watch[id] = fn
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(r.watch, id)
	}
}

// release ends one use.
func (s *Server) release(r *resident) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.users--
	if r.users > 0 {
		return
	}
	s.poke()
	r.used = time.Now()
	s.used = r.used
	s.arm()
}

// drop takes r off the list. The caller holds mu.
func (s *Server) drop(r *resident) {
	if s.residents[r.key] == r {
		delete(s.residents, r.key)
		s.tell(func(*Status) {})
	}
}

// unload frees a dropped resident in the child.
func (s *Server) unload(r *resident) {
	<-r.opened
	if r.err != nil {
		return
	}
	s.ops.Lock()
	defer s.ops.Unlock()
	s.mu.Lock()
	again := s.residents[r.key] != nil
	s.mu.Unlock()
	if again {
		return // wanted again meanwhile: its load finds it open
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = s.engine.CloseModel(ctx, r.key.path, r.key.mode) // a child that died has freed it too
}

// weightBytes is the size of a model folder's weight files.
func weightBytes(path string) (int64, error) {
	files, err := filepath.Glob(filepath.Join(escape(path), "*.safetensors"))
	if err != nil || len(files) == 0 {
		if _, err := os.Stat(path); err != nil {
			return 0, errs.New(errs.ModelMissing, 404, "The model's folder is not there.").At(path).
				Try("plug in its disk, or remove the model and add it again").Because(err)
		}
		return 0, &proto.Error{Code: proto.CodeModel, Message: "the folder holds no .safetensors file",
			ErrorData: proto.ErrorData{File: path, Hint: "choose a folder in MLX form, or import a GGUF file"}}
	}
	var n int64
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			return 0, &proto.Error{Code: proto.CodeModel, Message: "cannot be read: " + err.Error(), ErrorData: proto.ErrorData{File: f}}
		}
		n += info.Size()
	}
	return n, nil
}
