package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/mattn/go-sqlite3"

	"qwill/app/chat"
	"qwill/app/errs"
)

// Folders lists the folders by name.
func (db *DB) Folders(ctx context.Context) ([]chat.Folder, error) {
	rows, err := db.sql.QueryContext(ctx, `SELECT f.id, f.name, f.created, (SELECT count(*) FROM chats c WHERE c.folder = f.id AND c.deleted IS NULL)
		FROM folders f ORDER BY f.name COLLATE NOCASE, f.id`)
	if err != nil {
		return nil, db.wrap("list folders", err)
	}
	defer rows.Close()
	all := []chat.Folder{}
	for rows.Next() {
		var f chat.Folder
		var created int64
		if err := rows.Scan(&f.ID, &f.Name, &created, &f.Chats); err != nil {
			return nil, db.wrap("list folders", err)
		}
		f.Created = moment(created)
		all = append(all, f)
	}
	return all, db.wrap("list folders", rows.Err())
}

// PutFolder creates or renames a folder.
func (db *DB) PutFolder(ctx context.Context, f chat.Folder) error {
	_, err := db.sql.ExecContext(ctx, "INSERT INTO folders (id, name, created) VALUES (?,?,?) ON CONFLICT (id) DO UPDATE SET name = excluded.name", f.ID, f.Name, millis(f.Created))
	return db.named("save folder", f.Name, err)
}

// DeleteFolder removes a folder; its chats stay, outside folders.
func (db *DB) DeleteFolder(ctx context.Context, id string) error {
	return db.drop(ctx, "delete folder", "DELETE FROM folders WHERE id = ?", errs.New(errs.NotFound, 404, "There is no such folder.").At(id), id)
}

// drop deletes one row, or fails with missing.
func (db *DB) drop(ctx context.Context, doing, statement string, missing *errs.Error, id string) error {
	return db.wrap(doing, db.change(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, statement, id)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, missing)
		}
		return nil
	}))
}

// named tells a name that is taken from other failures.
func (db *DB) named(doing, name string, err error) error {
	if e, ok := errors.AsType[sqlite3.Error](err); ok && e.ExtendedCode == sqlite3.ErrConstraintUnique {
		return errs.New(errs.Conflict, 409, "The name %q is taken.", name).At("name").Try("choose another name")
	}
	return db.wrap(doing, err)
}
