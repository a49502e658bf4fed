// Package history keeps, for a day, what was replaced in other programs and in
// Qwill's own fields, so that the original can be had again, also after a crash.
package history

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"qwill/app/errs"
)

// Period is how long a replacement is kept.
const Period = 24 * time.Hour

// Entry is one replacement.
type Entry struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Where    string    `json:"where"`   // the program, ServicesDoor, Writing or Composer; "" where its name is not known
	Command  string    `json:"command"` // of the registry; "" where it is not known
	Original string    `json:"original"`
	Result   string    `json:"result"`
}

// ServicesDoor is the Where of what a program asked for itself, through the
// system's Services menu or the session bus, which do not name it.
const ServicesDoor = "services"

// The Where of what was replaced in Qwill's own page, which puts an original
// back by itself.
const (
	Writing  = "write" // the writing view
	Composer = "chat"  // the field of a chat
)

// Store keeps entries. What it erases is overwritten.
type Store interface {
	AddHistory(ctx context.Context, e Entry) error
	// History lists all entries, newest first.
	History(ctx context.Context) ([]Entry, error)
	EraseHistory(ctx context.Context, id string) (found bool, err error)
	// ExpireHistory erases what is older than a time, all where it is zero.
	ExpireHistory(ctx context.Context, before time.Time) error
}

// Service keeps the history while Keep says so.
type Service struct {
	Store Store
	// Keep is the user's choice. While it is off nothing is written, and what
	// was kept before is erased.
	Keep func() bool
	Now  func() time.Time
}

// Add keeps a replacement that is about to be made and gives its id, "" where
// nothing is kept. It has reached the disk when Add returns: on an error the
// replacement must not be made.
func (s *Service) Add(ctx context.Context, where, command, original, result string) (id string, err error) {
	if !s.Keep() || original == result {
		return "", nil
	}
	e := Entry{ID: uuid.Must(uuid.NewV7()).String(), Time: s.Now().UTC().Truncate(time.Millisecond), Where: where, Command: command, Original: original, Result: result}
	if err := s.Store.AddHistory(ctx, e); err != nil {
		return "", err
	}
	return e.ID, nil
}

// Sweep erases what is older than Period, everything where nothing is kept.
func (s *Service) Sweep(ctx context.Context) error {
	before := s.Now().Add(-Period)
	if !s.Keep() {
		before = time.Time{}
	}
	return s.Store.ExpireHistory(ctx, before)
}

// List gives what was replaced in the last day, newest first.
func (s *Service) List(ctx context.Context) ([]Entry, error) {
	if err := s.Sweep(ctx); err != nil {
		return nil, err
	}
	all, err := s.Store.History(ctx)
	return append([]Entry{}, all...), err
}

// Find gives one entry.
func (s *Service) Find(ctx context.Context, id string) (Entry, error) {
	all, err := s.List(ctx)
	if err != nil {
		return Entry{}, err
	}
	for _, e := range all {
		if e.ID == id {
			return e, nil
		}
	}
	return Entry{}, errMissing(id)
}

// Erase erases one entry.
func (s *Service) Erase(ctx context.Context, id string) error {
	found, err := s.Store.EraseHistory(ctx, id)
	if err == nil && !found {
		err = errMissing(id)
	}
	return err
}

// EraseAll erases every entry.
func (s *Service) EraseAll(ctx context.Context) error {
	return s.Store.ExpireHistory(ctx, time.Time{})
}

// every is how often Run looks for what is too old.
const every = 10 * time.Minute

// Run erases what is too old until ctx ends, and after each change of the
// settings what is no longer wanted.
func (s *Service) Run(ctx context.Context, changed <-chan struct{}) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			slog.Warn("old history not erased", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-t.C:
		}
	}
}

func errMissing(id string) error {
	return errs.New(errs.NotFound, 404, "There is no such replacement.").At(id).Try("what was replaced is kept for 24 hours; see: qwill history list")
}
