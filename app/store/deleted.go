package store

import (
	"context"
	"database/sql"
	"time"
)

// DeleteChats hides chats until they are restored or erased.
func (db *DB) DeleteChats(ctx context.Context, ids []string, at time.Time) error {
	return db.each(ctx, "delete chats", "UPDATE chats SET deleted = coalesce(deleted, ?2) WHERE id = ?1", ids, millis(at))
}

// RestoreChats shows deleted chats again.
func (db *DB) RestoreChats(ctx context.Context, ids []string) error {
	return db.each(ctx, "restore chats", "UPDATE chats SET deleted = NULL WHERE id = ?1", ids)
}

// EraseChats erases chats for good, deleted ones too.
func (db *DB) EraseChats(ctx context.Context, ids []string) error {
	err := db.each(ctx, "erase chats", "DELETE FROM chats WHERE id = ?1", ids)
	if err == nil {
		db.forget(ctx)
	}
	return err
}

// EraseDeleted erases for good what was deleted at that time or earlier.
func (db *DB) EraseDeleted(ctx context.Context, until time.Time) (int, error) {
	var n int64
	err := db.change(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM chats WHERE deleted <= ?", millis(until))
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if err == nil && n > 0 {
		db.forget(ctx)
	}
	return int(n), db.wrap("erase deleted chats", err)
}

// forget empties the log, which still holds what was erased from the database
// itself. Where a reader keeps it, the next time does.
func (db *DB) forget(ctx context.Context) {
	if !db.temporary {
		_, _ = db.sql.ExecContext(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint(TRUNCATE)")
	}
}
