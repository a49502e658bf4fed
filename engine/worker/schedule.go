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

// A mate is a task that can take its steps together with others.
type mate interface {
	task
	// joins reports whether the task may take its next step together with those.
	joins(those []task) bool
}

// scheduler runs tasks step by step. A task of higher priority takes over between
// two steps; those it displaced go on by themselves afterwards. Tasks of one
// priority run in the order they came, mates together.
type scheduler struct {
	do       func(func() error) error          // runs a function on the MLX thread
	together func(mates []task) (ended []bool) // a step of several; as task.step; nil where there are no mates

	mu      sync.Mutex
	tasks   []*slot // in order of arrival
	current []*slot // those of the last step that have not ended
	wake    chan struct{}
	closed  bool
	done    chan struct{}
}

type slot struct {
	task  task
	ended chan struct{}
	begun bool
}

func newScheduler(do func(func() error) error, together func([]task) []bool) *scheduler {
	s := &scheduler{do: do, together: together, wake: make(chan struct{}, 1), done: make(chan struct{})}
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

// pick gives the tasks to step next, none when there are none, and those that
// they displace, if any.
func (s *scheduler) pick() (next, displaced []*slot, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first *slot
	for _, sl := range s.tasks {
		if sl.task.cancelled() { // ends at its next step, displacing nobody
			return []*slot{sl}, nil, s.closed
		}
		if first == nil || sl.task.priority() > first.task.priority() {
			first = sl
		}
	}
	if first == nil {
		return nil, nil, s.closed
	}
	// Among equals those that run go on.
	for _, sl := range s.current {
		if sl.task.priority() >= first.task.priority() {
			next = append(next, sl)
		}
	}
	if len(next) == 0 {
		next = append(next, first)
	}
	if s.together != nil {
		those := make([]task, len(next))
		for i, sl := range next {
			those[i] = sl.task
		}
		for _, sl := range s.tasks {
			m, ok := sl.task.(mate)
			if ok && sl.task.priority() == next[0].task.priority() && !slices.Contains(next, sl) && m.joins(those) {
				next, those = append(next, sl), append(those, sl.task)
			}
		}
	}
	for _, sl := range s.current {
		if !slices.Contains(next, sl) {
			displaced = append(displaced, sl)
		}
	}
	s.current = next
	for _, sl := range next {
		sl.begun = true
	}
	return slices.Clone(next), displaced, s.closed
}

func (s *scheduler) run() {
	defer close(s.done)
	for {
		next, displaced, closed := s.pick()
		if closed {
			s.abandon()
			return
		}
		if len(next) == 0 {
			<-s.wake
			continue
		}
		for _, sl := range displaced {
			s.guard(sl, func() bool { sl.task.pause(); return false })
		}
		if len(next) == 1 {
			s.guard(next[0], next[0].task.step)
			continue
		}
		s.several(next)
	}
}

// several runs a step of several tasks; where that cannot run at all they fail.
func (s *scheduler) several(all []*slot) {
	tasks := make([]task, len(all))
	for i, sl := range all {
		tasks[i] = sl.task
	}
	var ended []bool
	err := s.do(func() error { ended = s.together(tasks); return nil })
	for i, sl := range all {
		if err != nil {
			sl.task.fail(err)
		}
		if err != nil || ended[i] {
			s.remove(sl)
		}
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
	if i := slices.Index(s.current, sl); i >= 0 {
		s.current = slices.Delete(slices.Clone(s.current), i, i+1)
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
