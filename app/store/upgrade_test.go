package store

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"qwill/app/chat"
	"qwill/app/search"
)

// old writes a database as the first schema had it: chats whose messages form
// one line.
func old(t *testing.T, path string, chats, n int) {
	t.Helper()
	conn, err := openRaw(path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	scripts, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	if err := migrateTo(t.Context(), conn, scripts[:1]); err != nil {
		t.Fatal(err)
	}
	tx, err := conn.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for i := range chats {
		if _, err := tx.Exec("INSERT INTO chats VALUES (?,?,1,'m','be kind','{\"top_k\":3}',1,?,?)", fmt.Sprint("c", i), fmt.Sprint("Talk ", i), 1000+i, 2000+i); err != nil {
			t.Fatal(err)
		}
		var parent any
		for k := range n {
			id := fmt.Sprintf("m%d-%d", i, k)
			status := "done"
			if k == n-1 {
				status = "writing" // the process was killed
			}
			if _, err := tx.Exec("INSERT INTO messages (id, chat, parent, role, content, reasoning, status, error, created, model, reasoning_ms, stats) VALUES (?,?,?,?,?,'hm',?,?,?,'m',7,?)",
				id, fmt.Sprint("c", i), parent, []string{"user", "assistant"}[k%2], fmt.Sprintf("word%d of talk%d 海港", k, i), status, `{"code":"engine_crashed","message":"died"}`, 3000+k, `{"finish":"stop","seed":"9"}`); err != nil {
				t.Fatal(err)
			}
			parent = id
		}
	}
	if _, err := tx.Exec("INSERT INTO settings VALUES ('theme', '\"dark\"')"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// openRaw opens a file without migrating it.
func openRaw(path string) (*sql.DB, error) {
	return sql.Open(driverName, plainDSN(path)+"?_foreign_keys=on&_txlock=immediate&_journal_mode=WAL")
}

// Everything that an older Qwill wrote is there, in order, and found; deep
// chats too, whose messages each hang on the one before.
func TestOlderDatabaseOpens(t *testing.T) {
	ctx := t.Context()
	path, backups := place(t)
	const deep = 1200 // beyond SQLite's limit of nested cascades
	old(t, path, 3, deep)
	db, notice := open(t, path, backups)
	if notice != nil {
		t.Fatal(notice)
	}
	all, err := db.Chats(ctx)
	if err != nil || len(all) != 3 || all[0].ID != "c2" || all[0].Pinned || all[0].Folder != "" || all[0].Door != chat.DoorChat {
		t.Fatalf("%+v %v", all, err)
	}
	c, err := db.Chat(ctx, "c1")
	if err != nil || len(c.Messages) != deep || c.Title != "Talk 1" || *c.Sampling.TopK != 3 || c.SystemPrompt != "be kind" || !c.Thinking || !c.AutoTitle {
		t.Fatalf("%d messages, %+v %v", len(c.Messages), c.Summary, err)
	}
	for k, m := range c.Messages {
		if m.ID != fmt.Sprintf("m1-%d", k) || m.Content != fmt.Sprintf("word%d of talk1 海港", k) || m.Branch.Count != 1 || m.Stats.Seed != "9" || m.Error == nil ||
			m.ReasoningMS != 7 || m.Reasoning != "hm" || m.Created.UnixMilli() != int64(3000+k) || k > 0 && m.Parent != c.Messages[k-1].ID {
			t.Fatalf("message %d is %+v", k, m)
		}
	}
	if got := fmt.Sprint(find(t, db, "word17 talk2")); got != "[m2-17]" {
		t.Errorf("found %s", got)
	}
	if got := find(t, db, "海港"); len(got) != 50 {
		t.Errorf("found %d", len(got))
	}
	if got := fmt.Sprint(find(t, db, "talk 0")); got != "[Tc0]" {
		t.Errorf("found %s", got)
	}
	wantIndex(t, db)
	if set, err := db.ReadSettings(ctx); err != nil || string(set["theme"]) != `"dark"` {
		t.Errorf("%v %v", set, err)
	}
	if err := db.Check(ctx); err != nil {
		t.Error(err)
	}

	// What is added goes on from there, and all of it can go.
	if err := db.Append(ctx, c, false, message("new", c.Messages[9].ID, chat.User, "branch")); err != nil {
		t.Fatal(err)
	}
	c.Head = "new"
	if err := db.PutChat(ctx, c); err != nil {
		t.Fatal(err)
	}
	if got, err := db.Chat(ctx, "c1"); err != nil || len(got.Messages) != 11 || got.Messages[10].Branch.Index != 2 || len(got.Nodes) != deep+1 {
		t.Errorf("%d messages (%v)", len(got.Messages), err)
	}
	started := time.Now()
	if err := db.DeleteChats(ctx, []string{"c1"}, time.UnixMilli(5)); err != nil {
		t.Fatal(err)
	}
	if n, err := db.EraseDeleted(ctx, time.UnixMilli(5)); err != nil || n != 1 {
		t.Errorf("%d %v", n, err)
	}
	if err := db.EraseChats(ctx, []string{"c0", "c2"}); err != nil {
		t.Fatal(err)
	}
	t.Logf("erased in %v", time.Since(started))
	var left int
	if err := db.sql.QueryRow("SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM message_words) + (SELECT count(*) FROM chat_titles) + (SELECT count(*) FROM title_words)").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d rows are left (%v)", left, err)
	}
}

// An index that was cut otherwise, or is not there, is built when the database
// opens; a kill in between leaves the one before.
func TestIndexIsBuiltAnew(t *testing.T) {
	path, backups := place(t)
	db, _ := open(t, path, backups)
	c, all := example("a", 4)
	if err := db.Append(t.Context(), c, false, all...); err != nil {
		t.Fatal(err)
	}
	if _, err := db.sql.Exec("DELETE FROM message_words; DELETE FROM title_words; UPDATE words_version SET version = -1"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	db, _ = open(t, path, backups)
	if got := find(t, db, "text"); len(got) != 4 {
		t.Errorf("found %v", got)
	}
	wantIndex(t, db)
}

// A damaged index costs nothing: it is built anew when it is noticed.
func TestDamagedIndexIsMended(t *testing.T) {
	ctx := t.Context()
	for name, use := range map[string]func(db *DB, c chat.Chat) error{
		"search": func(db *DB, _ chat.Chat) error { _, err := db.Search(ctx, search.Parse("text"), 9); return err },
		"append": func(db *DB, c chat.Chat) error {
			return db.Append(ctx, c, false, message("new", "", chat.User, "text"))
		},
		"save":  func(db *DB, c chat.Chat) error { return db.SaveReply(ctx, message("a-3", "", chat.Assistant, "text")) },
		"erase": func(db *DB, c chat.Chat) error { return db.EraseChats(ctx, []string{"b"}) },
	} {
		for what, damage := range map[string]string{
			"garbage": "UPDATE message_words_data SET block = zeroblob(length(block)) WHERE id > 10; UPDATE title_words_data SET block = x'ff' WHERE id > 10",
			"gone":    "DELETE FROM message_words_data; DELETE FROM title_words_data",
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				path, backups := place(t)
				db, _ := open(t, path, backups)
				c, all := example("a", 4)
				other, others := example("b", 4)
				for _, err := range []error{db.Append(ctx, c, false, all...), db.Append(ctx, other, false, others...)} {
					if err != nil {
						t.Fatal(err)
					}
				}
				if _, err := db.sql.Exec(damage); err != nil {
					t.Fatal(err)
				}
				db.Close()
				db, notice := open(t, path, backups)
				if notice != nil {
					t.Fatalf("the chats were set aside: %v", notice)
				}
				if err := use(db, c); err != nil {
					t.Fatal(err)
				}
				if got, err := db.Chat(ctx, "a"); err != nil || len(got.Nodes) < 4 {
					t.Errorf("%+v %v", got, err)
				}
				if got := find(t, db, "text"); len(got) < 4 {
					t.Errorf("found %v", got)
				}
				wantIndex(t, db)
			})
		}
	}
}
