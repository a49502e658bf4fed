package worker

import (
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
)

// task is one generation as the scheduler sees it. All but cancelled and
// priority are called on the MLX thread.
type task interface {
	priority() int
	cancelled() bool // asked to stop; may be called from any goroutine

	// step does one bounded piece of work, a prefill chunk or a token, and reports
	// whether the task has ended, well or not. A cancelled task ends at its next step.
	step() (done bool)
	// pause is called before a task of higher priority takes over.
	pause()
	// fail ends the task after step or pause panicked or could not run.
	fail(err error)
}

// scheduler runs one task at a time, step by step. A task of higher priority
// takes over between two steps; the one it displaced goes on by itself
// afterwards. Tasks of one priority run in the order they came.
type scheduler struct {
	do func(func() error) error // runs a function on the MLX thread

	mu      sync.Mutex
	tasks   []*slot // in order of arrival
	current *slot
	wake    chan struct{}
	closed  bool
	done    chan struct{}
}

type slot struct {
	task  task
	ended chan struct{}
	begun bool
}

func newScheduler(do func(func() error) error) *scheduler {
	s := &scheduler{do: do, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go s.run()
	return s
}

// submit queues a task; the channel is closed when it has ended.
func (s *scheduler) submit(t task) <-chan struct{} {
	sl := &slot{task: t, ended: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		t.fail(errClosing)
		close(sl.ended)
		return sl.ended
	}
	s.tasks = append(s.tasks, sl)
	s.poke()
	return sl.ended
}

func (s *scheduler) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// counts gives the tasks that have begun and those that wait.
func (s *scheduler) counts() (running, waiting int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sl := range s.tasks {
		if sl.begun {
			running++
		} else {
			waiting++
		}
	}
	return
}

// close ends the scheduler after the running step; tasks left are failed.
func (s *scheduler) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.poke()
	<-s.done
}

// pick gives the task to step next, nil when there is none, and the one that it
// displaces, if any.
func (s *scheduler) pick() (next, displaced *slot, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, sl := range s.tasks {
		if sl.task.cancelled() { // ends at its next step, displacing nobody
			return sl, nil, s.closed
		}
		if next == nil || sl.task.priority() > next.task.priority() {
			next = sl
		}
	}
	// Among equals the one that runs goes on.
	if c := s.current; c != nil && next != nil && c.task.priority() >= next.task.priority() {
		next = c
	}
	if next == nil {
		return nil, nil, s.closed
	}
	if s.current != nil && s.current != next {
		displaced = s.current
	}
	s.current = next
	next.begun = true
	return next, displaced, s.closed
}

func (s *scheduler) run() {
	defer close(s.done)
	for {
		next, displaced, closed := s.pick()
		if closed {
			s.abandon()
			return
		}
		if next == nil {
			<-s.wake
			continue
		}
		if displaced != nil {
			s.guard(displaced, func() bool { displaced.task.pause(); return false })
		}
		s.guard(next, next.task.step)
	}
}

// guard runs f on the MLX thread; a panic or a failure to run ends the task.
func (s *scheduler) guard(sl *slot, f func() bool) {
	ended := false
	err := s.do(func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				ended = true
				sl.task.fail(recovered(r))
			}
		}()
		ended = f()
		return nil
	})
	if err != nil && !ended {
		ended = true
		sl.task.fail(err)
	}
	if ended {
		s.remove(sl)
	}
}

func (s *scheduler) remove(sl *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.tasks, sl); i >= 0 {
		s.tasks = slices.Delete(s.tasks, i, i+1)
		close(sl.ended)
	}
	if s.current == sl {
		s.current = nil
	}
}

func (s *scheduler) abandon() {
	s.mu.Lock()
	left := slices.Clone(s.tasks)
	s.mu.Unlock()
	for _, sl := range left {
		s.guard(sl, func() bool { sl.task.fail(errClosing); return true })
	}
}

// panicError is a panic of the program, with where it happened.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("internal error: %v", e.value) }

// recovered makes an error of a panic's value. MLX reports failures as panics
// whose value is an error.
func recovered(r any) error {
	if err, ok := r.(error); ok {
		if _, isRuntime := r.(interface{ RuntimeError() }); !isRuntime {
			return err
		}
	}
	return &panicError{value: r, stack: debug.Stack()}
}
