package store

import (
	"testing"
	"time"

	"qwill/app/history"
)

// Databases of the released schema, and of the newest one before the history,
// take it on and keep what they have.
func TestOlderDatabasesGainTheHistory(t *testing.T) {
	for _, from := range []int{5, 8} {
		path, backups := place(t)
		conn, err := openRaw(path)
		if err != nil {
			t.Fatal(err)
		}
		scripts, err := migrations()
		if err != nil {
			t.Fatal(err)
		}
		if err := migrateTo(t.Context(), conn, scripts[:from]); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec("INSERT INTO settings VALUES ('theme', '\"dark\"')"); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		db, notice := open(t, path, backups)
		if notice != nil {
			t.Fatal(notice)
		}
		e := history.Entry{ID: "1", Time: time.UnixMilli(5).UTC(), Where: "Editor", Command: "c", Original: "o", Result: "r"}
		if err := db.AddHistory(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if all, err := db.History(t.Context()); err != nil || len(all) != 1 || all[0] != e {
			t.Errorf("from %d: %+v %v", from, all, err)
		}
		if s, err := db.ReadSettings(t.Context()); err != nil || string(s["theme"]) != `"dark"` {
			t.Errorf("from %d: %s %v", from, s, err)
		}
	}
}
