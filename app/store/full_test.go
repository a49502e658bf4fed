package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"qwill/app/chat"
	"qwill/app/errs"
)

// dump is everything in the tables of chats, and in the index.
func dump(t *testing.T, db *DB) string {
	t.Helper()
	var b strings.Builder
	for _, table := range []string{"chats", "messages", "folders", "presets", "new_chat", "chat_titles", "message_words", "title_words", "words_version"} {
		rows, err := db.sql.Query("SELECT rowid, * FROM " + table + " ORDER BY rowid")
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			row := make([]any, len(columns))
			for i := range row {
				row[i] = new(sql.NullString)
			}
			if err := rows.Scan(row...); err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(&b, table)
			for _, v := range row {
				fmt.Fprintf(&b, " %q", v.(*sql.NullString).String)
			}
			fmt.Fprintln(&b)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	return b.String()
}

// A disk that is full after any number of pages leaves every call's old state
// or its new one, and says so.
func TestFullDiskInAnyCall(t *testing.T) {
	ctx := context.Background()
	long := strings.Repeat("many different words: 海港 harbour fog sea salt ", 600)
	at := time.UnixMilli(1)
	c, all := example("a", 4)
	why := *errs.New(errs.Interrupted, 0, "ended")
	preset := chat.Preset{ID: "p", Name: "P", SystemPrompt: long, Created: at}
	for name, call := range map[string]func(db *DB) error{
		"PutChat":          func(db *DB) error { c := c; c.Title, c.SystemPrompt = "renamed", long; return db.PutChat(ctx, c) },
		"PutChat of a new": func(db *DB) error { c := c; c.ID, c.SystemPrompt = "b", long; return db.PutChat(ctx, c) },
		"Append": func(db *DB) error {
			c := c
			c.Title = "renamed"
			return db.Append(ctx, c, true, message("x", all[3].ID, chat.User, long), message("y", "x", chat.Assistant, long))
		},
		"SaveReply": func(db *DB) error { m := all[3]; m.Content = long; return db.SaveReply(ctx, m) },
		"Reopen": func(db *DB) error {
			c, m := c, all[3]
			c.Title, m.Content = "renamed", long
			return db.Reopen(ctx, c, m)
		},
		"RemoveMessages": func(db *DB) error {
			c := c
			c.SystemPrompt = long
			return db.RemoveMessages(ctx, c, []string{all[2].ID, all[3].ID})
		},
		"InterruptReplies": func(db *DB) error { _, err := db.InterruptReplies(ctx, why); return err },
		"SetDraft":         func(db *DB) error { return db.SetDraft(ctx, "a", long) },
		"SetNewDraft":      func(db *DB) error { return db.SetNewDraft(ctx, long) },
		"FileChats":        func(db *DB) error { f, p := "f", true; return db.FileChats(ctx, []string{"a", "w"}, &f, &p) },
		"DeleteChats":      func(db *DB) error { return db.DeleteChats(ctx, []string{"a", "w"}, at) },
		"RestoreChats":     func(db *DB) error { return db.RestoreChats(ctx, []string{"d"}) },
		"EraseDeleted":     func(db *DB) error { _, err := db.EraseDeleted(ctx, at); return err },
		"EraseChats":       func(db *DB) error { return db.EraseChats(ctx, []string{"a", "w"}) },
		"PutFolder":        func(db *DB) error { return db.PutFolder(ctx, chat.Folder{ID: "g", Name: long, Created: at}) },
		"DeleteFolder":     func(db *DB) error { return db.DeleteFolder(ctx, "f") },
		"PutPreset":        func(db *DB) error { return db.PutPreset(ctx, preset) },
		"DeletePreset":     func(db *DB) error { return db.DeletePreset(ctx, "q") },
		"the index": func(db *DB) error {
			return db.change(ctx, func(tx *sql.Tx) error { return buildWords(ctx, tx) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := OpenMemory(ctx) // one connection, whose limit holds for all calls
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			w, writing := example("w", 2)
			writing[1].Status, writing[1].Content = chat.Writing, long
			d, gone := example("d", 2)
			for _, err := range []error{
				db.PutFolder(ctx, chat.Folder{ID: "f", Name: "F", Created: at}), db.PutPreset(ctx, chat.Preset{ID: "q", Name: "Q", Created: at}),
				db.Append(ctx, c, false, all...), db.Append(ctx, w, false, writing...), db.Append(ctx, d, false, gone...),
				db.SetDraft(ctx, "a", "draft"), db.DeleteChats(ctx, []string{"d"}, at),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
			if name == "the index" {
				if _, err := db.sql.Exec("DELETE FROM message_words; DELETE FROM chat_titles"); err != nil {
					t.Fatal(err)
				}
			}
			before := dump(t, db)
			var pages int
			if err := db.sql.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
				t.Fatal(err)
			}
			refused := 0
			for extra := 0; ; extra++ {
				if _, err := db.sql.Exec(fmt.Sprintf("PRAGMA max_page_count=%d", pages+extra)); err != nil {
					t.Fatal(err)
				}
				err := call(db)
				if err == nil {
					break
				}
				refused++
				if e, ok := err.(*errs.Error); ok && e.Code != errs.DiskFull || name != "the index" && !ok || extra > 500 {
					t.Fatalf("with %d more pages: %v", extra, err)
				}
				if after := dump(t, db); after != before {
					t.Fatalf("with %d more pages half of the call stayed:\n%s\nbefore:\n%s", extra, after, before)
				}
			}
			t.Logf("refused with up to %d more pages", refused)
			if after := dump(t, db); after == before {
				t.Error("the call did nothing")
			}
			if name != "the index" {
				wantIndex(t, db)
			}
			if err := db.Check(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}
