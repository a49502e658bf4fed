package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"qwill/app/chat"
	"qwill/app/errs"
)

func errNoChat(id string) *errs.Error {
	return errs.New(errs.NotFound, 404, "There is no such chat.").At(id)
}

func millis(t time.Time) int64  { return t.UnixMilli() }
func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// summaryColumns are those that scanSummary reads, of chats AS c.
const summaryColumns = "c.id, c.title, c.updated, c.model, c.pinned, coalesce(c.folder, ''), c.door"

type scanner interface{ Scan(into ...any) error }

// scanSummary reads summaryColumns and what follows them.
func (db *DB) scanSummary(row scanner, s *chat.Summary, more ...any) error {
	var updated int64
	err := row.Scan(append([]any{&s.ID, &s.Title, &updated, &s.Model, &s.Pinned, &s.Folder, &s.Door}, more...)...)
	s.Updated, s.Temporary = moment(updated), db.temporary
	return err
}

// Chats lists all chats, last changed first.
func (db *DB) Chats(ctx context.Context) ([]chat.Summary, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT "+summaryColumns+" FROM chats c WHERE c.deleted IS NULL ORDER BY c.updated DESC, c.id DESC")
	if err != nil {
		return nil, db.wrap("list chats", err)
	}
	defer rows.Close()
	all := []chat.Summary{}
	for rows.Next() {
		var s chat.Summary
		if err := db.scanSummary(rows, &s); err != nil {
			return nil, db.wrap("list chats", err)
		}
		all = append(all, s)
	}
	return all, db.wrap("list chats", rows.Err())
}

// Chat reads one with the messages of the branch that is shown.
func (db *DB) Chat(ctx context.Context, id string) (c chat.Chat, err error) {
	err = db.read(ctx, func(q *sql.Conn) error {
		if c, err = db.readFields(ctx, q, id); err != nil {
			return err
		}
		c.Nodes, c.Messages, err = readPath(ctx, q, id, c.Head)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Chat{}, errNoChat(id)
	}
	return c, db.wrap("read chat", err)
}

// Path reads the messages from a chat's first to the one named.
func (db *DB) Path(ctx context.Context, id, head string) (path []chat.Message, err error) {
	err = db.read(ctx, func(q *sql.Conn) error {
		_, path, err = readPath(ctx, q, id, head)
		return err
	})
	return path, db.wrap("read chat", err)
}

func (db *DB) readFields(ctx context.Context, q querier, id string) (c chat.Chat, err error) {
	var created int64
	var sampling string
	row := q.QueryRowContext(ctx, "SELECT "+summaryColumns+", c.auto_title, c.system_prompt, c.sampling, c.thinking, c.created, c.draft, coalesce(c.head, '') FROM chats c WHERE c.id = ? AND c.deleted IS NULL", id)
	if err := db.scanSummary(row, &c.Summary, &c.AutoTitle, &c.SystemPrompt, &sampling, &c.Thinking, &created, &c.Draft, &c.Head); err != nil {
		return c, err
	}
	c.Created = moment(created)
	return c, json.Unmarshal([]byte(sampling), &c.Sampling)
}

// PutChat creates a chat or changes its own fields, but not the draft.
func (db *DB) PutChat(ctx context.Context, c chat.Chat) error {
	return db.wrap("save chat", db.change(ctx, func(tx *sql.Tx) error { return putChat(ctx, tx, c) }))
}

func putChat(ctx context.Context, tx *sql.Tx, c chat.Chat) error {
	sampling, err := json.Marshal(c.Sampling)
	if err != nil {
		return err
	}
	if c.Door == "" {
		c.Door = chat.DoorChat
	}
	var title sql.NullString
	if err := tx.QueryRowContext(ctx, "SELECT title FROM chats WHERE id = ?", c.ID).Scan(&title); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO chats (id, title, auto_title, model, system_prompt, sampling, thinking, created, updated, pinned, folder, door, head, draft)
		VALUES (?,?,?,?,?,?,?,?,?,?,nullif(?,''),?,nullif(?,''),?) ON CONFLICT (id) DO UPDATE SET title = excluded.title, auto_title = excluded.auto_title,
		model = excluded.model, system_prompt = excluded.system_prompt, sampling = excluded.sampling, thinking = excluded.thinking,
		updated = excluded.updated, pinned = excluded.pinned, folder = excluded.folder, head = excluded.head`,
		c.ID, c.Title, c.AutoTitle, c.Model, c.SystemPrompt, string(sampling), c.Thinking, millis(c.Created), millis(c.Updated),
		c.Pinned, c.Folder, c.Door, c.Head, c.Draft); err != nil {
		return err
	}
	if title.Valid && title.String == c.Title {
		return nil
	}
	return putTitle(ctx, tx, c.ID, c.Title)
}

// FileChats changes where chats are listed.
func (db *DB) FileChats(ctx context.Context, ids []string, folder *string, pinned *bool) error {
	return db.each(ctx, "file chats", "UPDATE chats SET folder = CASE WHEN ?2 THEN nullif(?3, '') ELSE folder END, pinned = coalesce(?4, pinned) WHERE id = ?1 AND deleted IS NULL",
		ids, folder != nil, folder, pinned)
}

// each runs a statement for every chat named, all or none; one that concerns no
// chat ends it with NotFound. The statement's ?1 is the id.
func (db *DB) each(ctx context.Context, doing, statement string, ids []string, args ...any) error {
	return db.wrap(doing, db.change(ctx, func(tx *sql.Tx) error {
		st, err := tx.PrepareContext(ctx, statement)
		if err != nil {
			return err
		}
		defer st.Close()
		for _, id := range ids {
			res, err := st.ExecContext(ctx, append([]any{id}, args...)...)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil || n == 0 {
				return errors.Join(err, errNoChat(id))
			}
		}
		return nil
	}))
}

// SetDraft keeps what was typed in a chat and not sent.
func (db *DB) SetDraft(ctx context.Context, id, text string) error {
	return db.each(ctx, "save draft", "UPDATE chats SET draft = ?2 WHERE id = ?1 AND deleted IS NULL", []string{id}, text)
}
