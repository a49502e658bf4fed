package events

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

type text string

func (t text) Merge(next any) (any, bool) {
	n, ok := next.(text)
	return t + n, ok
}

func drain(t *testing.T, s *Subscription) []Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var all []Event
	for {
		e, ok := s.Next(ctx)
		if !ok {
			if ctx.Err() != nil {
				t.Fatal("the subscription did not end")
			}
			return all
		}
		all = append(all, e)
	}
}

func TestSlowReaderLosesNoText(t *testing.T) {
	var b Broker
	s := b.Subscribe(Event{Name: "snapshot"})
	var want strings.Builder
	for i := range 10 * QueueLimit {
		d := string(rune('a' + i%26))
		want.WriteString(d)
		b.Publish(Event{Name: "delta", Data: text(d)})
	}
	b.Publish(Event{Name: "done"})
	b.Close()
	all := drain(t, s)
	if len(all) != 3 || all[0].Name != "snapshot" || all[2].Name != "done" {
		t.Fatalf("got %d events", len(all))
	}
	if got := string(all[1].Data.(text)); got != want.String() {
		t.Error("the joined text differs")
	}
}

func TestLossyEventsGiveWayToOthers(t *testing.T) {
	var b Broker
	s := b.Subscribe()
	for range 2 * QueueLimit {
		b.Publish(Event{Name: "tick", Lossy: true})
	}
	for range 2 * QueueLimit {
		b.Publish(Event{Name: "final"})
	}
	b.Publish(Event{Name: "tick", Lossy: true})
	b.Close()
	finals := 0
	for _, e := range drain(t, s) {
		if e.Name == "final" {
			finals++
		} else {
			t.Error("a lossy event outlived the full queue")
		}
	}
	if finals != 2*QueueLimit {
		t.Errorf("%d of %d terminal events arrived", finals, 2*QueueLimit)
	}
}

func TestNextEndsWithContext(t *testing.T) {
	var b Broker
	s := b.Subscribe()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, ok := s.Next(ctx); ok {
		t.Fatal("an event came from nowhere")
	}
	s.Close()
	if _, ok := s.Next(t.Context()); ok {
		t.Fatal("a closed subscription gave an event")
	}
	if len(b.subs) != 0 {
		t.Error("the broker still holds the reader")
	}
	b.Close()
	if _, ok := b.Subscribe().Next(t.Context()); ok {
		t.Error("a closed broker gave an event")
	}
}

func TestManyReadersAndWriters(t *testing.T) {
	var b Broker
	var writers, readers sync.WaitGroup
	for range 8 {
		s := b.Subscribe()
		readers.Go(func() {
			n := 0
			for {
				if _, ok := s.Next(context.Background()); !ok {
					break
				}
				n++
			}
			if n != 400 {
				t.Errorf("a reader saw %d of 400 events", n)
			}
		})
	}
	for range 4 {
		writers.Go(func() {
			for range 100 {
				b.Publish(Event{Name: "e"})
			}
		})
	}
	writers.Wait()
	b.Close()
	readers.Wait()
}
