package pull_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"qwill/app/disk/disktest"
	"qwill/app/fetch/hubtest"
	"qwill/app/models"
	"qwill/app/models/pull"
)

// steps counts the rows among the operations of a layer.
type steps struct {
	pull.Store
	l *disktest.Layer
}

func (s steps) AddJob(ctx context.Context, j pull.Job) error {
	if err := s.l.Step("row of the new job"); err != nil {
		return err
	}
	return s.Store.AddJob(ctx, j)
}

func (s steps) SaveJob(ctx context.Context, j pull.Job) error {
	if err := s.l.Step("row: " + j.State); err != nil {
		return err
	}
	return s.Store.SaveJob(ctx, j)
}

func (s steps) WantJob(ctx context.Context, id, wanted string) error {
	if err := s.l.Step("row: want " + wanted); err != nil {
		return err
	}
	return s.Store.WantJob(ctx, id, wanted)
}

func (s steps) SetJobFiles(ctx context.Context, id string, files []pull.File) error {
	if err := s.l.Step("rows of the files"); err != nil {
		return err
	}
	return s.Store.SetJobFiles(ctx, id, files)
}

func (s steps) SaveJobFile(ctx context.Context, id string, f pull.File) error {
	if err := s.l.Step("row of " + f.Path); err != nil {
		return err
	}
	return s.Store.SaveJobFile(ctx, id, f)
}

func (s steps) PublishJob(ctx context.Context, id string, m models.Model, files []models.FileHash) error {
	if err := s.l.Step("row of the model"); err != nil {
		return err
	}
	return s.Store.PublishJob(ctx, id, m, files)
}

// little is a repository of few bytes, for runs by the hundred.
func little(n int) map[string][]byte {
	f := files(qwen3)
	f["model.safetensors"] = weights(n)
	return f
}

// littlePace fetches it in several parts.
var littlePace = pull.Pace{Backoff: time.Millisecond, Longest: 5 * time.Millisecond, Stall: 2 * time.Second, Slow: 1, Tries: 4, Sync: 32 << 10, Margin: 1 << 20,
	Part: 48 << 10, Streams: 3}

// exact checks what holds at any moment: a folder under a model's name is whole
// to the bit, listed or not.
func (b *bench) exact() {
	b.t.Helper()
	entries, _ := os.ReadDir(b.models.Folder())
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		for name, want := range b.want {
			got, err := os.ReadFile(filepath.Join(b.models.Folder(), e.Name(), name))
			if models.Needed(name) && (err != nil || !bytes.Equal(got, want)) {
				b.t.Errorf("published %s: %s: %d bytes of %d, %v", e.Name(), name, len(got), len(want), err)
			}
		}
	}
	all, err := b.models.List(b.t.Context())
	if err != nil {
		b.t.Error(err)
	}
	for _, m := range all {
		if m.Missing {
			b.t.Errorf("listed without its folder: %+v", m)
		}
	}
}

// recorded checks that what the rows call certain is on the disk. A file that
// was begun anew has no record.
func (b *bench) recorded() {
	b.t.Helper()
	jobs, err := b.db.Jobs(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, j := range jobs {
		if j.State == pull.Done {
			continue
		}
		for _, f := range j.Files {
			dir := filepath.Join(b.models.Folder(), ".download-"+j.ID)
			if _, err := os.Stat(dir); err != nil {
				dir = filepath.Join(b.models.Folder(), j.Name)
			}
			data, _ := os.ReadFile(filepath.Join(dir, f.Path))
			for _, part := range strings.Split(f.Have, ",") {
				from, to, _ := strings.Cut(part, "-")
				a, _ := strconv.Atoi(from)
				z, _ := strconv.Atoi(to)
				if z > len(data) || !bytes.Equal(data[a:z], b.want[f.Path][a:z]) {
					b.t.Errorf("%s: bytes %d to %d are recorded and not there; the file has %d", f.Path, a, z, len(data))
				}
			}
		}
	}
}

// finish carries on as a person would: it begins again and resumes.
func (b *bench) finish() pull.Job {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 60*time.Second)
	defer cancel()
	var j pull.Job
	jobs, err := b.db.Jobs(ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	if len(jobs) > 0 {
		j = jobs[0]
	}
	if j.State != pull.Done {
		if j, err = b.Add(ctx, repo, "", ""); err != nil {
			b.t.Fatal(err)
		}
	}
	return b.until(j.ID)
}

// everyOperation calls run for each operation that a download has. run is given what the layer must do before each
// operation and gives the operations that there were; a run in which the one
// in question did not happen is repeated.
func everyOperation(t *testing.T, run func(t *testing.T, at string) (seen []string, fired bool)) {
	var queue []string
	known := map[string]bool{}
	learn := func(seen []string) {
		for _, op := range seen {
			if !known[op] {
				known[op] = true
				queue = append(queue, op)
			}
		}
	}
	for range 5 { // how the bytes arrive differs a little
		seen, _ := run(t, "")
		learn(seen)
	}
	missed := 0
	for len(queue) > 0 {
		op := queue[0]
		queue = queue[1:]
		fired := false
		for try := 0; try < 4 && !fired; try++ {
			var seen []string
			if seen, fired = run(t, op); t.Failed() {
				t.Fatalf("at %q", op)
			}
			if !fired {
				learn(seen)
			}
		}
		if !fired {
			missed++
			if !strings.HasPrefix(op, "read ") && !strings.HasPrefix(op, "write ") && !strings.HasPrefix(op, "sync model.") && !strings.HasPrefix(op, "row of model.") {
				t.Errorf("%q did not happen again", op)
			}
		}
	}
	t.Logf("%d operations, %d of them did not happen again", len(known), missed)
	for _, kind := range []string{"mkdir of the download, 1", "open model.safetensors, 2", "truncate LICENSE, 1", "reserve model.safetensors, 1", "write model.safetensors, 1",
		"sync model.safetensors, 1", "read model.safetensors, 1", "row of model.safetensors, 1", "free space, 1", "row: downloading, 1", "row: publishing, 1",
		"sync folder of the download, 2", "rename, 1", "sync folder models, 2", "row of the model, 1"} {
		if !known[kind] {
			t.Errorf("there was no %q among %q", kind, slices.Sorted(maps.Keys(known)))
		}
	}
}

// TestFailsAtEveryOperation lets the file system or the database fail at each
// operation in turn. After it, and after a plain retry, the model is whole or
// absent.
func TestFailsAtEveryOperation(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	want := little(120_000)
	hub.Put(repo, want)
	for _, c := range []struct {
		name    string
		err     error
		streams int
	}{{"input/output error, one stream", syscall.EIO, 1}, {"no space, parts", syscall.ENOSPC, 3}} {
		t.Run(c.name, func(t *testing.T) {
			everyOperation(t, func(t *testing.T, at string) ([]string, bool) {
				var fired atomic.Bool
				l := &disktest.Layer{Before: func(op string) error {
					if op != at || fired.Swap(true) {
						return nil
					}
					return fmt.Errorf("%s: %w", op, c.err)
				}}
				b, err := begin(t, t.TempDir(), hub.URL, l)
				if err != nil {
					t.Fatal(err)
				}
				defer b.db.Close()
				b.hub, b.want, b.Pace = hub, want, littlePace
				b.Pace.Streams = c.streams
				if j, err := b.Add(t.Context(), repo, "", ""); err == nil {
					_ = b.RunUntil(t.Context(), j.ID) // fails or not: what matters is what is there
				}
				seen := l.Seen()
				b.exact()
				if fired.Load() { // and then the power goes
					l.Crash(rand.New(rand.NewPCG(uint64(len(seen)), 21)))
					b.exact()
					b.recorded()
				}
				b.whole(b.finish())
				return seen, fired.Load()
			})
		})
	}
}

// TestPowerCutAtEveryOperation cuts the power before each operation in turn:
// what was not synced is gone, in any part. What the rows call certain is there,
// and the download goes on to the whole.
func TestPowerCutAtEveryOperation(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	want := little(120_000)
	hub.Put(repo, want)
	everyOperation(t, func(t *testing.T, at string) ([]string, bool) {
		var fired atomic.Bool
		l := &disktest.Layer{}
		l.Before = func(op string) error {
			if op != at {
				return nil
			}
			fired.Store(true)
			return l.Cut()
		}
		home := t.TempDir()
		b, err := begin(t, home, hub.URL, l)
		if err != nil {
			t.Fatal(err)
		}
		b.hub, b.want, b.Pace = hub, want, littlePace
		if j, err := b.Add(t.Context(), repo, "", ""); err == nil {
			_ = b.RunUntil(t.Context(), j.ID)
		}
		b.db.Close()
		seen := l.Seen()
		if fired.Load() {
			l.Crash(rand.New(rand.NewPCG(uint64(len(seen)), 62)))
		}
		after := open(t, home, hub)
		defer after.db.Close()
		after.want, after.Pace = want, littlePace
		after.exact()
		after.recorded()
		after.whole(after.finish())
		return seen, fired.Load()
	})
}
