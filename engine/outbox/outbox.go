// Package outbox carries a generation's events from the loop that makes them to
// a receiver that may be slower: the order is kept, neighbours are joined, and
// the maker never waits.
package outbox

import (
	"sync"
	"time"

	"qwill/engine/proto"
)

// Bounds of a joined event, so that no message becomes large.
const (
	maxText   = 64 << 10 // bytes
	maxTokens = 256
)

// Outbox delivers events one after the other on a goroutine of its own.
type Outbox struct {
	deliver func(proto.Event)
	pause   time.Duration

	mu     sync.Mutex
	queue  []proto.Event
	wake   chan struct{} // holds one signal while queue may have something
	closed chan struct{}
	done   chan struct{}
	once   sync.Once
}

// New makes an outbox. After each delivery it waits for pause, so that what is
// made meanwhile goes in one piece; the first event goes at once.
func New(pause time.Duration, deliver func(proto.Event)) *Outbox {
	o := &Outbox{deliver: deliver, pause: pause, wake: make(chan struct{}, 1), closed: make(chan struct{}), done: make(chan struct{})}
	go o.run()
	return o
}

// Put adds an event. After Close it has no effect.
func (o *Outbox) Put(e proto.Event) {
	select {
	case <-o.closed:
		return
	default:
	}
	o.mu.Lock()
	if n := len(o.queue); n == 0 || !join(&o.queue[n-1], &e) {
		o.queue = append(o.queue, e)
	}
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// Close delivers what is left and returns when the receiver has it all.
func (o *Outbox) Close() {
	o.once.Do(func() { close(o.closed) })
	<-o.done
}

func (o *Outbox) run() {
	defer close(o.done)
	for {
		select {
		case <-o.wake:
			o.flush()
		case <-o.closed:
			o.flush()
			return
		}
		if o.pause > 0 {
			select {
			case <-time.After(o.pause):
			case <-o.closed:
			}
		}
	}
}

func (o *Outbox) flush() {
	for {
		o.mu.Lock()
		batch := o.queue
		o.queue = nil
		o.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, e := range batch {
			o.deliver(e)
		}
	}
}

// join adds b to a when one event can say both in the right order.
func join(a, b *proto.Event) bool {
	switch {
	case a.ID != b.ID || a.Paused || b.Paused:
		return false
	case a.Prefill != nil || b.Prefill != nil:
		if a.Prefill == nil || b.Prefill == nil || hasOutput(a) || hasOutput(b) {
			return false
		}
		a.Prefill = b.Prefill // only the latest progress matters
		return true
	case a.Text != "" && b.Reasoning != "": // an event's reasoning comes before its text
		return false
	case len(a.Text)+len(b.Text)+len(a.Reasoning)+len(b.Reasoning) > maxText || len(a.Tokens)+len(b.Tokens) > maxTokens:
		return false
	}
	a.Reasoning += b.Reasoning
	a.Text += b.Text
	a.Tokens = append(a.Tokens[:len(a.Tokens):len(a.Tokens)], b.Tokens...)
	return true
}

func hasOutput(e *proto.Event) bool {
	return e.Text != "" || e.Reasoning != "" || len(e.Tokens) > 0
}
