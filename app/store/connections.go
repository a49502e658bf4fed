package store

import (
	"context"
	"time"

	"qwill/app/fetch"
)

// connectionsKept bounds the log: the oldest entries go first.
const connectionsKept = 20_000

// AddConnection writes a connection down before it is made.
func (db *DB) AddConnection(ctx context.Context, c fetch.Connection) (int64, error) {
	res, err := db.sql.ExecContext(ctx, "INSERT INTO connections (time, method, url, purpose, status, bytes, refused) VALUES (?,?,?,?,?,?,?)",
		c.Time.UnixMilli(), c.Method, c.URL, c.Purpose, c.Status, c.Bytes, c.Refused)
	if err != nil {
		return 0, db.wrap("write down a connection", err)
	}
	id, err := res.LastInsertId()
	if err == nil && id%500 == 0 {
		_, err = db.sql.ExecContext(ctx, "DELETE FROM connections WHERE id <= ?", id-connectionsKept)
	}
	return id, db.wrap("write down a connection", err)
}

// EndConnection adds what came of one.
func (db *DB) EndConnection(ctx context.Context, id int64, status int, bytes int64, refused string) error {
	_, err := db.sql.ExecContext(ctx, "UPDATE connections SET status = ?, bytes = ?, refused = ? WHERE id = ?", status, bytes, refused, id)
	return db.wrap("write down a connection", err)
}

// Connections lists them, newest first.
func (db *DB) Connections(ctx context.Context) ([]fetch.Connection, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT id, time, method, url, purpose, status, bytes, refused FROM connections ORDER BY id DESC")
	if err != nil {
		return nil, db.wrap("list connections", err)
	}
	defer rows.Close()
	all := []fetch.Connection{}
	for rows.Next() {
		var c fetch.Connection
		var at int64
		if err := rows.Scan(&c.ID, &at, &c.Method, &c.URL, &c.Purpose, &c.Status, &c.Bytes, &c.Refused); err != nil {
			return nil, db.wrap("list connections", err)
		}
		c.Time = time.UnixMilli(at).UTC()
		all = append(all, c)
	}
	return all, db.wrap("list connections", rows.Err())
}
