package pull_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"qwill/app/disk/disktest"
	"qwill/app/fetch/hubtest"
	"qwill/app/models/pull"
)

// Variables that make this binary a process that downloads.
const (
	childHub   = "QWILL_TEST_PULL_HUB"   // the hub's address; the home is the folder it runs in
	childKill  = "QWILL_TEST_PULL_KILL"  // the operation before which it kills itself; "" none
	childFiles = "QWILL_TEST_PULL_FILES" // how many files it may have open; "" as many as usual
)

func TestMain(m *testing.M) {
	if hub := os.Getenv(childHub); hub != "" {
		if err := child(hub, os.Getenv(childKill)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child downloads the repository, or goes on with it, and prints the operations
// that there were.
func child(hub, kill string) error {
	if s := os.Getenv(childFiles); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return err
		}
		limit := syscall.Rlimit{Cur: n, Max: n}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "at most", n, "files")
	}
	home, err := os.Getwd()
	if err != nil {
		return err
	}
	l := &disktest.Layer{Before: func(op string) error {
		if op == kill {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	}}
	b, err := begin(nil, home, hub, l)
	if err != nil {
		return err
	}
	defer b.db.Close()
	b.Pace = littlePace
	ctx := context.Background()
	jobs, err := b.db.Jobs(ctx)
	if err != nil {
		return err
	}
	var j pull.Job
	if len(jobs) > 0 {
		j = jobs[0]
	}
	if j.State != pull.Done {
		if j, err = b.Add(ctx, repo, "", ""); err != nil {
			return err
		}
		if err := b.RunUntil(ctx, j.ID); err != nil {
			return err
		}
		if j, err = b.Job(ctx, j.ID); err != nil {
			return err
		}
	}
	if j.State != pull.Done {
		return fmt.Errorf("the job is %s: %w", j.State, j.Error)
	}
	return json.NewEncoder(os.Stdout).Encode(l.Seen())
}

// spawn starts such a process in a home.
func spawn(t *testing.T, home, hub, kill string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Dir = home
	cmd.Env = append(os.Environ(), childHub+"="+hub, childKill+"="+kill)
	cmd.Stdout, cmd.Stderr = new(bytes.Buffer), new(bytes.Buffer)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// TestKilledAtEveryOperation lets a process kill itself (SIGKILL) before each of
// the operations of a download: of write, sync, rename and row. A second process
// finishes it.
func TestKilledAtEveryOperation(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	want := little(120_000)
	hub.Put(repo, want)
	everyOperation(t, func(t *testing.T, at string) ([]string, bool) {
		home := t.TempDir()
		var seen []string
		first := spawn(t, home, hub.URL, at)
		err := first.Wait()
		killed := first.ProcessState.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		if !killed {
			if err != nil {
				t.Fatalf("%v: %s", err, first.Stderr)
			}
			if err := json.Unmarshal(first.Stdout.(*bytes.Buffer).Bytes(), &seen); err != nil {
				t.Fatal(err)
			}
		} else {
			second := spawn(t, home, hub.URL, "")
			if err := second.Wait(); err != nil {
				t.Fatalf("the second process: %v: %s", err, second.Stderr)
			}
		}
		b := open(t, home, hub)
		defer b.db.Close()
		b.want = want
		jobs, err := b.db.Jobs(t.Context())
		if err != nil || len(jobs) != 1 {
			t.Fatalf("%+v %v", jobs, err)
		}
		j, err := b.Job(t.Context(), jobs[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		b.whole(j)
		return seen, killed
	})
}

// Two processes on one home that are asked for the same model fetch it once.
func TestTwoProcesses(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	hub.Put(repo, files(qwen3))
	hub.Arm(hubtest.Fault{Kind: hubtest.Slow, Path: "model.safetensors", At: 1 << 20})
	home := t.TempDir()
	b := open(t, home, hub)
	// The job is there before both begin: each is asked for it.
	if _, err := b.Add(t.Context(), repo, "", ""); err != nil {
		t.Fatal(err)
	}
	one, two := spawn(t, home, hub.URL, ""), spawn(t, home, hub.URL, "")
	worked := 0
	for _, p := range []*exec.Cmd{one, two} {
		if err := p.Wait(); err != nil {
			t.Fatalf("%v: %s", err, p.Stderr)
		}
		if strings.Contains(p.Stdout.(*bytes.Buffer).String(), "rename") {
			worked++
		}
	}
	jobs, err := b.Jobs(t.Context())
	if err != nil || len(jobs) != 1 {
		t.Fatalf("%+v %v", jobs, err)
	}
	b.whole(jobs[0])
	log, err := b.db.Connections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var came int64
	for _, c := range log {
		came += c.Bytes
	}
	if worked != 1 || came > jobs[0].Bytes+jobs[0].Bytes/2 {
		t.Errorf("%d processes published it; %d bytes came of %d", worked, came, jobs[0].Bytes)
	}
}

// A process that was stopped for a while, as by the machine's sleep, and whose
// connections are gone goes on by itself.
func TestSleep(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	hub.Put(repo, files(qwen3))
	hub.Arm(hubtest.Fault{Kind: hubtest.Slow, Path: "model.safetensors", At: 1 << 20})
	home := t.TempDir()
	p := spawn(t, home, hub.URL, "")
	b := open(t, home, hub)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		jobs, err := b.db.Jobs(t.Context())
		if err != nil || time.Now().After(end) {
			t.Fatalf("%+v %v", jobs, err)
		}
		if len(jobs) == 1 && len(jobs[0].Files) == 4 && jobs[0].Files[3].Done > 1<<18 {
			break
		}
	}
	if err := p.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	hub.Disconnect()
	time.Sleep(300 * time.Millisecond)
	if err := p.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatalf("%v: %s", err, p.Stderr)
	}
	jobs, err := b.Jobs(t.Context())
	if err != nil || len(jobs) != 1 {
		t.Fatalf("%+v %v", jobs, err)
	}
	b.whole(jobs[0])
	if hub.Fired(hubtest.Dropped) == 0 {
		t.Error("no connection was lost")
	}
}

// Ended in order (SIGTERM would do the same through the context) or not, what a
// process left behind goes on within seconds.
func TestKilledWhileItRuns(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	hub.Put(repo, files(qwen3))
	home := t.TempDir()
	b := open(t, home, hub)
	for n := 0; ; n++ {
		hub.Arm(hubtest.Fault{Kind: hubtest.Slow, Path: "model.safetensors", At: 1 << 20})
		p := spawn(t, home, hub.URL, "")
		time.Sleep(time.Duration(150+100*n) * time.Millisecond) // anywhere: that is the point
		_ = p.Process.Kill()
		_ = p.Wait()
		b.exact()
		if n == 3 {
			break
		}
	}
	hub.Disarm()
	last := spawn(t, home, hub.URL, "")
	if err := last.Wait(); err != nil {
		t.Fatalf("%v: %s", err, last.Stderr)
	}
	jobs, err := b.Jobs(t.Context())
	if err != nil || len(jobs) != 1 {
		t.Fatalf("%+v %v", jobs, err)
	}
	b.whole(jobs[0])
	if _, err := os.Stat(filepath.Join(home, "models", jobs[0].Name)); errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
