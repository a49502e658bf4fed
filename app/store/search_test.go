package store

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"qwill/app/chat"
	"qwill/app/errs"
	"qwill/app/search"
)

// SQLite was compiled with its full-text index: build/env.sh sets the flag.
func TestFullTextIndexIsCompiledIn(t *testing.T) {
	db, _ := open(t, first(place(t)), t.TempDir())
	var n int
	if err := db.sql.QueryRow("SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'").Scan(&n); err != nil || n != 1 {
		t.Fatalf("SQLite knows no fts5 (%d, %v): source build/env.sh before go", n, err)
	}
}

// find gives the ids of the messages that a query hits; a title is its chat's
// id with a T before it.
func find(t testing.TB, db *DB, query string) (found []string) {
	t.Helper()
	hits, err := db.Search(context.Background(), search.Parse(query), 50)
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	for _, h := range hits {
		marked := false
		for _, p := range h.Parts {
			marked = marked || p.Hit
		}
		if !marked {
			t.Errorf("%q: no hit is marked in %+v", query, h)
		}
		if h.Message == "" {
			found = append(found, "T"+h.Chat.ID)
		} else {
			found = append(found, h.Message)
		}
	}
	return found
}

// wantIndex checks that the index holds the words of what is stored, no more
// and no less.
func wantIndex(t testing.TB, db *DB) {
	t.Helper()
	if _, err := db.sql.Exec("INSERT INTO message_words (message_words) VALUES ('integrity-check'); INSERT INTO title_words (title_words) VALUES ('integrity-check')"); err != nil {
		t.Errorf("the index is damaged: %v", err)
	}
	for what, query := range map[string]string{
		"message": "SELECT coalesce(m.content, ''), coalesce(m.status IN ('queued', 'writing'), 0), coalesce(w.words, '') FROM messages m FULL JOIN (SELECT rowid, words FROM message_words) w ON w.rowid = m.seq",
		"title":   "SELECT coalesce(c.title, ''), 0, coalesce(w.words, '') FROM chats c FULL JOIN (SELECT t.chat, w.words FROM (SELECT rowid, words FROM title_words) w LEFT JOIN chat_titles t ON t.number = w.rowid) w ON w.chat = c.id",
	} {
		rows, err := db.sql.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var content, words string
			var running bool
			if err := rows.Scan(&content, &running, &words); err != nil {
				t.Fatal(err)
			}
			if want := search.Tokens(content); want != words && !running {
				t.Errorf("the %s %.60q is indexed as %.60q", what, content, words)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
}

func message(id, parent, role, content string) chat.Message {
	return chat.Message{ID: id, Parent: parent, Role: role, Content: content, Status: chat.Done, Created: time.Unix(0, 0)}
}

func TestSearch(t *testing.T) {
	ctx := t.Context()
	db, _ := open(t, first(place(t)), t.TempDir())
	c, _ := example("a", 0)
	c.Title = "去海港看日落"
	if err := db.Append(ctx, c, false, message("q", "", chat.User, "What is a quill? Café, naïve 海港的夜晚很安静。"),
		message("r", "q", chat.Assistant, "A quill is a pen made of a feather; quilling is something else.")); err != nil {
		t.Fatal(err)
	}
	d, _ := example("b", 0)
	d.Title = "Feathers"
	if err := db.PutChat(ctx, d); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"quill":             "[r q]",
		"quil":              "[r q]",
		"quilling":          "[r]",
		"uill":              "[]",
		"QUILL feather":     "[r]",
		"feath":             "[Tb r]",
		"cafe":              "[q]",
		"NAIVE":             "[q]",
		"海港":                "[Ta q]",
		"安静":                "[q]",
		"日落":                "[Ta]",
		"海静":                "[]",
		"夜":                 "[q]",
		`"pen made"`:        "[r]",
		`"made pen"`:        "[]",
		"quill OR nothing":  "[]",
		"quill NOT feather": "[]",
		"words:quill":       "[]",
		"quill*":            "[r q]",
		`"`:                 "[]",
		`" OR 1=1 --`:       "[]",
		"^quill AND (":      "[]",
		"{words} : NEAR(a,": "[]",
		"":                  "[]",
		"\x00 quill \xff":   "[r q]",
	} {
		if got := fmt.Sprint(find(t, db, query)); got != want && !(want == "[r q]" && got == "[q r]") {
			t.Errorf("%q found %s, want %s", query, got, want)
		}
	}
	if hits, err := db.Search(ctx, search.Parse("海港"), 1); err != nil || len(hits) != 1 {
		t.Errorf("%d hits of one (%v)", len(hits), err)
	}
	wantIndex(t, db)
}

// A reply is found when it has ended, not while it is written.
func TestIndexFollowsReplies(t *testing.T) {
	ctx := t.Context()
	db, _ := open(t, first(place(t)), t.TempDir())
	c, _ := example("a", 0)
	r := message("r", "q", chat.Assistant, "")
	r.Status = chat.Queued
	if err := db.Append(ctx, c, false, message("q", "", chat.User, "ask"), r); err != nil {
		t.Fatal(err)
	}
	save := func(status chat.Status, content string, want string) {
		t.Helper()
		r.Status, r.Content = status, content
		if err := db.SaveReply(ctx, r); err != nil {
			t.Fatal(err)
		}
		for word, hits := range map[string]string{"harbour": want, "fog": "[]"} {
			if got := fmt.Sprint(find(t, db, word)); got != hits && !(word == "fog" && strings.Contains(content, "fog")) {
				t.Errorf("%s %q: %q found %s", status, content, word, got)
			}
		}
		wantIndex(t, db)
	}
	save(chat.Writing, "the har", "[]")
	save(chat.Writing, "the harbour", "[]")
	save(chat.Done, "the harbour", "[r]")
	save(chat.Queued, "the harbour", "[r]") // to be continued
	save(chat.Writing, "the harbour in fog", "[r]")
	if n, err := db.InterruptReplies(ctx, *errs.New(errs.Interrupted, 0, "ended")); err != nil || n != 1 {
		t.Errorf("%d %v", n, err)
	}
	if got := find(t, db, "fog"); len(got) != 1 {
		t.Errorf("an interrupted reply is found as %v", got)
	}
	save(chat.Done, "nothing", "[]")
	if err := db.EraseChats(ctx, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	wantIndex(t, db)
	if got := find(t, db, "ask"); got != nil {
		t.Errorf("an erased message is found as %v", got)
	}
}

// Whatever happens to chats, the index holds their words.
func TestIndexFollowsEverything(t *testing.T) {
	ctx := t.Context()
	db, err := OpenMemory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	serial := 0
	rapid.Check(t, func(r *rapid.T) {
		words := rapid.SampledFrom([]string{"harbour fog", "海港", "", "Ünïcode ½ ﷺ", "a a a b", "\"quoted\" (AND)"})
		var ids []string
		for range rapid.IntRange(1, 10).Draw(r, "steps") {
			serial++
			id := fmt.Sprint("c", serial)
			c, _ := example(id, 0)
			c.Title = words.Draw(r, "title")
			op := rapid.IntRange(0, 5).Draw(r, "op")
			if op > 1 && len(ids) > 0 {
				c.ID = rapid.SampledFrom(ids).Draw(r, "chat")
			} else {
				op = 0
			}
			at := time.UnixMilli(int64(serial))
			var err error
			switch op {
			case 0:
				err = db.Append(ctx, c, false, message(id+"q", "", chat.User, words.Draw(r, "text")), message(id+"r", id+"q", chat.Assistant, words.Draw(r, "text")))
				ids = append(ids, id)
			case 2:
				err = db.PutChat(ctx, c)
			case 3:
				err = db.RemoveMessages(ctx, c, []string{c.ID + "r"})
			case 4:
				err = db.DeleteChats(ctx, []string{c.ID}, at)
			case 5:
				var n int
				if n, err = db.EraseDeleted(ctx, at); n > 0 {
					ids = nil // some of them
				}
			}
			if err != nil {
				r.Fatal(err)
			}
		}
		wantIndex(t, db)
	})
}

// The index finds exactly the messages that the search itself says match.
func TestIndexAgreesWithTheSearch(t *testing.T) {
	ctx := t.Context()
	db, err := OpenMemory(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	pieces := rapid.SampledFrom([]string{"harbour", "Harbours", "har", "海", "海港", "港", "é", "e\u0301", "É", "42", "4", "x", "_", "-", " ", " ", " ", "\n", "\"", "“",
		"AND", "OR", "NOT", "NEAR(", ")", "*", "^", ":", "+", "ﷺ", "½", "😀", "한국", "ไทย", "\x00", "\xff", "ß", "İ", "ﬁ", "\u200d", "🇩🇪"})
	text := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(pieces, 0, 8).Draw(t, "pieces"), "") })
	rapid.Check(t, func(r *rapid.T) {
		c, _ := example("a", 0)
		c.Title = ""
		all := map[string]string{}
		var add []chat.Message
		for i := range rapid.IntRange(1, 6).Draw(r, "messages") {
			m := message(fmt.Sprint("m", i), "", chat.User, text.Draw(r, "text"))
			add, all[m.ID] = append(add, m), m.Content
		}
		if err := db.Append(ctx, c, false, add...); err != nil {
			r.Fatal(err)
		}
		for range 8 {
			query := text.Draw(r, "query")
			hits, err := db.Search(ctx, search.Parse(query), 50)
			if err != nil {
				r.Fatalf("%q: %v", query, err)
			}
			found := map[string]bool{}
			for _, h := range hits {
				found[h.Message] = true
			}
			for id, content := range all {
				if want := search.Parse(query).Match(content); found[id] != want {
					r.Fatalf("%q in %q: found %v, want %v", query, content, found[id], want)
				}
			}
		}
		if err := db.EraseChats(ctx, []string{"a"}); err != nil {
			r.Fatal(err)
		}
	})
}

// library fills a database with chats of n messages each.
func library(t testing.TB, db *DB, chats, n int) {
	t.Helper()
	words := strings.Fields("harbour lighthouse keeper fog sea salt feather quill ink paper letter window garden winter morning evening train station market bread river bridge mountain valley 海港 夜晚 安静 灯塔 大雾 写信 羽毛 早晨 桥 河")
	tx, err := db.sql.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for i := range chats {
		c, _ := example(fmt.Sprint("c", i), 0)
		c.Title = fmt.Sprintf("Chat %d about %s and %s", i, words[i%len(words)], words[(i/7)%len(words)])
		c.Updated = c.Updated.Add(time.Duration(i) * time.Second)
		if err := putChat(t.Context(), tx, c); err != nil {
			t.Fatal(err)
		}
		parent := ""
		for k := range n {
			var b strings.Builder
			for w := range 40 {
				b.WriteString(words[(i*31+k*17+w*w*7+w*i)%len(words)])
				b.WriteByte(' ')
			}
			fmt.Fprintf(&b, "unique%dx%d", i, k)
			m := message(fmt.Sprintf("m%d-%d", i, k), parent, []string{chat.User, chat.Assistant}[k%2], b.String())
			if err := addMessage(t.Context(), tx, c.ID, m); err != nil {
				t.Fatal(err)
			}
			parent = m.ID
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// A search answers within a keystroke. 2,000 chats with 100,000 messages behind
// QWILL_SOAK, a twentieth of them otherwise.
func TestSearchIsFast(t *testing.T) {
	chats, limit := 100, 100*time.Millisecond
	if os.Getenv("QWILL_SOAK") != "" {
		chats = 2000
	}
	path, backups := place(t)
	db, _ := open(t, path, backups)
	library(t, db, chats, 50)
	for _, query := range []string{"harbour", "h", "harb fog", "海港", "海", "unique7x9", "lighthouse keeper f", "nothing at all", "大雾 写信"} {
		best := time.Hour // of some, as other work may come between
		n := 0
		for range 5 {
			started := time.Now()
			hits, err := db.Search(t.Context(), search.Parse(query), 50)
			best = min(best, time.Since(started))
			if err != nil {
				t.Fatal(err)
			}
			n = len(hits)
		}
		t.Logf("%d messages, %q: %d hits in %v", chats*50, query, n, best)
		if best > limit {
			t.Errorf("%q took %v", query, best)
		}
	}
	db.Close()
	started := time.Now()
	open(t, path, backups)
	t.Logf("opened in %v", time.Since(started))
}
