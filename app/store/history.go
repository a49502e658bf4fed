package store

import (
	"context"
	"database/sql"
	"time"

	"qwill/app/history"
)

// AddHistory keeps a replacement; it is on the disk when this returns.
func (db *DB) AddHistory(ctx context.Context, e history.Entry) error {
	return db.wrap("keep the original", db.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO history (id, time, place, command, original, result) VALUES (?, ?, ?, ?, ?, ?)",
			e.ID, millis(e.Time), e.Where, e.Command, e.Original, e.Result)
		return err
	}))
}

// History lists all replacements, newest first.
func (db *DB) History(ctx context.Context) (all []history.Entry, err error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT id, time, place, command, original, result FROM history ORDER BY time DESC, id DESC")
	if err != nil {
		return nil, db.wrap("list the history", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e history.Entry
		var at int64
		if err := rows.Scan(&e.ID, &at, &e.Where, &e.Command, &e.Original, &e.Result); err != nil {
			return nil, db.wrap("list the history", err)
		}
		e.Time = moment(at)
		all = append(all, e)
	}
	return all, db.wrap("list the history", rows.Err())
}

// EraseHistory erases one replacement and overwrites it.
func (db *DB) EraseHistory(ctx context.Context, id string) (found bool, err error) {
	n, err := db.eraseHistory(ctx, "DELETE FROM history WHERE id = ?", id)
	return n > 0, err
}

// ExpireHistory erases and overwrites what is older than a time; all where it
// is zero.
func (db *DB) ExpireHistory(ctx context.Context, before time.Time) error {
	query, args := "DELETE FROM history", []any{}
	if !before.IsZero() {
		query, args = query+" WHERE time < ?", []any{millis(before)}
	}
	_, err := db.eraseHistory(ctx, query, args...)
	return err
}

func (db *DB) eraseHistory(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = db.change(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, query, args...)
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if n > 0 {
		db.forget(ctx)
	}
	return n, db.wrap("erase history", err)
}
