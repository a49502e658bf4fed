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

// Chats lists all chats, last changed first.
func (db *DB) Chats(ctx context.Context) ([]chat.Summary, error) {
	rows, err := db.sql.QueryContext(ctx, "SELECT id, title, updated, model FROM chats ORDER BY updated DESC, id DESC")
	if err != nil {
		return nil, db.wrap("list chats", err)
	}
	defer rows.Close()
	all := []chat.Summary{}
	for rows.Next() {
		var s chat.Summary
		var updated int64
		if err := rows.Scan(&s.ID, &s.Title, &updated, &s.Model); err != nil {
			return nil, db.wrap("list chats", err)
		}
		s.Updated = moment(updated)
		all = append(all, s)
	}
	return all, db.wrap("list chats", rows.Err())
}

// Chat reads one with its messages in order.
func (db *DB) Chat(ctx context.Context, id string) (chat.Chat, error) {
	c, err := db.readChat(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return chat.Chat{}, errNoChat(id)
	}
	return c, db.wrap("read chat", err)
}

func (db *DB) readChat(ctx context.Context, id string) (c chat.Chat, err error) {
	var created, updated int64
	var sampling string
	err = db.sql.QueryRowContext(ctx, "SELECT id, title, auto_title, model, system_prompt, sampling, thinking, created, updated FROM chats WHERE id = ?", id).
		Scan(&c.ID, &c.Title, &c.AutoTitle, &c.Model, &c.SystemPrompt, &sampling, &c.Thinking, &created, &updated)
	if err != nil {
		return c, err
	}
	c.Created, c.Updated = moment(created), moment(updated)
	if err := json.Unmarshal([]byte(sampling), &c.Sampling); err != nil {
		return c, err
	}
	rows, err := db.sql.QueryContext(ctx, "SELECT id, coalesce(parent, ''), role, content, reasoning, status, error, created, model, reasoning_ms, stats FROM messages WHERE chat = ? ORDER BY seq", id)
	if err != nil {
		return c, err
	}
	defer rows.Close()
	c.Messages = []chat.Message{}
	for rows.Next() {
		m, err := scanMessage(rows)
		if err != nil {
			return c, err
		}
		c.Messages = append(c.Messages, m)
	}
	return c, rows.Err()
}

func scanMessage(rows *sql.Rows) (m chat.Message, err error) {
	var created int64
	var failure, stats sql.NullString
	if err := rows.Scan(&m.ID, &m.Parent, &m.Role, &m.Content, &m.Reasoning, &m.Status, &failure, &created, &m.Model, &m.ReasoningMS, &stats); err != nil {
		return m, err
	}
	m.Created = moment(created)
	if failure.Valid {
		if err := json.Unmarshal([]byte(failure.String), &m.Error); err != nil {
			return m, err
		}
	}
	if stats.Valid {
		if err := json.Unmarshal([]byte(stats.String), &m.Stats); err != nil {
			return m, err
		}
	}
	return m, nil
}

// PutChat creates or changes a chat's own fields.
func (db *DB) PutChat(ctx context.Context, c chat.Chat) error {
	return db.wrap("save chat", putChat(ctx, db.sql, c))
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func putChat(ctx context.Context, x execer, c chat.Chat) error {
	sampling, err := json.Marshal(c.Sampling)
	if err != nil {
		return err
	}
	_, err = x.ExecContext(ctx, `INSERT INTO chats (id, title, auto_title, model, system_prompt, sampling, thinking, created, updated)
		VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET title = excluded.title, auto_title = excluded.auto_title, model = excluded.model,
		system_prompt = excluded.system_prompt, sampling = excluded.sampling, thinking = excluded.thinking, updated = excluded.updated`,
		c.ID, c.Title, c.AutoTitle, c.Model, c.SystemPrompt, string(sampling), c.Thinking, millis(c.Created), millis(c.Updated))
	return err
}

// DeleteChat removes a chat and its messages.
func (db *DB) DeleteChat(ctx context.Context, id string) error {
	res, err := db.sql.ExecContext(ctx, "DELETE FROM chats WHERE id = ?", id)
	if err != nil {
		return db.wrap("delete chat", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errNoChat(id)
	}
	return nil
}

// Append drops the message from and all after it, then adds messages.
func (db *DB) Append(ctx context.Context, c chat.Chat, from string, add ...chat.Message) error {
	return db.wrap("save messages", db.append(ctx, c, from, add))
}

func (db *DB) append(ctx context.Context, c chat.Chat, from string, add []chat.Message) error {
	tx, err := db.sql.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := putChat(ctx, tx, c); err != nil {
		return err
	}
	if from != "" {
		if _, err := tx.ExecContext(ctx, "DELETE FROM messages WHERE chat = ? AND seq >= (SELECT seq FROM messages WHERE id = ? AND chat = ?)", c.ID, from, c.ID); err != nil {
			return err
		}
	}
	for _, m := range add {
		failure, stats, err := encode(m)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO messages (id, chat, parent, role, content, reasoning, status, error, created, model, reasoning_ms, stats)
			VALUES (?,?,nullif(?,''),?,?,?,?,?,?,?,?,?)`, m.ID, c.ID, m.Parent, m.Role, m.Content, m.Reasoning, m.Status, failure, millis(m.Created), m.Model, m.ReasoningMS, stats); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// encode gives the JSON columns; nil is NULL.
func encode(m chat.Message) (failure, stats any, err error) {
	if m.Error != nil {
		b, err := json.Marshal(m.Error)
		if err != nil {
			return nil, nil, err
		}
		failure = string(b)
	}
	if m.Stats != nil {
		b, err := json.Marshal(m.Stats)
		if err != nil {
			return nil, nil, err
		}
		stats = string(b)
	}
	return failure, stats, nil
}

// SaveReply rewrites a reply's text, status, error and figures. A reply that
// was deleted meanwhile is no error.
func (db *DB) SaveReply(ctx context.Context, m chat.Message) error {
	failure, stats, err := encode(m)
	if err == nil {
		_, err = db.sql.ExecContext(ctx, "UPDATE messages SET content = ?, reasoning = ?, status = ?, error = ?, reasoning_ms = ?, stats = ? WHERE id = ?",
			m.Content, m.Reasoning, m.Status, failure, m.ReasoningMS, stats, m.ID)
	}
	return db.wrap("save reply", err)
}

// InterruptReplies marks replies that were queued or being written; their text
// stays.
func (db *DB) InterruptReplies(ctx context.Context, why errs.Error) (int, error) {
	reason, err := json.Marshal(why)
	if err != nil {
		return 0, err
	}
	res, err := db.sql.ExecContext(ctx, "UPDATE messages SET status = ?, error = ? WHERE status IN ('queued', 'writing')", chat.Interrupted, string(reason))
	if err != nil {
		return 0, db.wrap("mark interrupted replies", err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}
