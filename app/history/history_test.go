package history_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"qwill/app/errs"
	"qwill/app/history"
	"qwill/app/store"
)

// folderVariable makes the test binary the process that is killed.
const folderVariable = "QWILL_TEST_HISTORY"

func open(t *testing.T, dir string) *store.DB {
	t.Helper()
	db, notice, err := store.Open(context.Background(), filepath.Join(dir, "qwill.db"), filepath.Join(dir, "backups"))
	if err != nil || notice != nil {
		t.Fatal(notice, err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

type clock struct {
	history.Service
	keep bool
	now  time.Time
}

func service(t *testing.T, dir string) *clock {
	c := &clock{keep: true, now: time.UnixMilli(1_790_000_000_000).UTC()}
	c.Service = history.Service{Store: open(t, dir), Keep: func() bool { return c.keep }, Now: func() time.Time { return c.now }}
	return c
}

func (c *clock) add(t *testing.T, original, result string) string {
	t.Helper()
	id, err := c.Add(t.Context(), "Editor", "proofread", original, result)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (c *clock) originals(t *testing.T) string {
	t.Helper()
	all, err := c.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range all {
		list = append(list, e.Original)
	}
	return strings.Join(list, ",")
}

func TestOriginalsAreKeptForADay(t *testing.T) {
	c := service(t, t.TempDir())
	first := c.add(t, "he go\r\n\t  ☂", "He goes")
	c.now = c.now.Add(time.Hour)
	second := c.add(t, "second", "2")
	if id := c.add(t, "same", "same"); id != "" {
		t.Error("what stayed as it was is kept")
	}
	e, err := c.Find(t.Context(), first)
	want := history.Entry{ID: first, Time: c.now.Add(-time.Hour), Where: "Editor", Command: "proofread", Original: "he go\r\n\t  ☂", Result: "He goes"}
	if err != nil || e != want {
		t.Errorf("%+v %v", e, err)
	}
	c.now = c.now.Add(history.Period - time.Hour)
	if got := c.originals(t); got != "second,he go\r\n\t  ☂" {
		t.Errorf("after exactly a day: %q", got)
	}
	c.now = c.now.Add(time.Millisecond)
	if got := c.originals(t); got != "second" {
		t.Errorf("after more than a day: %q", got)
	}
	if err := c.Erase(t.Context(), second); err != nil || c.originals(t) != "" {
		t.Error("not erased", err)
	}
	if err := c.Erase(t.Context(), second); errs.From(err).Code != errs.NotFound {
		t.Errorf("erased twice: %v", err)
	}
	if _, err := c.Find(t.Context(), second); errs.From(err).Code != errs.NotFound {
		t.Errorf("found: %v", err)
	}
}

func TestOffKeepsAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	c := service(t, dir)
	holds := func() bool {
		files, err := filepath.Glob(filepath.Join(dir, "qwill.db*"))
		if err != nil || len(files) == 0 {
			t.Fatal("no database", err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if strings.Contains(string(b), "Heliotrope") {
				return true
			}
		}
		return false
	}
	c.add(t, strings.Repeat("Heliotrope blooms. ", 3000), "x")
	if !holds() {
		t.Fatal("nothing was written: the test proves nothing")
	}
	c.keep = false
	if err := c.Sweep(t.Context()); err != nil || holds() {
		t.Errorf("left in the files after it was switched off: %v", err)
	}
	if id := c.add(t, "Heliotrope", "y"); id != "" || holds() {
		t.Error("written while it is off")
	}
	c.keep = true
	if got := c.originals(t); got != "" {
		t.Errorf("came back: %s", got)
	}
	c.add(t, "Heliotrope", "y")
	if err := c.EraseAll(t.Context()); err != nil || holds() || c.originals(t) != "" {
		t.Errorf("left after all was erased: %v", err)
	}
}

// fixed is a store that counts what expires.
type fixed struct {
	history.Store
	before []time.Time
}

func (f *fixed) ExpireHistory(_ context.Context, before time.Time) error {
	f.before = append(f.before, before)
	return nil
}

// Run looks at its start, as time goes by, and when a setting changes.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, keep := &fixed{}, true
		s := history.Service{Store: f, Keep: func() bool { return keep }, Now: time.Now}
		start, changed := time.Now(), make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.Run(ctx, changed) }()
		synctest.Wait()
		if len(f.before) != 1 || !f.before[0].Equal(start.Add(-history.Period)) {
			t.Errorf("at the start: %v", f.before)
		}
		time.Sleep(time.Hour + time.Second)
		if synctest.Wait(); len(f.before) < 4 {
			t.Errorf("%d times in an hour", len(f.before))
		}
		keep = false
		n := len(f.before)
		changed <- struct{}{}
		if synctest.Wait(); len(f.before) != n+1 || !f.before[n].IsZero() {
			t.Errorf("after it was switched off: %v", f.before[n:])
		}
		cancel()
		<-ended
	})
}

// A process that is killed right after it has handed the replacement out leaves
// the original behind.
func TestOriginalOutlivesKill(t *testing.T) {
	if dir := os.Getenv(folderVariable); dir != "" {
		c := service(t, dir)
		fmt.Println("id:" + c.add(t, "the original", "the result"))
		time.Sleep(time.Minute) // until it is killed
		return
	}
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run=^TestOriginalOutlivesKill$")
	cmd.Env = append(os.Environ(), folderVariable+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	id, ok := strings.CutPrefix(strings.TrimSpace(line), "id:")
	if err != nil || !ok {
		t.Fatalf("%q %v", line, err)
	}
	e, err := service(t, dir).Find(t.Context(), id)
	if err != nil || e.Original != "the original" || e.Result != "the result" {
		t.Errorf("%+v %v", e, err)
	}
}
