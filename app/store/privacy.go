package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"qwill/app/errs"
)

// Expired lists the chats of a door that were last changed before a time and
// are not pinned.
func (db *DB) Expired(ctx context.Context, door string, before time.Time) ([]string, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT id FROM chats WHERE door = ? AND updated < ? AND NOT pinned AND deleted IS NULL", door, millis(before))
	if err != nil {
		return nil, db.wrap("list expired chats", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, db.wrap("list expired chats", err)
		}
		ids = append(ids, id)
	}
	return ids, db.wrap("list expired chats", rows.Err())
}

// kept are the tables that EraseAll leaves: what is chosen and installed, not
// what was written in chats. words_version says how the index is cut.
var kept = []string{"settings", "presets", "commands", "models", "model_files", "jobs", "job_files", "words_version"}

// EraseAll empties every table but those in kept, all in one step, then writes
// the file anew so that no page of the old one is left in it or in its log.
func (db *DB) EraseAll(ctx context.Context) error {
	err := db.change(ctx, func(tx *sql.Tx) error {
		if err := renewIndexes(ctx, tx); err != nil {
			return err
		}
		tables, err := tables(ctx, tx)
		if err != nil {
			return err
		}
		// Within a transaction rows may point to others that are gone already.
		if _, err := tx.ExecContext(ctx, "PRAGMA defer_foreign_keys=ON"); err != nil {
			return err
		}
		for _, t := range tables {
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("DELETE FROM %q", t)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return db.wrap("erase", err)
	}
	if db.temporary {
		return nil
	}
	return db.Compact(ctx)
}

// renewIndexes makes the full-text indexes anew, empty: to take a library's
// words out one message after the other would take minutes.
func renewIndexes(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE %'")
	if err != nil {
		return err
	}
	defer rows.Close()
	made := map[string]string{}
	for rows.Next() {
		var name, statement string
		if err := rows.Scan(&name, &statement); err != nil {
			return err
		}
		made[name] = statement
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for name, statement := range made {
		for _, s := range []string{fmt.Sprintf("DROP TABLE %q", name), statement, fmt.Sprintf("INSERT INTO %q (%q, rank) VALUES ('secure-delete', 1)", name, name)} {
			if _, err := tx.ExecContext(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// tables lists those to empty; the full-text indexes are renewed instead.
func tables(ctx context.Context, tx *sql.Tx) ([]string, error) {
	rows, err := tx.QueryContext(ctx, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND (name = 'sqlite_sequence' OR name NOT LIKE 'sqlite!_%' ESCAPE '!')")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		if !slices.Contains(kept, name) {
			all = append(all, name)
		}
	}
	return all, rows.Err()
}

// compactTime bounds the wait for those who read.
const compactTime = 10 * time.Second

// Compact writes the file anew without free pages, and empties its log.
func (db *DB) Compact(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, compactTime)
	defer cancel()
	if _, err := db.sql.ExecContext(ctx, "VACUUM"); err != nil {
		return db.wrap("write the database anew", err)
	}
	for {
		var busy, log, moved int
		err := db.sql.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved)
		if err == nil && busy == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return db.wrap("empty the database's log", err)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return errs.New(errs.DatabaseLock, 503, "Another Qwill reads the database, so its log could not be emptied.").At(db.path).
				Try("quit the other Qwill and erase again")
		}
	}
}

// Alone takes the database for this process alone until release is called. It
// fails while another Qwill, such as qwill serve, has it open.
func (db *DB) Alone() (release func(), err error) {
	if err := db.lock.Upgrade(); err != nil {
		_ = db.lock.Downgrade()
		return nil, errs.New(errs.Running, 409, "Another Qwill uses the database.").At(db.path).
			Try("quit qwill serve and other commands of Qwill, then try again").Because(err)
	}
	return func() { _ = db.lock.Downgrade() }, nil
}
