package store

import (
	"context"
	"encoding/json"
	"log/slog"

	"qwill/app/command"
)

// CustomCommands gives the user's commands in their order. One that can no
// longer be read is left out.
func (db *DB) CustomCommands(ctx context.Context) ([]command.Custom, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT definition FROM commands ORDER BY position")
	if err != nil {
		return nil, db.wrap("list commands", err)
	}
	defer rows.Close()
	var all []command.Custom
	for rows.Next() {
		var definition string
		if err := rows.Scan(&definition); err != nil {
			return nil, db.wrap("list commands", err)
		}
		var c command.Custom
		if err := json.Unmarshal([]byte(definition), &c); err != nil || c.Validate() != nil {
			slog.Warn("a command was left out: it cannot be read")
			continue
		}
		all = append(all, c)
	}
	return all, db.wrap("list commands", rows.Err())
}

// PutCustomCommands replaces the user's commands, all or nothing.
func (db *DB) PutCustomCommands(ctx context.Context, all []command.Custom) error {
	return db.wrap("save commands", db.putCommands(ctx, all))
}

func (db *DB) putCommands(ctx context.Context, all []command.Custom) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "DELETE FROM commands"); err != nil {
		return err
	}
	for i, c := range all {
		definition, err := json.Marshal(c)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO commands (id, position, definition) VALUES (?, ?, ?)", c.ID, i, string(definition)); err != nil {
			return err
		}
	}
	return tx.Commit()
}
