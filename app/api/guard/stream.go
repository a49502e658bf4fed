package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"qwill/app/events"
)

// Stream writes server-sent events.
type Stream struct {
	w    http.ResponseWriter
	c    *http.ResponseController
	Ping time.Duration // a comment is sent after so long a silence; 0 never
}

// NewStream answers with the head of an event stream.
func NewStream(w http.ResponseWriter) *Stream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	s := &Stream{w: w, c: http.NewResponseController(w), Ping: 15 * time.Second}
	s.flush()
	return s
}

// Event sends one event; data is marshalled.
func (s *Stream) Event(name string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", name, err)
	}
	return s.raw("event: " + name + "\ndata: " + string(b) + "\n\n")
}

// Data sends an event without a name, as OpenAI's streams have them.
func (s *Stream) Data(data []byte) error { return s.raw("data: " + string(data) + "\n\n") }

func (s *Stream) raw(text string) error {
	// Deadlines and flushing are the server's; the window's writer has neither.
	_ = s.c.SetWriteDeadline(time.Now().Add(WriteTime))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	s.flush()
	return nil
}

func (s *Stream) flush() { _ = s.c.Flush() }

// Copy sends a subscription's events until it ends, ctx is done or the reader
// has gone, which is the error.
func (s *Stream) Copy(ctx context.Context, sub *events.Subscription) error {
	for {
		wait, cancel := ctx, context.CancelFunc(func() {})
		if s.Ping > 0 {
			wait, cancel = context.WithTimeout(ctx, s.Ping)
		}
		e, ok := sub.Next(wait)
		quiet := !ok && wait.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case quiet:
			if err := s.raw(":\n\n"); err != nil {
				return err
			}
		case !ok:
			return ctx.Err()
		default:
			if err := s.Event(e.Name, e.Data); err != nil {
				return err
			}
		}
	}
}
