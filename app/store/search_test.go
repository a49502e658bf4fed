package store

import "testing"

// SQLite was compiled with its full-text index: build/env.sh sets the flag.
func TestFullTextIndexIsCompiledIn(t *testing.T) {
	db, _ := open(t, first(place(t)), t.TempDir())
	var n int
	if err := db.sql.QueryRow("SELECT count(*) FROM pragma_module_list WHERE name = 'fts5'").Scan(&n); err != nil || n != 1 {
		t.Fatalf("SQLite knows no fts5 (%d, %v): source build/env.sh before go", n, err)
	}
}
