package pull

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"qwill/app/errs"
	"qwill/app/fetch/huggingface"
)

// retry repeats what the network or the hub may have spoilt, with growing
// pauses; tries that bring bytes do not count. attempt says whether any came.
// Several may run for one job: what the hub asks one of them to wait holds for
// all.
func (s *Service) retry(ctx context.Context, t *task, attempt func(ctx context.Context) (some bool, err error)) error {
	pause, empty, waits := s.Pace.Backoff, 0, 0
	for {
		if !s.pass(ctx, t) {
			return context.Cause(ctx)
		}
		some, err := attempt(ctx)
		if err == nil {
			s.goOn(ctx, t)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if some {
			pause, empty, waits = s.Pace.Backoff, 0, 0
		}
		e := errs.From(err)
		d := pause
		if w, asked := errors.AsType[*huggingface.Wait](err); asked {
			if waits++; waits > waitsLimit {
				return err
			}
			d = w.For
			t.mu.Lock()
			if gate := time.Now().Add(d); gate.After(t.gate) {
				t.gate, t.why = gate, e
			}
			t.mu.Unlock()
			continue
		}
		if e.Code != errs.Network && e.Code != errs.HubAnswer || e.Status == 0 {
			return err
		}
		if empty++; empty >= s.Pace.Tries {
			return err
		}
		pause = min(2*pause, s.Pace.Longest)
		// Many clients must not come back in the same moment.
		d += time.Duration(rand.Int64N(int64(d)/4 + 1))
		if !s.sleep(ctx, t, d, e) {
			return context.Cause(ctx)
		}
	}
}

// pass waits as long as the hub asked for.
func (s *Service) pass(ctx context.Context, t *task) bool {
	for {
		t.mu.Lock()
		d, why := time.Until(t.gate), t.why
		t.mu.Unlock()
		if d <= 0 {
			return ctx.Err() == nil
		}
		if !s.sleep(ctx, t, d, why) {
			return false
		}
	}
}

// goOn ends a wait that is shown.
func (s *Service) goOn(ctx context.Context, t *task) {
	t.mu.Lock()
	waiting, stage := t.job.State == Waiting, t.stage
	t.mu.Unlock()
	if waiting {
		s.state(ctx, t, stage)
	}
}

// waitsLimit is how often in a row a hub may ask to wait.
const waitsLimit = 20

// sleep waits, and shows for how long and why.
func (s *Service) sleep(ctx context.Context, t *task, d time.Duration, why *errs.Error) bool {
	t.mu.Lock()
	t.job.State, t.job.Error = Waiting, why
	t.until = time.Now().Add(d)
	t.mu.Unlock()
	s.tell(t.snapshot())
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		t.mu.Lock()
		if !time.Now().Before(t.until) { // another connection may wait longer
			t.until = time.Time{}
		}
		t.mu.Unlock()
		return true
	case <-ctx.Done():
		return false
	}
}

// watchdog barks when fewer than Slow bytes came within a Stall.
type watchdog struct {
	mu    sync.Mutex
	bytes int64
	pace  Pace
	timer *time.Timer
	done  bool
}

func newWatchdog(p Pace, bark func()) *watchdog {
	w := &watchdog{pace: p}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = time.AfterFunc(p.Stall, func() {
		w.mu.Lock()
		slow, done := w.bytes < p.Slow, w.done
		w.bytes = 0
		if !slow && !done {
			w.timer.Reset(p.Stall)
		}
		w.mu.Unlock()
		if slow && !done {
			bark()
		}
	})
	return w
}

func (w *watchdog) fed(n int) {
	w.mu.Lock()
	w.bytes += int64(n)
	w.mu.Unlock()
}

func (w *watchdog) stop() {
	w.mu.Lock()
	w.done = true
	w.mu.Unlock()
	w.timer.Stop()
}
