package store

import (
	"context"
	"database/sql"
	"slices"
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

// eraseStep is how many chats are erased at once: to overwrite their words in
// the index takes time, in which nobody else can write.
const eraseStep = 20

// EraseChats erases chats for good, deleted ones too.
func (db *DB) EraseChats(ctx context.Context, ids []string) error {
	for some := range slices.Chunk(ids, eraseStep) {
		if err := db.each(ctx, "erase chats", "DELETE FROM chats WHERE id = ?1", some); err != nil {
			return err
		}
	}
	db.forget(ctx)
	return nil
}

// EraseDeleted erases for good what was deleted at that time or earlier.
func (db *DB) EraseDeleted(ctx context.Context, until time.Time) (int, error) {
	total := 0
	for {
		var n int64
		err := db.change(ctx, func(tx *sql.Tx) error {
			res, err := tx.ExecContext(ctx, "DELETE FROM chats WHERE id IN (SELECT id FROM chats WHERE deleted <= ? LIMIT ?)", millis(until), eraseStep)
			if err != nil {
				return err
			}
			n, err = res.RowsAffected()
			return err
		})
		total += int(n)
		if err != nil || n < eraseStep {
			if total > 0 {
				db.forget(ctx)
			}
			return total, db.wrap("erase deleted chats", err)
		}
	}
}

// forget empties the log, which still holds what was erased from the database
// itself. Where a reader keeps it, the next time does.
func (db *DB) forget(ctx context.Context) {
	if !db.temporary {
		_, _ = db.sql.ExecContext(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint(TRUNCATE)")
	}
}
