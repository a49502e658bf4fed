package pull

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"qwill/app/errs"
)

// task is the work on one job in this process.
type task struct {
	id    string
	end   context.CancelCauseFunc
	ended chan struct{}

	mu    sync.Mutex
	job   Job
	stage string      // the state that a wait goes back to
	until time.Time   // of the wait that is shown
	gate  time.Time   // before it nothing is asked of the hub
	why   *errs.Error // of the gate
	rate  meter
}

func (t *task) wait(ctx context.Context) {
	select {
	case <-t.ended:
	case <-ctx.Done():
	}
}

// change alters the job under its lock.
func (t *task) change(f func(j *Job)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.job)
}

// snapshot gives the job as it stands.
func (t *task) snapshot() Job {
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.job
	j.Files = slices.Clone(j.Files)
	j.sum()
	if j.State == Downloading {
		j.Rate = t.rate.value()
		if j.Rate > 1 {
			s := int(float64(j.Bytes-j.Done)/j.Rate + 0.5)
			j.ETA = &s
		}
	}
	if j.State == Waiting && !t.until.IsZero() {
		s := max(0, int(time.Until(t.until).Seconds()+0.999))
		j.Wait = &s
	}
	return j
}

// Times of a task.
const (
	tellTime = 250 * time.Millisecond // between two events
	lookTime = time.Second            // between two looks at what is wanted
)

// work does one job and records how it ended. An error means that the queue
// itself cannot go on.
func (s *Service) work(ctx context.Context, j Job) error {
	if j.Wanted == cancel {
		return s.discard(ctx, j)
	}
	life, end := context.WithCancelCause(ctx)
	defer end(nil)
	t := &task{id: j.ID, end: end, ended: make(chan struct{}), job: j, stage: Listing}
	s.mu.Lock()
	s.live = t
	s.mu.Unlock()
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(life, t) })

	err := s.do(life, t)
	cause := context.Cause(life)
	end(nil)
	watching.Wait()

	// Whatever ended the work, its state is recorded.
	out, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	state, failure := outcome(err, cause)
	var save error
	switch {
	case state == Cancelled:
		save = s.discard(out, t.snapshot())
	case state == Done: // recorded with the model
	case state == "": // the process ends: the job goes on in the next one
	default:
		if failure != nil && state == Failed {
			slog.Warn("download failed", "repo", j.Repo, "code", failure.Code, "error", failure.Cause)
		}
		t.change(func(j *Job) { j.State, j.Error = state, failure })
		save = s.Store.SaveJob(out, t.snapshot())
		if save == nil && state == Paused {
			save = s.Store.WantJob(out, j.ID, pause)
		}
	}
	s.mu.Lock()
	s.live = nil
	s.mu.Unlock()
	close(t.ended)
	if state != Cancelled {
		s.tell(t.snapshot())
	}
	return save
}

// outcome says what state an ended job is in; "" when only the process ends.
func outcome(err, cause error) (string, *errs.Error) {
	switch {
	case err == nil:
		return Done, nil
	case errors.Is(cause, errCancelled):
		return Cancelled, nil
	case errors.Is(cause, errPaused):
		return Paused, nil
	}
	e := errs.From(err)
	switch {
	case e.Code == errs.OfflineSwitch, e.Code == errs.DiskFull:
		return Paused, e // it can go on when that has changed
	case cause != nil:
		return "", nil
	}
	return Failed, e
}

// watch tells of progress and looks at what is wanted of the job, also by
// another process.
func (s *Service) watch(ctx context.Context, t *task) {
	tell, look := time.NewTicker(tellTime), time.NewTicker(lookTime)
	defer tell.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tell.C:
			t.mu.Lock()
			var done int64
			for _, f := range t.job.Files {
				done += f.Done
			}
			t.rate.add(time.Now(), done)
			t.mu.Unlock()
			s.tell(t.snapshot())
		case <-look.C:
			j, err := s.Store.Job(ctx, t.id)
			switch {
			case ctx.Err() != nil:
			case err != nil && errs.From(err).Code == errs.JobUnknown:
				t.end(errCancelled)
			case err != nil:
			case j.Wanted == pause:
				t.end(errPaused)
			case j.Wanted == cancel:
				t.end(errCancelled)
			case s.Offline():
				s.Forbid()
				t.end(offline())
			}
		}
	}
}

// meter measures a rate over the last seconds.
type meter struct {
	at   []time.Time
	done []int64
}

const meterSpan = 5 * time.Second

func (m *meter) add(now time.Time, done int64) {
	if n := len(m.done); n > 0 && done < m.done[n-1] {
		m.at, m.done = m.at[:0], m.done[:0] // begun again
	}
	m.at, m.done = append(m.at, now), append(m.done, done)
	for len(m.at) > 2 && now.Sub(m.at[0]) > meterSpan {
		m.at, m.done = m.at[1:], m.done[1:]
	}
}

// value is in bytes a second.
func (m *meter) value() float64 {
	n := len(m.at)
	if n < 2 {
		return 0
	}
	d := m.at[n-1].Sub(m.at[0]).Seconds()
	if d <= 0 {
		return 0
	}
	return float64(m.done[n-1]-m.done[0]) / d
}
