package chat

import (
	"context"
	"log/slog"
	"time"
)

// Delete removes chats; their running replies end. For UndoTime they can be
// restored, then they are erased.
func (m *Manager) Delete(ctx context.Context, ids ...string) error {
	m.ops.Lock()
	defer m.ops.Unlock()
	parts, err := m.byStore(ids)
	if err != nil {
		return err
	}
	if len(ids) == 1 { // deleted twice is a mistake that the user should know of
		if _, err := m.of(ids[0]).Chat(ctx, ids[0]); err != nil {
			return err
		}
	}
	for s, some := range parts {
		if err := s.DeleteChats(ctx, some, stamp()); err != nil {
			return err
		}
	}
	for _, id := range ids {
		m.abandon(id)
		m.tell(id, "deleted")
	}
	m.tellFolders(ctx)
	time.AfterFunc(UndoTime+time.Second, func() {
		m.mu.Lock()
		closed := m.closed
		m.mu.Unlock()
		if !closed {
			m.Sweep(context.Background(), stamp())
		}
	})
	return nil
}

// Sweep erases the chats that at that time can no longer be restored.
func (m *Manager) Sweep(ctx context.Context, at time.Time) {
	m.ops.Lock()
	defer m.ops.Unlock()
	for _, s := range m.stores() {
		if _, err := s.EraseDeleted(ctx, at.Add(-UndoTime)); err != nil {
			slog.Warn("deleted chats not erased", "error", err)
		}
	}
}

// Restore brings deleted chats back.
func (m *Manager) Restore(ctx context.Context, ids []string) ([]Summary, error) {
	m.ops.Lock()
	defer m.ops.Unlock()
	parts, err := m.byStore(ids)
	if err != nil {
		return nil, err
	}
	for s, some := range parts {
		if err := s.RestoreChats(ctx, some); err != nil {
			return nil, err
		}
	}
	return m.concerned(ctx, ids, "created")
}

// Erase removes chats for good at once.
func (m *Manager) Erase(ctx context.Context, ids ...string) error {
	m.ops.Lock()
	defer m.ops.Unlock()
	parts, err := m.byStore(ids)
	if err != nil {
		return err
	}
	for s, some := range parts {
		if err := s.EraseChats(ctx, some); err != nil {
			return err
		}
	}
	for _, id := range ids {
		m.abandon(id)
		m.tell(id, "deleted")
	}
	m.tellFolders(ctx)
	return nil
}

// abandon stops a chat's reply without waiting for its end; it keeps its text.
func (m *Manager) abandon(chatID string) {
	m.mu.Lock()
	r := m.live[chatID]
	if r != nil {
		m.leave(r)
	}
	m.mu.Unlock()
	if r == nil {
		return
	}
	r.mu.Lock()
	r.stopped, r.dirty = true, false
	r.message.Status = Stopped
	now := r.message
	r.mu.Unlock()
	r.cancel()
	// Its last save follows; until then nobody should wait for it.
	if err := r.store.SaveReply(context.Background(), now); err != nil {
		slog.Warn("stopped reply not saved", "chat", chatID, "error", err)
	}
}
