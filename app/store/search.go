package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"

	"github.com/mattn/go-sqlite3"

	"qwill/app/chat"
	"qwill/app/search"
)

// rankLimit is the number of hits up to which they are ranked; to rank more
// takes longer than a keystroke, and then the newest come first.
const rankLimit = 2000

// Search finds titles, then messages, best first: by BM25, or the newest where
// there are more than rankLimit.
func (db *DB) Search(ctx context.Context, q search.Query, limit int) ([]chat.Hit, error) {
	hits := []chat.Hit{}
	if q.Empty() || limit <= 0 {
		return hits, nil
	}
	err := db.read(ctx, func(conn *sql.Conn) error {
		hits = hits[:0]
		if err := db.titleHits(ctx, conn, q, limit, &hits); err != nil {
			return err
		}
		return db.messageHits(ctx, conn, q, limit, &hits)
	})
	return hits, db.wrap("search chats", err)
}

func (db *DB) titleHits(ctx context.Context, conn *sql.Conn, q search.Query, limit int, hits *[]chat.Hit) error {
	rows, err := conn.QueryContext(ctx, "SELECT "+summaryColumns+` FROM title_words w CROSS JOIN chat_titles t ON t.number = w.rowid
		CROSS JOIN chats c ON c.id = t.chat WHERE w.words MATCH ? AND c.deleted IS NULL ORDER BY w.rank, c.updated DESC LIMIT ?`, q.FTS(), limit)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h chat.Hit
		if err := db.scanSummary(rows, &h.Chat); err != nil {
			return err
		}
		h.Parts = q.Excerpt(h.Chat.Title, true)
		*hits = append(*hits, h)
	}
	return rows.Err()
}

func (db *DB) messageHits(ctx context.Context, conn *sql.Conn, q search.Query, limit int, hits *[]chat.Hit) error {
	match := q.FTS()
	var n int
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM message_words WHERE words MATCH ? LIMIT ?)", match, rankLimit+1).Scan(&n); err != nil {
		return err
	}
	order := "w.rank"
	if n > rankLimit {
		order = "w.rowid DESC"
	}
	rows, err := conn.QueryContext(ctx, "SELECT "+summaryColumns+`, m.id, m.role, m.content FROM message_words w CROSS JOIN messages m ON m.seq = w.rowid
		CROSS JOIN chats c ON c.id = m.chat WHERE w.words MATCH ? AND c.deleted IS NULL ORDER BY `+order+" LIMIT ?", match, limit-len(*hits))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h chat.Hit
		var content string
		if err := db.scanSummary(rows, &h.Chat, &h.Message, &h.Role, &content); err != nil {
			return err
		}
		h.Parts = q.Excerpt(content, false)
		*hits = append(*hits, h)
	}
	return rows.Err()
}

// putWords makes a message's words those of its content.
func putWords(ctx context.Context, tx *sql.Tx, seq int64, content string) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM message_words WHERE rowid = ?", seq); err != nil {
		return err
	}
	words := search.Tokens(content)
	if words == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO message_words (rowid, words) VALUES (?, ?)", seq, words)
	return err
}

// putTitle makes a chat's title findable.
func putTitle(ctx context.Context, tx *sql.Tx, id, title string) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM chat_titles WHERE chat = ?", id); err != nil { // its words follow
		return err
	}
	words := search.Tokens(title)
	if words == "" {
		return nil
	}
	res, err := tx.ExecContext(ctx, "INSERT INTO chat_titles (chat) VALUES (?)", id)
	if err != nil {
		return err
	}
	number, err := res.LastInsertId()
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO title_words (rowid, words) VALUES (?, ?)", number, words)
	return err
}

// ensureWords builds the index where it is missing, as after the migration that
// made it, or was built by another cutting of words.
func ensureWords(ctx context.Context, conn *sql.DB) error {
	if built, err := wordsBuilt(ctx, conn); err != nil || built {
		return asDamage(err)
	}
	db := DB{sql: conn}
	return asDamage(db.change(ctx, func(tx *sql.Tx) error {
		if built, err := wordsBuilt(ctx, tx); err != nil || built {
			return err // by another process, meanwhile
		}
		return buildWords(ctx, tx)
	}))
}

func wordsBuilt(ctx context.Context, q querier) (bool, error) {
	var version int
	err := q.QueryRowContext(ctx, "SELECT version FROM words_version").Scan(&version)
	return version == search.Version, err
}

// mend builds the index anew when err says that it is damaged, and says whether
// it did: a damaged index must not keep chats from being saved. What it is
// built from was checked when the database was opened.
func (db *DB) mend(ctx context.Context, err error) bool {
	e, ok := errors.AsType[sqlite3.Error](err)
	if !ok || e.ExtendedCode != corruptIndex {
		return false
	}
	slog.Warn("the full-text index is damaged and is built anew", "error", err)
	err = db.changeOnce(ctx, func(tx *sql.Tx) error {
		for _, table := range []string{"message_words", "title_words"} {
			var create string
			if err := tx.QueryRowContext(ctx, "SELECT sql FROM sqlite_schema WHERE name = ?", table).Scan(&create); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, fmt.Sprintf("DROP TABLE %[1]s; %[2]s; INSERT INTO %[1]s (%[1]s, rank) VALUES ('secure-delete', 1)", table, create)); err != nil {
				return err
			}
		}
		return buildWords(ctx, tx)
	})
	if err != nil {
		slog.Error("the full-text index cannot be built anew", "error", err)
	}
	return err == nil
}

// corruptIndex is SQLITE_CORRUPT_VTAB, which FTS5 reports.
var corruptIndex = sqlite3.ErrCorrupt.Extend(1)

func buildWords(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM message_words; DELETE FROM chat_titles"); err != nil {
		return err
	}
	for last := int64(0); ; { // some at a time: they may be long
		batch, err := texts(ctx, tx, "SELECT seq, content FROM messages WHERE seq > ? AND status NOT IN ('queued', 'writing') ORDER BY seq LIMIT 100", last)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			break
		}
		for _, t := range batch {
			if err := putWords(ctx, tx, t.row, t.text); err != nil {
				return err
			}
			last = t.row
		}
	}
	titles := map[string]string{}
	rows, err := tx.QueryContext(ctx, "SELECT id, title FROM chats")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, title string
		if err := rows.Scan(&id, &title); err != nil {
			return err
		}
		titles[id] = title
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for id, title := range titles {
		if err := putTitle(ctx, tx, id, title); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, "UPDATE words_version SET version = ?", search.Version)
	return err
}
