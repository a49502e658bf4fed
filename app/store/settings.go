package store

import (
	"context"
	"encoding/json"
)

// ReadSettings gives all stored settings by name.
func (db *DB) ReadSettings(ctx context.Context) (map[string]json.RawMessage, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT name, value FROM settings")
	if err != nil {
		return nil, db.wrap("read settings", err)
	}
	defer rows.Close()
	all := map[string]json.RawMessage{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return nil, db.wrap("read settings", err)
		}
		all[name] = json.RawMessage(value)
	}
	return all, db.wrap("read settings", rows.Err())
}

// WriteSettings stores settings by name; others stay.
func (db *DB) WriteSettings(ctx context.Context, values map[string]json.RawMessage) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return db.wrap("write settings", err)
	}
	defer tx.Rollback()
	for name, value := range values {
		if _, err := tx.ExecContext(ctx, "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, string(value)); err != nil {
			return db.wrap("write settings", err)
		}
	}
	return db.wrap("write settings", tx.Commit())
}
