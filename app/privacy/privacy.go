// Package privacy ends what is kept: after the time that each door's retention
// gives it, and all at once when the user asks for it.
package privacy

import (
	"context"
	"log/slog"
	"time"

	"qwill/app/chat"
	"qwill/app/settings"
)

// Period gives the length of a retention; ok is false for those without an
// end. None is no time at all.
func Period(name string) (d time.Duration, ok bool) {
	const day = 24 * time.Hour
	switch name {
	case settings.None:
		return 0, true
	case "day":
		return day, true
	case "week":
		return 7 * day, true
	case "month":
		return 30 * day, true
	case "year":
		return 365 * day, true
	}
	return 0, false
}

// Store finds what is to go.
type Store interface {
	// Expired lists the chats of a door that were last changed before a time
	// and are not pinned.
	Expired(ctx context.Context, door string, before time.Time) ([]string, error)
}

// Chats erases for good.
type Chats interface {
	List(ctx context.Context) ([]chat.Summary, error)
	Erase(ctx context.Context, ids ...string) error
}

// Janitor erases the chats whose time has come. Pinned ones stay, and those
// that a reply is being written in.
type Janitor struct {
	Store    Store
	Chats    Chats
	Settings func() settings.Settings
	Now      func() time.Time
}

// every is how often the janitor looks.
const every = time.Hour

// grace is how long it waits after its start, or after a change of the
// settings: long enough to take back a choice made by mistake.
const grace = time.Minute

// Run looks after a minute, then each hour, and a minute after each change,
// until ctx ends.
func (j *Janitor) Run(ctx context.Context, changed <-chan struct{}) {
	t := time.NewTimer(grace)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			t.Reset(grace)
		case <-t.C:
			if _, err := j.Sweep(ctx); err != nil && ctx.Err() == nil {
				slog.Warn("expired chats not erased", "error", err)
			}
			t.Reset(every)
		}
	}
}

// Sweep erases what has expired and counts it.
func (j *Janitor) Sweep(ctx context.Context) (n int, err error) {
	r := j.Settings().Retention
	busy := map[string]bool{}
	all, err := j.Chats.List(ctx)
	if err != nil {
		return 0, err
	}
	for _, c := range all {
		busy[c.ID] = c.Replying
	}
	for door, period := range map[string]string{chat.DoorChat: r.Chat, chat.DoorPrompt: r.Prompt, chat.DoorServices: r.Services, chat.DoorServer: r.Server} {
		d, ends := Period(period)
		if !ends || door == chat.DoorChat && period == settings.None {
			continue // with none new chats are temporary; those that were made to be kept stay
		}
		ids, err := j.Store.Expired(ctx, door, j.Now().Add(-d))
		if err != nil {
			return n, err
		}
		var idle []string
		for _, id := range ids {
			if !busy[id] {
				idle = append(idle, id)
			}
		}
		for len(idle) > 0 {
			some := idle[:min(len(idle), chat.IDLimit)]
			idle = idle[len(some):]
			if err := j.Chats.Erase(ctx, some...); err != nil {
				return n, err
			}
			n += len(some)
		}
	}
	return n, nil
}
