package pull_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"qwill/app/disk"
	"qwill/app/disk/disktest"
	"qwill/app/errs"
	"qwill/app/fetch/hubtest"
	"qwill/app/models/pull"
)

// small mounts a file system of so many bytes.
func small(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("none", dir, "tmpfs", 0, "size="+size)
	if errors.Is(err, os.ErrPermission) {
		t.Skip("mounting a small file system needs root: the full disk was not tried")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes so many bytes.
func fill(t *testing.T, dir string, n int) string {
	t.Helper()
	path := filepath.Join(dir, ".filler")
	if err := os.WriteFile(path, make([]byte, n), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// blind is a disk whose free space and reservation cannot be relied on, as on
// some network file systems.
type blind struct{ disk.FS }

type blindFile struct{ disk.File }

func (b blind) Free(string) (int64, error) { return 1 << 40, nil }

func (b blind) Open(path string) (disk.File, error) {
	f, err := b.FS.Open(path)
	if err != nil {
		return nil, err
	}
	return blindFile{f}, nil
}

func (blindFile) Reserve(int64) error { return nil }

// TestFullDisk fills a real disk, before the download begins and in its middle,
// with the database beside it or on it. The job pauses and says why, what came
// stays, and with room again it goes on.
func TestFullDisk(t *testing.T) {
	for name, c := range map[string]struct {
		size    string
		taken   int
		blind   bool
		message string
	}{
		"before the start": {"5m", 3 << 20, false, "are needed and"},
		"in the middle":    {"5m", 3 << 20, true, "full"},
	} {
		t.Run(name, func(t *testing.T) {
			hub := hubtest.New()
			defer hub.Close()
			hub.Put(repo, files(qwen3))
			home := t.TempDir()
			room := small(t, c.size)
			if err := os.Symlink(room, filepath.Join(home, "models")); err != nil {
				t.Fatal(err)
			}
			b := open(t, home, hub)
			if c.blind {
				b.Disk = blind{disk.OS}
			}
			filler := fill(t, room, c.taken)
			j := b.pull(repo)
			if j.State != pull.Paused || j.Error == nil || j.Error.Code != errs.DiskFull || !strings.Contains(j.Error.Message, c.message) && !strings.Contains(j.Error.Message, "are needed and") {
				t.Fatalf("%s %v", j.State, j.Error)
			}
			b.absent()
			b.recorded()
			if c.blind && j.Done < 1<<20 {
				t.Errorf("%d bytes were kept", j.Done)
			}
			// Without room it stays as it is, and says so again.
			if _, err := b.Resume(t.Context(), j.ID); err != nil {
				t.Fatal(err)
			}
			if j = b.until(j.ID); j.State != pull.Paused || j.Error == nil || j.Error.Code != errs.DiskFull {
				t.Fatalf("%s %v", j.State, j.Error)
			}
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Resume(t.Context(), j.ID); err != nil {
				t.Fatal(err)
			}
			b.whole(b.until(j.ID))
			if c.blind {
				resumed(t, b)
			}
		})
	}
}

// TestFullDiskOfTheDatabase leaves no room for its journal: nothing is lost but
// the try.
func TestFullDiskOfTheDatabase(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	want := little(120_000)
	hub.Put(repo, want)
	room := small(t, "3m")
	var b *bench
	filler, filled := "", 0
	l := &disktest.Layer{}
	b, err := begin(t, room, hub.URL, l)
	if err != nil {
		t.Fatal(err)
	}
	b.hub, b.want, b.Pace = hub, want, littlePace
	l.Before = func(op string) error {
		if op == "row of the model, 1" {
			n, err := disk.OS.Free(room)
			if err != nil {
				t.Error(err)
			}
			filler, filled = fill(t, room, int(n)), int(n)
		}
		return nil
	}
	b.Pace.Margin = 1 << 10
	j, err := b.Add(t.Context(), repo, "", "")
	if err != nil {
		t.Fatal(err)
	}
	err = b.RunUntil(t.Context(), j.ID)
	if filled == 0 {
		t.Fatal("the disk was not filled")
	}
	if all, lerr := b.models.List(t.Context()); lerr != nil || len(all) != 0 {
		t.Errorf("listed: %+v %v; the run ended with %v", all, lerr, err)
	}
	b.exact()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	b.whole(b.finish())
}

// A volume that turns read-only, as after an error, ends the try with a reason;
// writable again it goes on.
func TestReadOnlyVolume(t *testing.T) {
	hub := hubtest.New()
	defer hub.Close()
	hub.Put(repo, files(qwen3))
	home := t.TempDir()
	room := small(t, "20m")
	if err := os.Symlink(room, filepath.Join(home, "models")); err != nil {
		t.Fatal(err)
	}
	b := open(t, home, hub)
	if err := os.WriteFile(filepath.Join(room, ".downloads.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", room, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	j, err := b.Add(t.Context(), repo, "", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	err = b.RunUntil(ctx, j.ID)
	cancel()
	if j, _ = b.Job(t.Context(), j.ID); err == nil && j.Error == nil {
		t.Errorf("no reason was given: %+v", j)
	}
	b.absent()
	if err := syscall.Mount("none", room, "tmpfs", syscall.MS_REMOUNT, "size=20m"); err != nil {
		t.Fatal(err)
	}
	b.whole(b.finish())
}
