package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"qwill/app/errs"
	"qwill/app/models"
	"qwill/app/models/pull"
)

const jobColumns = "id, repo, asked, revision, licence, name, source, state, wanted, error, created, updated"

// Jobs lists the downloads in the queue's order.
func (db *DB) Jobs(ctx context.Context) ([]pull.Job, error) {
	all, err := db.jobs(ctx, "")
	return all, db.wrap("list downloads", err)
}

// Job gives one; an unknown id is errs.JobUnknown.
func (db *DB) Job(ctx context.Context, id string) (pull.Job, error) {
	all, err := db.jobs(ctx, " WHERE id = ?", id)
	if err != nil {
		return pull.Job{}, db.wrap("read a download", err)
	}
	if len(all) == 0 {
		return pull.Job{}, pull.ErrUnknown(id)
	}
	return all[0], nil
}

func (db *DB) jobs(ctx context.Context, where string, args ...any) ([]pull.Job, error) {
	all := []pull.Job{}
	err := db.read(ctx, func(q *sql.Conn) error {
		rows, err := q.QueryContext(ctx, "SELECT "+jobColumns+" FROM jobs"+where+" ORDER BY seq", args...)
		if err != nil {
			return err
		}
		for rows.Next() {
			var j pull.Job
			var failure sql.NullString
			var created, updated int64
			if err := rows.Scan(&j.ID, &j.Repo, &j.Asked, &j.Commit, &j.Licence, &j.Name, &j.Source, &j.State, &j.Wanted, &failure, &created, &updated); err != nil {
				rows.Close()
				return err
			}
			if failure.Valid {
				e := &errs.Error{}
				if json.Unmarshal([]byte(failure.String), e) == nil {
					j.Error = e
				}
			}
			j.Created, j.Updated = time.UnixMilli(created).UTC(), time.UnixMilli(updated).UTC()
			all = append(all, j)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for i := range all {
			if all[i].Files, err = jobFiles(ctx, q, all[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	return all, err
}

func jobFiles(ctx context.Context, q *sql.Conn, id string) ([]pull.File, error) {
	rows, err := q.QueryContext(ctx, "SELECT path, bytes, sha256, git_sha1, done, have, verified FROM job_files WHERE job = ? ORDER BY bytes, path", id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	files := []pull.File{}
	for rows.Next() {
		var f pull.File
		if err := rows.Scan(&f.Path, &f.Bytes, &f.SHA256, &f.GitSHA1, &f.Done, &f.Have, &f.Verified); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, rows.Err()
}

// AddJob puts a download at the queue's end.
func (db *DB) AddJob(ctx context.Context, j pull.Job) error {
	now := time.Now().UnixMilli()
	_, err := db.sql.ExecContext(ctx, "INSERT INTO jobs ("+jobColumns+") VALUES (?,?,?,?,?,?,?,?,?,NULL,?,?)",
		j.ID, j.Repo, j.Asked, j.Commit, j.Licence, j.Name, j.Source, j.State, j.Wanted, now, now)
	return db.wrap("add a download", err)
}

// SaveJob keeps state, commit, licence and error.
func (db *DB) SaveJob(ctx context.Context, j pull.Job) error {
	var failure any
	if j.Error != nil {
		b, err := json.Marshal(j.Error)
		if err != nil {
			return err
		}
		failure = string(b)
	}
	_, err := db.sql.ExecContext(ctx, "UPDATE jobs SET state = ?, revision = ?, licence = ?, error = ?, updated = ? WHERE id = ?",
		j.State, j.Commit, j.Licence, failure, time.Now().UnixMilli(), j.ID)
	return db.wrap("save a download", err)
}

// MoveJob lets the next work on a download list it anew at a hub. What is on
// the disk stays recorded.
func (db *DB) MoveJob(ctx context.Context, id, source string) error {
	_, err := db.sql.ExecContext(ctx, "UPDATE jobs SET source = ?, revision = '', updated = ? WHERE id = ?", source, time.Now().UnixMilli(), id)
	return db.wrap("move a download", err)
}

// WantJob keeps what is wanted of a download.
func (db *DB) WantJob(ctx context.Context, id, wanted string) error {
	query := "UPDATE jobs SET wanted = ?, updated = ? WHERE id = ?"
	if wanted == "run" {
		query = `UPDATE jobs SET wanted = ?, updated = ?, error = NULL,
			state = CASE WHEN state IN ('paused', 'failed') THEN 'queued' ELSE state END WHERE id = ?`
	}
	res, err := db.sql.ExecContext(ctx, query, wanted, time.Now().UnixMilli(), id)
	if err != nil {
		return db.wrap("change a download", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return pull.ErrUnknown(id)
	}
	return nil
}

// SetJobFiles replaces a download's files.
func (db *DB) SetJobFiles(ctx context.Context, id string, files []pull.File) error {
	return db.wrap("save a download's files", db.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM job_files WHERE job = ?", id); err != nil {
			return err
		}
		for _, f := range files {
			if _, err := tx.ExecContext(ctx, "INSERT INTO job_files (job, path, bytes, sha256, git_sha1, done, have, verified) VALUES (?,?,?,?,?,?,?,?)",
				id, f.Path, f.Bytes, f.SHA256, f.GitSHA1, f.Done, f.Have, f.Verified); err != nil {
				return err
			}
		}
		return nil
	}))
}

// SaveJobFile keeps how far one file is.
func (db *DB) SaveJobFile(ctx context.Context, id string, f pull.File) error {
	_, err := db.sql.ExecContext(ctx, "UPDATE job_files SET done = ?, have = ?, verified = ?, sha256 = ? WHERE job = ? AND path = ?", f.Done, f.Have, f.Verified, f.SHA256, id, f.Path)
	return db.wrap("save a download's progress", err)
}

// RemoveJob forgets a download.
func (db *DB) RemoveJob(ctx context.Context, id string) error {
	_, err := db.sql.ExecContext(ctx, "DELETE FROM jobs WHERE id = ?", id)
	return db.wrap("remove a download", err)
}

// PublishJob lists the model with its hashes and marks the download as done,
// all or nothing. A folder that was found and listed meanwhile is described
// anew.
func (db *DB) PublishJob(ctx context.Context, id string, m models.Model, files []models.FileHash) error {
	return db.wrap("list the downloaded model", db.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM models WHERE name = ? AND path = ?", m.Name, m.Path); err != nil {
			return err
		}
		if err := addModel(ctx, tx, m); err != nil {
			return err
		}
		if err := setModelFiles(ctx, tx, m.Name, files); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE jobs SET state = 'done', error = NULL, updated = ? WHERE id = ?", time.Now().UnixMilli(), id)
		return err
	}))
}
