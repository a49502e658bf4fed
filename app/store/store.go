// Package store keeps chats, settings and the list of models in one SQLite
// file. It implements the interfaces that chat, models and settings declare.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/mattn/go-sqlite3"

	"qwill/app/errs"
	"qwill/app/filelock"
)

// ApplicationID marks Qwill's databases ("Qwil" in ASCII).
const ApplicationID = 0x5177696c

const driverName = "qwill-sqlite3"

func init() {
	sql.Register(driverName, &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		// fullfsync matters on macOS, where fsync leaves data in the drive's cache.
		// What is deleted is overwritten, and no query spills into temporary files.
		_, err := c.Exec("PRAGMA fullfsync=1; PRAGMA trusted_schema=OFF; PRAGMA secure_delete=ON; PRAGMA temp_store=MEMORY", nil)
		return err
	}})
}

// DB is the open database.
type DB struct {
	sql  *sql.DB
	lock *filelock.Lock // shared while open; whoever sets damaged files aside needs it alone; nil in memory
	path string

	temporary bool // in memory only
}

// Open opens or creates the database and brings its schema up to date. A
// damaged file is moved, whole, into backups and a new database starts;
// notice then tells the user so. A newer schema is refused untouched.
func Open(ctx context.Context, path, backups string) (db *DB, notice *errs.Error, err error) {
	lock, err := lockShared(ctx, path+".lock")
	if err != nil {
		return nil, nil, err
	}
	conn, err := openChecked(ctx, path, checkFile)
	// Of two processes that create the file together, SQLite lets one fail at
	// once, without the wait that was asked for.
	for wait := 20 * time.Millisecond; busy(err) && wait < time.Second; wait *= 2 {
		time.Sleep(wait)
		conn, err = openChecked(ctx, path, checkFile)
	}
	if damage, damaged := errors.AsType[*damagedError](err); damaged {
		if notice, err = setAside(path, backups, lock, damage); err != nil {
			lock.Release()
			return nil, nil, err
		}
		conn, err = openChecked(ctx, path, nil)
	}
	if err != nil {
		lock.Release()
		return nil, nil, explain(path, err)
	}
	private(path)
	return &DB{sql: conn, lock: lock, path: path}, notice, nil
}

// private keeps the file, and the logs beside it, from everyone but their
// owner, whatever the umask. Where that cannot be had the folder, which is
// private too, does it.
func private(path string) {
	for _, p := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Chmod(p, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			slog.Warn("the database's mode was left as it is", "error", err)
		}
	}
}

// OpenMemory makes an empty database that never touches the disk and is gone
// when it is closed.
func OpenMemory(ctx context.Context) (*DB, error) {
	conn, err := sql.Open(driverName, "file::memory:?_foreign_keys=on&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	conn.SetMaxOpenConns(1) // each connection would be a database of its own
	if err := prepare(ctx, conn); err != nil {
		conn.Close()
		return nil, explain("", err)
	}
	return &DB{sql: conn, temporary: true}, nil
}

// Close ends all use of the database.
func (db *DB) Close() error {
	if db.lock == nil {
		return db.sql.Close()
	}
	return errors.Join(db.sql.Close(), db.lock.Release())
}

// read runs queries on one snapshot of the database, without waiting for who
// writes. They may run twice, see mend.
func (db *DB) read(ctx context.Context, queries func(q *sql.Conn) error) error {
	err := db.readOnce(ctx, queries)
	if db.mend(ctx, err) {
		err = db.readOnce(ctx, queries)
	}
	return err
}

func (db *DB) readOnce(ctx context.Context, queries func(q *sql.Conn) error) error {
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "BEGIN DEFERRED"); err != nil {
		return err
	}
	// Whatever became of ctx, the connection goes back without a transaction.
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	return queries(conn)
}

// change runs statements that are done all or not at all. They may run twice,
// see mend.
func (db *DB) change(ctx context.Context, statements func(tx *sql.Tx) error) error {
	err := db.changeOnce(ctx, statements)
	if db.mend(ctx, err) {
		err = db.changeOnce(ctx, statements)
	}
	return err
}

func (db *DB) changeOnce(ctx context.Context, statements func(tx *sql.Tx) error) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := statements(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func busy(err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	return ok && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked)
}

// Check runs SQLite's quick check; nil means that the file is whole.
func (db *DB) Check(ctx context.Context) error {
	if err := quickCheck(ctx, db.sql); err != nil {
		return explain(db.path, err)
	}
	return nil
}

// Version gives SQLite's version and the schema's number.
func (db *DB) Version(ctx context.Context) (library string, schema int, err error) {
	library, _, _ = sqlite3.Version()
	schema, err = userVersion(ctx, db.sql)
	return library, schema, err
}

func openChecked(ctx context.Context, path string, before func(path string) error) (*sql.DB, error) {
	if before != nil {
		if err := before(path); err != nil {
			return nil, err
		}
	}
	query := url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"on"},
		"_busy_timeout": {"5000"}, "_txlock": {"immediate"},
	}
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}).String()
	conn, err := sql.Open(driverName, dsn)
	if err != nil {
		return nil, err
	}
	conn.SetMaxOpenConns(4)
	if err := prepare(ctx, conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func prepare(ctx context.Context, conn *sql.DB) error {
	if err := quickCheck(ctx, conn); err != nil {
		return err
	}
	if err := migrate(ctx, conn); err != nil {
		return err
	}
	return ensureWords(ctx, conn)
}

// checkFile catches what SQLite would silently turn into an empty database.
func checkFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// A log without its database: its pages may hold chats.
		if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() > 0 {
			return &damagedError{what: "the file is missing but its log is there"}
		}
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return errs.New(errs.Database, 500, "A folder lies where the database should be.").At(path).Try("move it away and start again")
	case info.Size() == 0:
		return &damagedError{what: "the file is empty", mayBeYoung: true}
	}
	return nil
}

type damagedError struct {
	what       string
	mayBeYoung bool // looks the same while another process creates it
}

func (e *damagedError) Error() string { return e.what }

// quickCheck reads every table and index. It goes by table because the check
// of the whole file also compares the full-text index word by word, which takes
// most of the time of a large database's start.
func quickCheck(ctx context.Context, conn *sql.DB) error {
	tables, err := column(ctx, conn, "SELECT 'sqlite_schema' UNION ALL SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0")
	if err != nil {
		return asDamage(err)
	}
	for _, table := range tables {
		lines, err := column(ctx, conn, "SELECT quick_check FROM pragma_quick_check(?)", table)
		if err != nil {
			return asDamage(err)
		}
		for _, line := range lines {
			if line != "ok" {
				return &damagedError{what: line}
			}
		}
	}
	return nil
}

// column gives the texts of a query's only column.
func column(ctx context.Context, conn *sql.DB, query string, args ...any) (all []string, err error) {
	rows, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

func asDamage(err error) error {
	if e, ok := errors.AsType[sqlite3.Error](err); ok && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB) {
		return &damagedError{what: e.Error()}
	}
	return err
}

// explain adds what the user can do to errors of SQLite and the file system.
func explain(path string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*errs.Error](err); ok {
		if e.Detail == "" {
			e.Detail = path
		}
		return e
	}
	if e, ok := errors.AsType[*damagedError](err); ok {
		return errs.New(errs.Database, 500, "The database is damaged (%s).", e.what).At(path).
			Try("quit Qwill and start it again: it sets the damaged file aside").Because(err)
	}
	out := errs.New(errs.Database, 500, "The database cannot be used: %v.", err).At(path).Because(err)
	if e, ok := errors.AsType[sqlite3.Error](err); ok {
		if e.SystemErrno == syscall.ENOSPC { // SQLite calls it an I/O error where it maps files
			e.Code = sqlite3.ErrFull
		}
		switch e.Code {
		case sqlite3.ErrBusy, sqlite3.ErrLocked:
			out.Code, out.Status, out.Message = errs.DatabaseLock, 503, "Another program holds the database."
			return out.Try("close the program that uses it and try again")
		case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrCantOpen:
			out.Code = errs.ReadOnly
			return out.Try("make the file and its folder writable for you (%s)", filepath.Dir(path))
		case sqlite3.ErrFull:
			out.Code, out.Status, out.Message = errs.DiskFull, 507, "The disk is full."
			return out.Try("free some space on the disk; nothing that was saved is lost")
		}
	}
	return out.Try("see: qwill doctor")
}

// wrap gives errors of a query their sentence.
func (db *DB) wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return explain(db.path, fmt.Errorf("%s: %w", doing, err))
}
