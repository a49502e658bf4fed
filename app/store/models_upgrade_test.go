package store

import (
	"fmt"
	"testing"
)

// Downloads and models that an older Qwill recorded are still there, with what
// of them was on the disk.
func TestOlderDownloadsGoOn(t *testing.T) {
	path, backups := place(t)
	conn, err := openRaw(path)
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	if err := migrateTo(t.Context(), conn, scripts[:5]); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(`INSERT INTO models (name, title, path, architecture, quantization, bytes, context, can_think, starter, owned, note, repo, revision, licence)
		VALUES ('m', 'M', '/m', 'qwen3', '4 bit, group 128', 1, 2, 0, 0, 1, '', 'a/b', 'c', 'l');
		INSERT INTO model_files VALUES ('m', 'config.json', 3, 'ff');
		INSERT INTO jobs (id, repo, asked, revision, licence, name, state, wanted, created, updated) VALUES ('j', 'a/c', '', '', '', 'c', 'paused', 'pause', 1, 1);
		INSERT INTO job_files VALUES ('j', 'w', 100, 'ee', '', 40, 0), ('j', 'x', 100, 'ee', '', 0, 0)`); err != nil {
		t.Fatal(err)
	}
	// The next release wrote done alone.
	if err := migrateTo(t.Context(), conn, scripts[:9]); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec("UPDATE job_files SET done = 60 WHERE path = 'w'"); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	db, notice := open(t, path, backups)
	if notice != nil {
		t.Fatal(notice)
	}
	all, err := db.Models(t.Context())
	if err != nil || len(all) != 1 || all[0].Source != "huggingface" || all[0].Repo != "a/b" {
		t.Errorf("%+v %v", all, err)
	}
	if files, err := db.ModelFiles(t.Context(), "m"); err != nil || len(files) != 1 || files[0].SHA256 != "ff" || files[0].GitSHA1 != "" {
		t.Errorf("%+v %v", files, err)
	}
	if j, err := db.Job(t.Context(), "j"); err != nil || len(j.Files) != 2 || j.Files[0].Done != 60 || j.Files[0].Have != "0-60" {
		t.Errorf("%+v %v", j, err)
	}
	var have string
	if err := db.sql.QueryRow("SELECT group_concat(have, '|') FROM job_files").Scan(&have); err != nil || have != "0-60|" {
		t.Errorf("%q %v", have, err)
	}
	var version int
	if err := db.sql.QueryRow("PRAGMA user_version").Scan(&version); err != nil || fmt.Sprint(version) != fmt.Sprint(len(scripts)) {
		t.Errorf("%d %v", version, err)
	}
}
