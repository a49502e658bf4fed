package store

import (
	"context"
	"database/sql"
	"errors"

	"qwill/app/chat"
)

// Messages reads all messages of a chat, of every branch, in the order of
// their creation.
func (db *DB) Messages(ctx context.Context, id string) ([]chat.Message, error) {
	rows, err := db.sql.QueryContext(ctx, `SELECT id, coalesce(parent, ''), role, content, reasoning, status, error, created, model, reasoning_ms, stats
		FROM messages WHERE chat = ? ORDER BY seq`, id)
	if err != nil {
		return nil, db.wrap("read messages", err)
	}
	defer rows.Close()
	var all []chat.Message
	for rows.Next() {
		m, err := scanMessage(rows)
		if err != nil {
			return nil, db.wrap("read messages", err)
		}
		all = append(all, m)
	}
	return all, db.wrap("read messages", rows.Err())
}

// HasChat reports whether an id is taken by a chat; one that was deleted and
// can still be restored counts.
func (db *DB) HasChat(ctx context.Context, id string) (bool, error) {
	return db.has(ctx, "SELECT 1 FROM chats WHERE id = ?", id)
}

// HasMessage reports whether an id is taken by a message of any chat.
func (db *DB) HasMessage(ctx context.Context, id string) (bool, error) {
	return db.has(ctx, "SELECT 1 FROM messages WHERE id = ?", id)
}

func (db *DB) has(ctx context.Context, query, id string) (bool, error) {
	var one int
	err := db.sql.QueryRowContext(ctx, query, id).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, db.wrap("look up an id", err)
}

// AdoptChats stores chats that were made elsewhere, each with its messages, all
// or none.
func (db *DB) AdoptChats(ctx context.Context, all []chat.Adopted) error {
	return db.wrap("import chats", db.change(ctx, func(tx *sql.Tx) error {
		for _, a := range all {
			if err := putChat(ctx, tx, a.Chat); err != nil {
				return err
			}
			for _, m := range a.Messages {
				if err := addMessage(ctx, tx, a.Chat.ID, m); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}
