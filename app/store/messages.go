package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"qwill/app/chat"
	"qwill/app/errs"
)

// readPath reads all of a chat's nodes, and the messages up to head.
func readPath(ctx context.Context, q *sql.Conn, id, head string) ([]chat.Node, []chat.Message, error) {
	nodes, seqs, err := readNodes(ctx, q, id)
	if err != nil {
		return nil, nil, err
	}
	tree := chat.NewTree(nodes)
	path := tree.Path(head)
	wanted := make([]int64, len(path))
	for i, id := range path {
		wanted[i] = seqs[id]
	}
	list, err := json.Marshal(wanted)
	if err != nil {
		return nil, nil, err
	}
	rows, err := q.QueryContext(ctx, `SELECT id, coalesce(parent, ''), role, content, reasoning, status, error, created, model, reasoning_ms, stats
		FROM messages WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq`, string(list))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	messages := make([]chat.Message, 0, len(path))
	for rows.Next() {
		m, err := scanMessage(rows)
		if err != nil {
			return nil, nil, err
		}
		tree.Place(&m)
		messages = append(messages, m)
	}
	return nodes, messages, rows.Err()
}

func readNodes(ctx context.Context, q *sql.Conn, id string) (nodes []chat.Node, seqs map[string]int64, err error) {
	rows, err := q.QueryContext(ctx, "SELECT seq, id, coalesce(parent, '') FROM messages WHERE chat = ? ORDER BY seq", id)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	seqs = map[string]int64{}
	for rows.Next() {
		var n chat.Node
		var seq int64
		if err := rows.Scan(&seq, &n.ID, &n.Parent); err != nil {
			return nil, nil, err
		}
		nodes = append(nodes, n)
		seqs[n.ID] = seq
	}
	return nodes, seqs, rows.Err()
}

func scanMessage(row scanner) (m chat.Message, err error) {
	var created int64
	var failure, stats sql.NullString
	if err := row.Scan(&m.ID, &m.Parent, &m.Role, &m.Content, &m.Reasoning, &m.Status, &failure, &created, &m.Model, &m.ReasoningMS, &stats); err != nil {
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

// Append saves a chat's own fields and adds messages; sent clears its draft.
func (db *DB) Append(ctx context.Context, c chat.Chat, sent bool, add ...chat.Message) error {
	return db.wrap("save messages", db.change(ctx, func(tx *sql.Tx) error {
		if err := putChat(ctx, tx, c); err != nil {
			return err
		}
		if sent {
			if _, err := tx.ExecContext(ctx, "UPDATE chats SET draft = '' WHERE id = ? AND draft <> ''", c.ID); err != nil {
				return err
			}
		}
		for _, m := range add {
			if err := addMessage(ctx, tx, c.ID, m); err != nil {
				return err
			}
		}
		return nil
	}))
}

func addMessage(ctx context.Context, tx *sql.Tx, id string, m chat.Message) error {
	failure, stats, err := encode(m)
	if err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `INSERT INTO messages (id, chat, parent, role, content, reasoning, status, error, created, model, reasoning_ms, stats)
		VALUES (?,?,nullif(?,''),?,?,?,?,?,?,?,?,?)`, m.ID, id, m.Parent, m.Role, m.Content, m.Reasoning, m.Status, failure, millis(m.Created), m.Model, m.ReasoningMS, stats)
	if err != nil || m.Status.Running() {
		return err
	}
	seq, err := res.LastInsertId()
	if err != nil {
		return err
	}
	return putWords(ctx, tx, seq, m.Content)
}

// RemoveMessages saves a chat's own fields and erases messages of it.
func (db *DB) RemoveMessages(ctx context.Context, c chat.Chat, ids []string) error {
	err := db.wrap("delete messages", db.change(ctx, func(tx *sql.Tx) error {
		if err := putChat(ctx, tx, c); err != nil {
			return err
		}
		for _, id := range slices.Backward(ids) { // what follows goes first
			if _, err := tx.ExecContext(ctx, "DELETE FROM messages WHERE id = ? AND chat = ?", id, c.ID); err != nil {
				return err
			}
		}
		return nil
	}))
	if err == nil {
		db.forget(ctx)
	}
	return err
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

// SaveReply rewrites a reply's text, status, error and figures; its words are
// found once it has ended. A reply that was erased meanwhile is no error.
func (db *DB) SaveReply(ctx context.Context, m chat.Message) error {
	return db.wrap("save reply", db.change(ctx, func(tx *sql.Tx) error { return saveReply(ctx, tx, m) }))
}

// Reopen saves a chat's own fields and a reply of it that is to go on.
func (db *DB) Reopen(ctx context.Context, c chat.Chat, m chat.Message) error {
	return db.wrap("save reply", db.change(ctx, func(tx *sql.Tx) error {
		if err := putChat(ctx, tx, c); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE messages SET model = ? WHERE id = ?", m.Model, m.ID); err != nil {
			return err
		}
		return saveReply(ctx, tx, m)
	}))
}

func saveReply(ctx context.Context, tx *sql.Tx, m chat.Message) error {
	failure, stats, err := encode(m)
	if err != nil {
		return err
	}
	var seq int64
	err = tx.QueryRowContext(ctx, "UPDATE messages SET content = ?, reasoning = ?, status = ?, error = ?, reasoning_ms = ?, stats = ? WHERE id = ? RETURNING seq",
		m.Content, m.Reasoning, m.Status, failure, m.ReasoningMS, stats, m.ID).Scan(&seq)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil || m.Status.Running():
		return err
	}
	return putWords(ctx, tx, seq, m.Content)
}

// InterruptReplies marks replies that were queued or being written; their text
// stays.
func (db *DB) InterruptReplies(ctx context.Context, why errs.Error) (n int, err error) {
	reason, err := json.Marshal(why)
	if err != nil {
		return 0, err
	}
	err = db.change(ctx, func(tx *sql.Tx) error {
		left, err := texts(ctx, tx, "SELECT seq, content FROM messages WHERE status IN ('queued', 'writing')")
		if err != nil {
			return err
		}
		n = len(left)
		for _, t := range left {
			if _, err := tx.ExecContext(ctx, "UPDATE messages SET status = ?, error = ? WHERE seq = ?", chat.Interrupted, string(reason), t.row); err != nil {
				return err
			}
			if err := putWords(ctx, tx, t.row, t.text); err != nil {
				return err
			}
		}
		return nil
	})
	return n, db.wrap("mark interrupted replies", err)
}

// text is a text and the row it stands in.
type text struct {
	row  int64
	text string
}

func texts(ctx context.Context, tx *sql.Tx, query string, args ...any) (all []text, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t text
		if err := rows.Scan(&t.row, &t.text); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}
