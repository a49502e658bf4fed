package worker

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// script is a task that writes down what happens to it.
type script struct {
	name  string
	prio  int
	steps int
	stop  atomic.Bool
	log   *journal
	hook  func(step int)
	err   error
	n     int
}

type journal struct {
	mu sync.Mutex
	b  []string
}

func (j *journal) add(s string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.b = append(j.b, s)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.b, " ")
}

func (s *script) priority() int   { return s.prio }
func (s *script) cancelled() bool { return s.stop.Load() }
func (s *script) pause()          { s.log.add(s.name + "-pause") }
func (s *script) fail(err error)  { s.err = err; s.log.add(s.name + "-fail") }
func (s *script) step() bool {
	if s.stop.Load() {
		s.log.add(s.name + "-cancelled")
		return true
	}
	s.n++
	s.log.add(s.name)
	if s.hook != nil {
		s.hook(s.n)
	}
	return s.n == s.steps
}

func direct(f func() error) error { return f() }

func await(t *testing.T, ends ...<-chan struct{}) {
	t.Helper()
	for _, e := range ends {
		select {
		case <-e:
		case <-time.After(10 * time.Second):
			t.Fatal("a task hangs")
		}
	}
}

func TestScheduleOrder(t *testing.T) {
	s := newScheduler(direct, nil)
	defer s.close()
	j := &journal{}
	var b, c <-chan struct{}
	a := s.submit(&script{name: "a", steps: 3, log: j, hook: func(n int) {
		if n == 1 { // while a runs: an equal and a higher one come
			b = s.submit(&script{name: "b", steps: 2, log: j})
			c = s.submit(&script{name: "C", steps: 2, prio: 10, log: j})
		}
	}})
	await(t, a)
	await(t, b, c)
	if got, want := j.String(), "a a-pause C C a a b b"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if r, w := s.counts(); r+w != 0 {
		t.Errorf("%d running, %d waiting at the end", r, w)
	}
}

func TestScheduleLevels(t *testing.T) {
	s := newScheduler(direct, nil)
	defer s.close()
	j := &journal{}
	ends := make(chan (<-chan struct{}), 2)
	a := s.submit(&script{name: "a", steps: 2, log: j, hook: func(n int) {
		if n == 1 {
			ends <- s.submit(&script{name: "b", prio: 1, steps: 2, log: j, hook: func(n int) {
				if n == 1 {
					ends <- s.submit(&script{name: "c", prio: 2, steps: 1, log: j})
				}
			}})
		}
	}})
	await(t, a, <-ends, <-ends)
	if got, want := j.String(), "a a-pause b b-pause c b a"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A task that waits is cancelled while another runs, which notices nothing.
func TestScheduleCancelWaiting(t *testing.T) {
	s := newScheduler(direct, nil)
	defer s.close()
	j := &journal{}
	w := &script{name: "w", steps: 5, log: j}
	var we <-chan struct{}
	a := s.submit(&script{name: "a", steps: 3, log: j, hook: func(n int) {
		switch n {
		case 1:
			we = s.submit(w)
		case 2:
			w.stop.Store(true)
		}
	}})
	await(t, a)
	await(t, we)
	if got, want := j.String(), "a a w-cancelled a"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A panic ends its task alone.
func TestSchedulePanic(t *testing.T) {
	s := newScheduler(direct, nil)
	defer s.close()
	j := &journal{}
	bad := &script{name: "bad", steps: 5, log: j, hook: func(int) { var m map[int]int; m[0] = 1 }}
	wrong := &script{name: "wrong", steps: 5, log: j, hook: func(int) { panic(errors.New("shapes do not fit")) }}
	good := &script{name: "good", steps: 1, log: j}
	await(t, s.submit(bad), s.submit(wrong), s.submit(good))
	var pe *panicError
	if !errors.As(bad.err, &pe) || !strings.Contains(string(pe.stack), "TestSchedulePanic") {
		t.Errorf("error %v without the stack", bad.err)
	}
	if wrong.err == nil || wrong.err.Error() != "shapes do not fit" {
		t.Errorf("error %v", wrong.err)
	}
	if !strings.HasSuffix(j.String(), "good") {
		t.Error(j.String())
	}
}

func TestScheduleClose(t *testing.T) {
	s := newScheduler(direct, nil)
	j := &journal{}
	started := make(chan struct{})
	var once sync.Once
	a := &script{name: "a", steps: 1 << 30, log: j, hook: func(int) { once.Do(func() { close(started) }); time.Sleep(time.Millisecond) }}
	ea := s.submit(a)
	b := &script{name: "b", steps: 1, log: j}
	eb := s.submit(b)
	<-started
	s.close()
	await(t, ea, eb)
	if a.err == nil || b.err == nil {
		t.Error("tasks left were not failed")
	}
}

// Fifty at once, cancelled at random moments, all end.
func TestScheduleCrowd(t *testing.T) {
	s := newScheduler(direct, nil)
	defer s.close()
	j := &journal{}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			k := &script{name: "k", prio: i % 3, steps: 20, log: j}
			e := s.submit(k)
			if i%2 == 0 {
				time.Sleep(time.Duration(i) * 100 * time.Microsecond)
				k.stop.Store(true)
			}
			<-e
		})
	}
	wg.Wait()
	if r, w := s.counts(); r+w != 0 {
		t.Errorf("%d running, %d waiting", r, w)
	}
}

// mated is a script whose steps may be taken with others of its kind.
type mated struct {
	*script
	kind string
	most int
}

func (m mated) joins(those []task) bool {
	for _, t := range those {
		if o, ok := t.(mated); !ok || o.kind != m.kind {
			return false
		}
	}
	return len(those) < m.most
}

func together(mates []task) []bool {
	ended := make([]bool, len(mates))
	for i, m := range mates {
		ended[i] = m.step()
	}
	return ended
}

// Mates step together as they come and go; another kind waits, a higher task
// displaces them all, and no more join than may.
func TestScheduleTogether(t *testing.T) {
	s := newScheduler(direct, together)
	defer s.close()
	j := &journal{}
	ends := make(chan (<-chan struct{}), 9)
	submit := func(name, kind string, steps, prio int, hook func(int)) {
		ends <- s.submit(mated{&script{name: name, steps: steps, prio: prio, log: j, hook: hook}, kind, 2})
	}
	submit("a", "x", 4, 0, func(n int) {
		if n == 1 { // while a runs
			submit("b", "x", 2, 0, nil)
			submit("o", "y", 1, 0, nil)
			submit("c", "x", 2, 0, nil)
		}
		if n == 2 {
			submit("H", "x", 1, 9, nil)
		}
	})
	for range 5 {
		await(t, <-ends)
	}
	if got := j.String(); got != "a a b a-pause b-pause H a b a c c o" {
		t.Errorf("%s", got)
	}
}
