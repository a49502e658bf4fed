package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"qwill/app/errs"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations gives the scripts in order; number n is at index n-1.
func migrations() ([]string, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	var all []string
	for _, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		n, err := strconv.Atoi(number)
		if err != nil || n <= len(all) {
			return nil, fmt.Errorf("migration %s should have a number above %d", name, len(all))
		}
		for len(all)+1 < n { // a number that no script uses changes nothing
			all = append(all, "SELECT 1")
		}
		script, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all = append(all, string(script))
	}
	return all, nil
}

// migrate brings the schema to the newest number, each step in a transaction
// of its own, so that a kill leaves either the old or the new one.
func migrate(ctx context.Context, conn *sql.DB) error {
	scripts, err := migrations()
	if err != nil {
		return err
	}
	return migrateTo(ctx, conn, scripts)
}

func migrateTo(ctx context.Context, conn *sql.DB, scripts []string) error {
	for {
		done, err := step(ctx, conn, scripts)
		if err != nil || done {
			return asDamage(err)
		}
	}
}

// step applies the next script. It reads the number inside its transaction, so
// that two processes that start together do not both apply it.
func step(ctx context.Context, conn *sql.DB, scripts []string) (done bool, err error) {
	at, err := userVersion(ctx, conn)
	if err != nil {
		return false, err
	}
	if at == len(scripts) {
		return true, checkOwner(ctx, conn)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	if at, err = userVersion(ctx, tx); err != nil {
		return false, err
	}
	switch {
	case at > len(scripts):
		return false, errs.New(errs.DatabaseNew, 500, "The database was written by a newer Qwill (schema %d, this one knows %d).", at, len(scripts)).
			Try("install the newer Qwill again, or set QWILL_HOME to another folder; nothing was changed")
	case at == len(scripts):
		return true, nil
	case at > 0:
		if err := checkOwner(ctx, tx); err != nil {
			return false, err
		}
	default:
		if err := checkEmpty(ctx, tx); err != nil {
			return false, err
		}
	}
	if _, err := tx.ExecContext(ctx, scripts[at]); err != nil {
		return false, fmt.Errorf("migrate the database to schema %d: %w", at+1, err)
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version=%d; PRAGMA application_id=%d", at+1, ApplicationID)); err != nil {
		return false, err
	}
	return false, tx.Commit()
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func userVersion(ctx context.Context, q querier) (n int, err error) {
	err = q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&n)
	return n, err
}

func errForeign() *errs.Error {
	return errs.New(errs.Database, 500, "The file is a database of another program.").Try("move it away, or set QWILL_HOME to another folder; nothing was changed")
}

func checkOwner(ctx context.Context, q querier) error {
	var id int64
	if err := q.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if id != ApplicationID {
		return errForeign()
	}
	return nil
}

func checkEmpty(ctx context.Context, q querier) error {
	var tables int
	if err := q.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return err
	}
	if tables != 0 {
		return errForeign()
	}
	return nil
}
