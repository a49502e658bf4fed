package store

import (
	"context"
	"errors"

	"github.com/mattn/go-sqlite3"

	"qwill/app/models"
)

const modelColumns = "name, title, path, architecture, quantization, bytes, context, can_think, starter, owned, note"

// Models lists the installed models by name.
func (db *DB) Models(ctx context.Context) ([]models.Model, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT "+modelColumns+" FROM models ORDER BY name")
	if err != nil {
		return nil, db.wrap("list models", err)
	}
	defer rows.Close()
	var all []models.Model
	for rows.Next() {
		var m models.Model
		if err := rows.Scan(&m.Name, &m.Title, &m.Path, &m.Architecture, &m.Quantization, &m.Bytes, &m.Context,
			&m.CanThink, &m.Starter, &m.Owned, &m.Note); err != nil {
			return nil, db.wrap("list models", err)
		}
		all = append(all, m)
	}
	return all, db.wrap("list models", rows.Err())
}

// AddModel adds one; a taken name is errs.Conflict.
func (db *DB) AddModel(ctx context.Context, m models.Model) error {
	_, err := db.sql.ExecContext(ctx, "INSERT INTO models ("+modelColumns+") VALUES (?,?,?,?,?,?,?,?,?,?,?)",
		m.Name, m.Title, m.Path, m.Architecture, m.Quantization, m.Bytes, m.Context, m.CanThink, m.Starter, m.Owned, m.Note)
	if e, ok := errors.AsType[sqlite3.Error](err); ok && e.Code == sqlite3.ErrConstraint {
		return models.ErrTaken(m.Name)
	}
	return db.wrap("add model", err)
}

// RemoveModel takes one off the list.
func (db *DB) RemoveModel(ctx context.Context, name string) error {
	res, err := db.sql.ExecContext(ctx, "DELETE FROM models WHERE name = ?", name)
	if err != nil {
		return db.wrap("remove model", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return models.ErrUnknown(name)
	}
	return nil
}
