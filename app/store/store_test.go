package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mattn/go-sqlite3"

	"qwill/app/chat"
	"qwill/app/command"
	"qwill/app/errs"
	"qwill/app/models"
)

func place(t *testing.T) (path, backups string) {
	dir := t.TempDir()
	return filepath.Join(dir, "q will?#.db"), filepath.Join(dir, "backups")
}

func open(t *testing.T, path, backups string) (*DB, *errs.Error) {
	t.Helper()
	db, notice, err := Open(t.Context(), path, backups)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, notice
}

func pragma(t *testing.T, db *DB, name string) (v string) {
	t.Helper()
	if err := db.sql.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOpenSetsDurability(t *testing.T) {
	path, backups := place(t)
	db, notice := open(t, path, backups)
	if notice != nil {
		t.Errorf("a new database came with a notice: %v", notice)
	}
	for name, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000",
		"fullfsync": "1", "application_id": fmt.Sprint(ApplicationID), "user_version": fmt.Sprint(schemas(t)),
	} {
		if got := pragma(t, db, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("the file is not where it should be: %v", err)
	}
	library, schema, err := db.Version(t.Context())
	if err != nil || schema != schemas(t) || library == "" {
		t.Errorf("version %q %d %v", library, schema, err)
	}
}

func example(id string, n int) (chat.Chat, []chat.Message) {
	at := time.UnixMilli(1_790_000_000_000).UTC()
	temperature := 0.5
	c := chat.Chat{Summary: chat.Summary{ID: id, Title: "T " + id, Updated: at, Model: "m", Door: chat.DoorChat}, Created: at, SystemPrompt: "be kind", Thinking: true}
	c.Sampling.Temperature = &temperature
	var all []chat.Message
	parent := ""
	for i := range n {
		m := chat.Message{ID: fmt.Sprintf("%s-%d", id, i), Parent: parent, Role: chat.User, Content: fmt.Sprintf("text %d 😀", i), Status: chat.Done, Created: at}
		if i%2 == 1 {
			m.Role, m.Model, m.ReasoningMS, m.Reasoning = chat.Assistant, "m", 12, "hm"
			m.Stats = &chat.Stats{Finish: "stop", Seed: "18446744073709551615", PromptTokens: i}
			m.Error = errs.New(errs.EngineCrash, 0, "died")
		}
		parent = m.ID
		all = append(all, m)
	}
	return c, all
}

func TestChatsRoundTripAndReopen(t *testing.T) {
	ctx := t.Context()
	path, backups := place(t)
	db, _ := open(t, path, backups)
	c, all := example("a", 4)
	if err := db.Append(ctx, c, false, all...); err != nil {
		t.Fatal(err)
	}
	later, _ := example("b", 0)
	later.Updated = later.Updated.Add(time.Second)
	if err := db.PutChat(ctx, later); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	db, _ = open(t, path, backups)
	got, err := db.Chat(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range all {
		all[i].Branch = chat.Branch{Index: 1, Count: 1, Siblings: []string{m.ID}}
		c.Nodes = append(c.Nodes, chat.Node{ID: m.ID, Parent: m.Parent})
	}
	c.Messages = all
	if d := cmp.Diff(c, got, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	list, err := db.Chats(ctx)
	if err != nil || len(list) != 2 || list[0].ID != "b" {
		t.Errorf("list %v %v", list, err)
	}

	// Of a failing Append nothing stays.
	renamed := c
	renamed.Title = "other"
	if err := db.Append(ctx, renamed, false, chat.Message{ID: "z", Parent: all[3].ID, Role: chat.User, Status: chat.Done, Created: c.Created}, all[0]); err == nil {
		t.Fatal("a double id was accepted")
	}
	if got, _ := db.Chat(ctx, "a"); len(got.Messages) != 4 || got.Title != c.Title {
		t.Error("a failed write changed the chat")
	}
	if err := db.EraseChats(ctx, []string{"a"}); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := db.sql.QueryRow("SELECT count(*) FROM messages").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d messages outlived their chat (%v)", left, err)
	}
	for _, err := range []error{db.EraseChats(ctx, []string{"a"}), db.DeleteChats(ctx, []string{"a"}, time.Now()), second(db.Chat(ctx, "a"))} {
		if errs.From(err).Code != errs.NotFound {
			t.Errorf("got %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestInterruptKeepsText(t *testing.T) {
	ctx := t.Context()
	db, _ := open(t, first(place(t)), t.TempDir())
	c, all := example("a", 2)
	all[1].Status, all[1].Content, all[1].Error = chat.Writing, "half a", nil
	if err := db.Append(ctx, c, false, all...); err != nil {
		t.Fatal(err)
	}
	all[1].Content = "half a sentence"
	if err := db.SaveReply(ctx, all[1]); err != nil {
		t.Fatal(err)
	}
	n, err := db.InterruptReplies(ctx, *errs.New(errs.Interrupted, 0, "ended"))
	if err != nil || n != 1 {
		t.Fatalf("%d %v", n, err)
	}
	got, err := db.Chat(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	if m := got.Messages[1]; m.Status != chat.Interrupted || m.Content != "half a sentence" || m.Error == nil || m.Error.Code != errs.Interrupted {
		t.Errorf("got %+v", m)
	}
}

func plainDSN(path string) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path}).String()
}

func first(a, _ string) string { return a }

func TestModels(t *testing.T) {
	ctx := t.Context()
	db, _ := open(t, first(place(t)), t.TempDir())
	m := models.Model{Name: "n", Title: "N", Path: "/p", Architecture: "llama", Quantization: "4 bit", Bytes: 1 << 40, Context: 7, CanThink: true, Starter: true, Owned: true, Note: "x"}
	if err := db.AddModel(ctx, m, nil); err != nil {
		t.Fatal(err)
	}
	if e := errs.From(db.AddModel(ctx, m, nil)); e == nil || e.Code != errs.Conflict {
		t.Errorf("a double name gave %v", e)
	}
	got, err := db.Models(ctx)
	if d := cmp.Diff([]models.Model{m}, got); d != "" || err != nil {
		t.Error(d, err)
	}
	if err := db.RemoveModel(ctx, "n"); err != nil {
		t.Fatal(err)
	}
	if e := errs.From(db.RemoveModel(ctx, "n")); e == nil || e.Code != errs.ModelUnknown {
		t.Errorf("got %v", e)
	}
}

// Damaged files of every kind are set aside byte for byte, and work goes on.
func TestDamagedDatabaseIsSetAside(t *testing.T) {
	good := func(t *testing.T, path, backups string) []byte {
		db, _ := open(t, path, backups)
		for i := range 40 {
			c, all := example(fmt.Sprint("c", i), 10)
			if err := db.Append(t.Context(), c, false, all...); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := db.sql.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, damage := range map[string]func([]byte) []byte{
		"empty":        func([]byte) []byte { return nil },
		"text":         func([]byte) []byte { return bytes.Repeat([]byte("not a database "), 1000) },
		"truncated":    func(b []byte) []byte { return b[:len(b)/2] },
		"header":       func(b []byte) []byte { copy(b, "garbage garbage!"); return b },
		"middle pages": func(b []byte) []byte { copy(b[8192:], bytes.Repeat([]byte{0x5a}, len(b)-8192)); return b },
	} {
		t.Run(name, func(t *testing.T) {
			path, backups := place(t)
			bad := damage(good(t, path, backups))
			if err := os.WriteFile(path, bad, 0o600); err != nil {
				t.Fatal(err)
			}
			db, notice := open(t, path, backups)
			if notice == nil || notice.Code != errs.DatabaseLost || notice.Hint == "" {
				t.Fatalf("notice %+v", notice)
			}
			kept, err := os.ReadFile(notice.Detail)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(kept, bad) {
				t.Error("the backup differs from the damaged file")
			}
			if list, err := db.Chats(t.Context()); err != nil || len(list) != 0 {
				t.Errorf("%v %v", list, err)
			}
			c, all := example("new", 2)
			if err := db.Append(t.Context(), c, false, all...); err != nil {
				t.Error(err)
			}
			db.Close()
			if _, notice := open(t, path, backups); notice != nil {
				t.Errorf("told twice: %v", notice)
			}
		})
	}
}

func TestDamagedWhileAnotherUsesIt(t *testing.T) {
	path, backups := place(t)
	db, _ := open(t, path, backups)
	if _, err := db.sql.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("x", 9000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := Open(t.Context(), path, backups)
	if e := errs.From(err); e == nil || e.Code != errs.Database || e.Hint == "" {
		t.Errorf("got %v", err)
	}
	if b, _ := os.ReadFile(path); len(b) != 9000 {
		t.Error("the file was moved away under its user")
	}
}

func TestNewerSchemaIsRefusedUntouched(t *testing.T) {
	path, backups := place(t)
	db, _ := open(t, path, backups)
	if _, err := db.sql.Exec("PRAGMA user_version=99"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before, _ := os.ReadFile(path)
	_, _, err := Open(t.Context(), path, backups)
	if e := errs.From(err); e == nil || e.Code != errs.DatabaseNew || e.Detail != path || !strings.Contains(e.Message, "99") {
		t.Fatalf("got %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file changed")
	}
}

func TestForeignDatabaseIsRefused(t *testing.T) {
	for name, script := range map[string]string{
		"other program": "CREATE TABLE t (x); PRAGMA application_id=7; PRAGMA user_version=1",
		"no marks":      "CREATE TABLE t (x)",
	} {
		path, backups := place(t)
		conn, err := sql.Open(driverName, plainDSN(path))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(script); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if _, _, err := Open(t.Context(), path, backups); errs.From(err) == nil || !strings.Contains(err.Error(), "another program") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestLockedDatabase(t *testing.T) {
	path, backups := place(t)
	db, _ := open(t, path, backups)
	other, err := sql.Open(driverName, plainDSN(path))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	conn, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.sql.Exec("PRAGMA busy_timeout=50"); err != nil {
		t.Fatal(err)
	}
	db.sql.SetMaxOpenConns(1) // keep the one with the short timeout
	c, _ := example("a", 0)
	if e := errs.From(db.PutChat(t.Context(), c)); e == nil || e.Code != errs.DatabaseLock || e.Hint == "" {
		t.Errorf("got %v", e)
	}
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := db.PutChat(t.Context(), c); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// A full disk, simulated by SQLite's own limit: nothing saved is lost, and work
// goes on when there is space again.
func TestFullDisk(t *testing.T) {
	db, _ := open(t, first(place(t)), t.TempDir())
	db.sql.SetMaxOpenConns(1)
	c, all := example("a", 2)
	if err := db.Append(t.Context(), c, false, all...); err != nil {
		t.Fatal(err)
	}
	if _, err := db.sql.Exec("PRAGMA max_page_count=1"); err != nil { // the present size
		t.Fatal(err)
	}
	long := all[1]
	long.Content = strings.Repeat("long ", 1<<18)
	if e := errs.From(db.SaveReply(t.Context(), long)); e == nil || e.Code != errs.DiskFull || !strings.Contains(e.Hint, "space") {
		t.Errorf("got %v", e)
	}
	if got, err := db.Chat(t.Context(), "a"); err != nil || got.Messages[1].Content != all[1].Content {
		t.Errorf("what was saved is lost: %v", err)
	}
	if _, err := db.sql.Exec("PRAGMA max_page_count=1000000"); err != nil {
		t.Fatal(err)
	}
	if err := db.SaveReply(t.Context(), long); err != nil {
		t.Errorf("with space again: %v", err)
	}
}

// A full disk under the shared memory of the log is told like any full disk.
func TestFullDiskOfTheSystem(t *testing.T) {
	e := errs.From(explain("q.db", sqlite3.Error{Code: sqlite3.ErrIoErr, SystemErrno: syscall.ENOSPC}))
	if e.Code != errs.DiskFull || !strings.Contains(e.Hint, "space") {
		t.Errorf("got %v", e)
	}
}

func TestUnwritableFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, err := Open(t.Context(), filepath.Join(file, "qwill.db"), t.TempDir())
	if e := errs.From(err); e == nil || e.Code != errs.Database || e.Hint == "" {
		t.Errorf("got %v", err)
	}
}

// A failing migration leaves the schema before it, whole.
func TestMigrationIsAllOrNothing(t *testing.T) {
	path, backups := place(t)
	db, _ := open(t, path, backups)
	scripts, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	bad := append(scripts, "CREATE TABLE more (x); INSERT INTO nowhere VALUES (1)")
	if err := migrateTo(t.Context(), db.sql, bad); err == nil {
		t.Fatal("a bad script passed")
	}
	if got := pragma(t, db, "user_version"); got != fmt.Sprint(len(scripts)) {
		t.Errorf("schema is %s", got)
	}
	var n int
	if err := db.sql.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name = 'more'").Scan(&n); err != nil || n != 0 {
		t.Error("half a migration stayed")
	}
	if err := migrateTo(t.Context(), db.sql, append(scripts, "CREATE TABLE more (x)")); err != nil {
		t.Errorf("the next try: %v", err)
	}
}

func TestTwoProcessesCreateTogether(t *testing.T) {
	path, backups := place(t)
	failures := make(chan error, 4)
	for range 4 {
		go func() {
			db, _, err := Open(context.Background(), path, backups)
			if err == nil {
				err = db.Close()
			}
			failures <- err
		}()
	}
	for range 4 {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
}

// TestMain lets the test binary play a process that is killed while it writes.
func TestMain(m *testing.M) {
	if path := os.Getenv("QWILL_TEST_WRITER"); path != "" {
		writeForever(path)
	}
	os.Exit(m.Run())
}

func writeForever(path string) {
	db, _, err := Open(context.Background(), path, path+".backups")
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	c, all := example("k", 2)
	all[1].Status, all[1].Content = chat.Writing, ""
	err = db.Append(context.Background(), c, false, all...)
	for i := 0; err == nil; i++ {
		all[1].Content += fmt.Sprintf("word%d ", i)
		if err = db.SaveReply(context.Background(), all[1]); err == nil {
			fmt.Println(i) // said only after the write returned
		}
	}
	fmt.Println("error:", err)
	os.Exit(1)
}

// What a write reported as done is there after kill -9.
func TestKilledWriterLosesNothing(t *testing.T) {
	path, backups := place(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "QWILL_TEST_WRITER="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := -1
	for last < 40 {
		if _, err := fmt.Fscan(out, &last); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for {
		var n int
		if _, err := fmt.Fscan(out, &n); err != nil {
			break
		}
		last = n
	}
	cmd.Wait()
	db, notice := open(t, path, backups)
	if notice != nil {
		t.Fatalf("a kill damaged the file: %v", notice)
	}
	got, err := db.Chat(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("word%d ", last); !strings.Contains(got.Messages[1].Content, want) {
		t.Errorf("%q is lost", want)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestErrorsKeepTheirCause(t *testing.T) {
	cause := errors.New("cause")
	if err := explain("p", cause); !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}

// schemas is the newest schema's number.
func schemas(t *testing.T) int {
	t.Helper()
	all, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

func TestCommandsKeepTheirOrder(t *testing.T) {
	db, _ := open(t, filepath.Join(t.TempDir(), "q.db"), t.TempDir())
	all := []command.Custom{{ID: "my-b", Title: "B", Instruction: "b", Shape: "text"}, {ID: "my-a", Title: "A", Instruction: "a", Shape: "diff"}}
	if err := db.PutCustomCommands(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	got, err := db.CustomCommands(t.Context())
	if err != nil || len(got) != 2 || got[0].ID != "my-b" || got[1].Shape != "diff" {
		t.Errorf("%+v, %v", got, err)
	}
	if err := db.PutCustomCommands(t.Context(), append(all, all[0])); err == nil {
		t.Error("two commands of one id were stored")
	}
	if got, err = db.CustomCommands(t.Context()); err != nil || len(got) != 2 {
		t.Errorf("a failed save left %+v, %v", got, err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	path, backups := place(t)
	db, _ := open(t, path, backups)
	if err := db.PutCustomCommands(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(p)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", filepath.Base(p), info.Mode(), err)
		}
	}
}
