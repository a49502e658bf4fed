package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/mattn/go-sqlite3"

	"qwill/app/models"
)

const modelColumns = "name, title, path, architecture, quantization, bytes, context, can_think, starter, owned, note, repo, revision, licence, source, placement"

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
			&m.CanThink, &m.Starter, &m.Owned, &m.Note, &m.Repo, &m.Revision, &m.Licence, &m.Source, &m.Placement); err != nil {
			return nil, db.wrap("list models", err)
		}
		all = append(all, m)
	}
	return all, db.wrap("list models", rows.Err())
}

// AddModel adds one with the hashes of its files, both or neither; a taken name
// is errs.Conflict.
func (db *DB) AddModel(ctx context.Context, m models.Model, files []models.FileHash) error {
	return db.wrap("add model", db.change(ctx, func(tx *sql.Tx) error {
		if err := addModel(ctx, tx, m); err != nil {
			return err
		}
		return setModelFiles(ctx, tx, m.Name, files)
	}))
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func addModel(ctx context.Context, e execer, m models.Model) error {
	_, err := e.ExecContext(ctx, "INSERT INTO models ("+modelColumns+") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		m.Name, m.Title, m.Path, m.Architecture, m.Quantization, m.Bytes, m.Context, m.CanThink, m.Starter, m.Owned, m.Note, m.Repo, m.Revision, m.Licence, m.Source, m.Placement)
	if e, ok := errors.AsType[sqlite3.Error](err); ok && e.Code == sqlite3.ErrConstraint {
		return models.ErrTaken(m.Name)
	}
	return err
}

// ModelFiles gives what is known of a model's files, by path; none where they
// were never hashed.
func (db *DB) ModelFiles(ctx context.Context, name string) ([]models.FileHash, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT path, bytes, sha256, git_sha1, evidence FROM model_files WHERE model = ? ORDER BY path", name)
	if err != nil {
		return nil, db.wrap("list a model's files", err)
	}
	defer rows.Close()
	var all []models.FileHash
	for rows.Next() {
		var f models.FileHash
		if err := rows.Scan(&f.Path, &f.Bytes, &f.SHA256, &f.GitSHA1, &f.Evidence); err != nil {
			return nil, db.wrap("list a model's files", err)
		}
		all = append(all, f)
	}
	return all, db.wrap("list a model's files", rows.Err())
}

// SetModelFiles replaces what is known of a model's files.
func (db *DB) SetModelFiles(ctx context.Context, name string, files []models.FileHash) error {
	return db.wrap("keep a model's hashes", db.change(ctx, func(tx *sql.Tx) error { return setModelFiles(ctx, tx, name, files) }))
}

func setModelFiles(ctx context.Context, tx *sql.Tx, name string, files []models.FileHash) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM model_files WHERE model = ?", name); err != nil {
		return err
	}
	for _, f := range files {
		if _, err := tx.ExecContext(ctx, "INSERT INTO model_files (model, path, bytes, sha256, git_sha1, evidence) VALUES (?,?,?,?,?,?)",
			name, f.Path, f.Bytes, f.SHA256, f.GitSHA1, f.Evidence); err != nil {
			return err
		}
	}
	return nil
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
