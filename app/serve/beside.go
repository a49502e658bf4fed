package serve

import (
	"context"

	"qwill/engine"
	"qwill/engine/proto"
)

// job is what a model stays in memory for; one may have both.
type job uint8

const (
	forMain   job = 1 << iota // chats, commands, the server's requests
	forBeside                 // suggestions
)

// Beside runs a small model that stays in memory beside the one for chats. It
// never unloads that one, nor waits for it: it is opened only while memory holds
// both, goes first when more memory is wanted, and shows in no status.
type Beside struct{ server *Server }

// Beside gives the second place in memory.
func (s *Server) Beside() Beside { return Beside{s} }

// Generate is as the server's own. It fails with proto.CodeMemory when the model
// does not fit beside those in memory, and ends with FinishCancelled when its
// memory is wanted.
func (b Beside) Generate(ctx context.Context, p engine.GenerateParams, event func(engine.Event), loading func(percent int)) (engine.Result, error) {
	if e := p.Validate(); e != nil {
		return engine.Result{}, e
	}
	return b.server.generate(ctx, p, event, forBeside, loading)
}

// Open makes a model resident beside the others.
func (b Beside) Open(ctx context.Context, path string, mode engine.Mode) error {
	p := proto.OpenParams{Path: path, Mode: mode}
	if e := p.Validate(); e != nil {
		return e
	}
	r, err := b.server.acquire(ctx, key{path, mode}, forBeside, nil)
	if err == nil {
		b.server.release(r)
	}
	return err
}

// makeRoom takes from the list what need not stay when a model with such weights
// is opened for a job, and reports whether memory holds it then. One that is
// idle and has another job stays while memory allows; one in use always. The
// caller holds mu, and unloads what is gone.
func (s *Server) makeRoom(weights int64, j job, memory int64) (gone []*resident, fits bool) {
	total, models := weights, 1
	var spare []*resident // idle, and of use to another job
	for _, o := range s.residents {
		switch {
		case o.users > 0:
		case o.jobs&^j == 0:
			gone = append(gone, o)
			s.drop(o)
			continue
		default:
			spare = append(spare, o)
		}
		total += o.bytes
		models++
	}
	if j == forMain { // the others' stays only while there is room
		for _, o := range spare {
			if models == 1 || holds(total, models, memory) {
				break
			}
			gone = append(gone, o)
			s.drop(o)
			total -= o.bytes
			models--
		}
	}
	fits = models == 1 || holds(total, models, memory)
	for _, o := range s.residents {
		switch {
		case o.users == 0 && fits:
			o.jobs &^= j // one at a time has it
		case o.users > 0 && !fits && j == forMain:
			o.yield()
		}
	}
	return gone, fits
}

// giveWay makes a use of r end when its memory is wanted.
func (s *Server) giveWay(ctx context.Context, r *resident) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	id := s.next
	r.beside[id] = cancel
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(r.beside, id)
	}
}

// yield ends the uses of r that give way. The caller holds the server's mu.
func (r *resident) yield() {
	for _, cancel := range r.beside {
		cancel()
	}
}
