package chat

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"qwill/app/errs"
	"qwill/app/events"
	"qwill/engine"
)

// flushEvery bounds how much text kill -9 can take.
const flushEvery = 300 * time.Millisecond

// reply is one running reply and its watchers.
type reply struct {
	chatID string
	store  Store
	params engine.GenerateParams
	began  func() // called when its turn in the queue has come
	cancel context.CancelFunc
	turn   chan struct{} // closed when it is the first in the queue
	taken  sync.Once
	done   chan struct{} // closed after the last event and the last save

	mu       sync.Mutex // guards what follows and orders it with published events
	message  Message
	broker   events.Broker
	stopped  bool // by the user
	closing  bool // by the end of the app
	paused   bool
	dirty    bool // has text that is not saved
	thinking time.Time
	ended    bool

	thoughtMS int64 // spent thinking before the reply was continued
}

// watch gives the reply as it stands and all that follows.
func (r *reply) watch() *events.Subscription {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := []events.Event{{Name: EventSnapshot, Data: r.message}}
	if r.ended {
		first = append(first, events.Event{Name: EventDone, Data: r.message})
	}
	return r.broker.Subscribe(first...)
}

// next says that the reply's turn has come.
func (r *reply) next() { r.taken.Do(func() { close(r.turn) }) }

func (r *reply) snapshot() Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.message
}

// loading is told while the model loads.
func (r *reply) loading(percent int) {
	r.begin()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.broker.Publish(events.Event{Name: EventLoading, Data: Loading{percent}})
}

// begin notes that the reply's turn has come.
func (r *reply) begin() {
	r.mu.Lock()
	first := r.message.Status == Queued
	if first {
		r.message.Status = Writing
		r.dirty = true
	}
	r.mu.Unlock()
	if first {
		r.began()
	}
}

// event is told each step of the generation.
func (r *reply) event(e engine.Event) {
	if !e.Paused {
		r.begin()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Paused {
		r.paused = true
		r.broker.Publish(events.Event{Name: EventPaused, Data: Empty{}})
		return
	}
	if r.paused {
		r.paused = false
		r.broker.Publish(events.Event{Name: EventResumed, Data: Empty{}})
	}
	if p := e.Prefill; p != nil {
		r.broker.Publish(events.Event{Name: EventPrefill, Data: Prefill{p.Cached, p.Done, p.Total}})
	}
	if e.Reasoning == "" && e.Text == "" {
		return
	}
	if e.Reasoning != "" && r.thinking.IsZero() {
		r.thinking = time.Now()
	}
	if e.Text != "" {
		r.endThinking()
	}
	r.message.Reasoning += e.Reasoning
	r.message.Content += e.Text
	r.dirty = true
	r.broker.Publish(events.Event{Name: EventDelta, Data: Delta{e.Reasoning, e.Text}})
}

// endThinking takes the time of the thinking, once.
func (r *reply) endThinking() {
	if !r.thinking.IsZero() && r.message.ReasoningMS == r.thoughtMS {
		r.message.ReasoningMS += max(1, time.Since(r.thinking).Milliseconds())
	}
}

// finish sets the final status; what was written stays whatever happened.
func (r *reply) finish(res engine.Result, err error) Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endThinking()
	m := &r.message
	if err == nil && res.PromptTokens > 0 {
		m.Stats = StatsOf(res, r.params.Mode)
	}
	switch e := errs.From(err); {
	case r.stopped:
		m.Status = Stopped
	case r.closing:
		m.Status, m.Error = Interrupted, errInterrupted()
	case err != nil && (e.Code == errs.EngineCrash || e.Code == errs.Cancelled):
		m.Status, m.Error = Interrupted, e
	case err != nil:
		m.Status, m.Error = Failed, e
	case res.Finish == "cancelled":
		m.Status = Stopped
	default:
		m.Status = Done
	}
	r.dirty = false
	return *m
}

// unsaved gives the reply when it has news for the store.
func (r *reply) unsaved() (Message, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	dirty := r.dirty
	r.dirty = false
	return r.message, dirty
}

func errInterrupted() *errs.Error {
	return errs.New(errs.Interrupted, 500, "Qwill ended while this reply was being written.").Try("regenerate it to have it whole")
}

// run writes one reply to its end.
func (m *Manager) run(ctx context.Context, r *reply) {
	defer m.running.Done()
	defer close(r.done)
	flushed := make(chan struct{})
	end := make(chan struct{})
	go func() {
		defer close(flushed)
		m.flush(r, end)
	}()
	// In the order of the queue: while a model loads, the engine would take
	// those that wait for it in any order.
	select {
	case <-r.turn:
	case <-ctx.Done():
	}
	res, err := m.engine.Generate(ctx, r.params, r.event, r.loading)
	close(end)
	<-flushed

	final := r.finish(res, err)
	if err != nil && final.Status == Failed {
		slog.Error("reply failed", "chat", r.chatID, "error", err)
	}
	if err := saveFinal(r.store, final); err != nil {
		slog.Error("reply not saved", "chat", r.chatID, "error", err)
		r.mu.Lock()
		r.message.Error = errs.From(err)
		final = r.message
		r.mu.Unlock()
	}
	m.mu.Lock()
	current := m.live[r.chatID] == r // else its chat was deleted or it was replaced
	if current {
		m.leave(r)
	}
	m.mu.Unlock()
	r.mu.Lock()
	r.ended = true
	r.broker.Publish(events.Event{Name: EventDone, Data: final})
	r.broker.Close()
	r.mu.Unlock()
	if current {
		m.tell(r.chatID, "changed")
	}
}

func (m *Manager) flush(r *reply, end <-chan struct{}) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
		}
		if message, dirty := r.unsaved(); dirty {
			// A failure here is tried again with the next text, and at the end.
			if err := r.store.SaveReply(context.Background(), message); err != nil {
				slog.Warn("partial reply not saved", "chat", r.chatID, "error", err)
			}
		}
	}
}

// saveFinal tries for a while: the disk may be full only for a moment.
func saveFinal(store Store, message Message) (err error) {
	for _, wait := range []time.Duration{0, 100 * time.Millisecond, time.Second} {
		time.Sleep(wait)
		if err = store.SaveReply(context.Background(), message); err == nil {
			return nil
		}
	}
	return err
}
