// Package events is the in-process broker: publishers never wait for slow
// readers, and what must arrive does.
package events

import (
	"context"
	"sync"
)

// Event is one thing that happened.
type Event struct {
	Name string
	Data any
	// Lossy events may be dropped from a reader's queue when it is full;
	// all others always arrive.
	Lossy bool
}

// Merger is data that can absorb the data of the next event of the same name,
// so that a slow reader's queue stays short without losing anything: text
// deltas join, a progress is replaced by the later one.
type Merger interface {
	// Merge gives the joined data; ok is false when the two cannot be joined.
	Merge(next any) (joined any, ok bool)
}

// QueueLimit bounds a reader's queue of lossy events.
const QueueLimit = 1024

// Broker hands every published event to every subscriber. The zero value is
// ready to use.
type Broker struct {
	mu     sync.Mutex
	subs   map[*Subscription]struct{}
	closed bool
}

// Subscription is one reader's queue.
type Subscription struct {
	broker *Broker
	mu     sync.Mutex
	queue  []Event
	closed bool
	wake   chan struct{} // capacity 1
}

// Subscribe starts a reader with the events given already in its queue.
func (b *Broker) Subscribe(first ...Event) *Subscription {
	s := &Subscription{broker: b, queue: first, wake: make(chan struct{}, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		s.closed = true
		return s
	}
	if b.subs == nil {
		b.subs = map[*Subscription]struct{}{}
	}
	b.subs[s] = struct{}{}
	return s
}

// Publish queues an event for every reader and returns at once.
func (b *Broker) Publish(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.subs {
		s.push(e)
	}
}

// Close ends every subscription after its queued events; later ones are empty.
func (b *Broker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for s := range b.subs {
		s.end()
	}
	b.subs = nil
}

func (s *Subscription) push(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if n := len(s.queue); n > 0 && s.queue[n-1].Name == e.Name {
		if m, ok := s.queue[n-1].Data.(Merger); ok {
			if joined, ok := m.Merge(e.Data); ok {
				s.queue[n-1].Data = joined
				return
			}
		}
	}
	if len(s.queue) >= QueueLimit && !s.dropOldestLossy() && e.Lossy {
		return
	}
	s.queue = append(s.queue, e)
	s.signal()
}

func (s *Subscription) dropOldestLossy() bool {
	for i, e := range s.queue {
		if e.Lossy {
			s.queue = append(s.queue[:i], s.queue[i+1:]...)
			return true
		}
	}
	return false
}

func (s *Subscription) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.signal()
}

func (s *Subscription) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Next waits for the next event; ok is false when the subscription ended or
// ctx is done.
func (s *Subscription) Next(ctx context.Context) (e Event, ok bool) {
	for {
		s.mu.Lock()
		if len(s.queue) > 0 {
			e, s.queue = s.queue[0], s.queue[1:]
			s.mu.Unlock()
			return e, true
		}
		closed := s.closed
		s.mu.Unlock()
		if closed {
			return Event{}, false
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return Event{}, false
		}
	}
}

// Close ends the reading; queued events are dropped.
func (s *Subscription) Close() {
	s.broker.mu.Lock()
	delete(s.broker.subs, s)
	s.broker.mu.Unlock()
	s.mu.Lock()
	s.queue = nil
	s.mu.Unlock()
	s.end()
}
