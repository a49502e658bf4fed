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
func (s *Service) retry(ctx context.Context, t *task, attempt func(ctx context.Context) (some bool, err error)) error {
	before := t.snapshot().State
	pause, empty, waits := s.Pace.Backoff, 0, 0
	for {
		some, err := attempt(ctx)
		if err == nil {
			if t.snapshot().State == Waiting {
				s.state(ctx, t, before)
			}
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
		} else {
			if e.Code != errs.Network && e.Code != errs.HubAnswer || e.Status == 0 {
				return err
			}
			if empty++; empty >= s.Pace.Tries {
				return err
			}
			pause = min(2*pause, s.Pace.Longest)
			// Many clients must not come back in the same moment.
			d += time.Duration(rand.Int64N(int64(d)/4 + 1))
		}
		if !s.sleep(ctx, t, d, e) {
			return context.Cause(ctx)
		}
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
		t.until = time.Time{}
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
