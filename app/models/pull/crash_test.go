package pull_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"qwill/app/fetch/hubtest"
	"qwill/app/models"
	"qwill/app/models/pull"
)

// camera is a store that keeps what a kill -9 would leave: a copy of the whole
// home around each change.
type camera struct {
	pull.Store
	shoot func(step string)
	fail  error // of the next PublishJob
}

func (c *camera) SaveJob(ctx context.Context, j pull.Job) error {
	c.shoot("before " + j.State)
	return c.Store.SaveJob(ctx, j)
}

func (c *camera) SaveJobFile(ctx context.Context, id string, f pull.File) error {
	c.shoot("before a record of " + f.Path)
	return c.Store.SaveJobFile(ctx, id, f)
}

func (c *camera) PublishJob(ctx context.Context, id string, m models.Model, files []models.FileHash) error {
	c.shoot("renamed")
	if err := c.fail; err != nil {
		c.fail = nil
		return err
	}
	err := c.Store.PublishJob(ctx, id, m, files)
	c.shoot("listed")
	return err
}

// Killed at any step, the next process finishes the download, and no model is
// there before it is whole.
func TestKilledAtEveryStep(t *testing.T) {
	b := setup(t)
	shots := t.TempDir()
	var steps, dirs []string
	b.Service.Store = &camera{Store: b.db, shoot: func(step string) {
		dir := filepath.Join(shots, step)
		if _, err := os.Stat(dir); err == nil {
			return // that step once
		}
		if err := os.CopyFS(dir, os.DirFS(b.home)); err != nil {
			t.Error(err)
		}
		steps, dirs = append(steps, step), append(dirs, dir)
	}}
	j := b.pull(repo)
	b.whole(j)
	if len(steps) < 9 {
		t.Errorf("only %q", steps)
	}
	for i, dir := range dirs {
		t.Run(steps[i], func(t *testing.T) {
			after := open(t, dir, b.hub)
			listed, err := after.models.List(t.Context())
			if err != nil || (len(listed) == 1) != (steps[i] == "listed") {
				t.Errorf("listed at once: %+v %v", listed, err)
			}
			before := len(b.hub.Requests())
			after.whole(after.until(j.ID))
			if n := len(b.hub.Requests()) - before; n != 0 && (steps[i] == "renamed" || steps[i] == "listed") {
				t.Errorf("%d requests for what was there", n)
			}
		})
	}
}

// A row that cannot be written costs nothing but another try.
func TestRowFails(t *testing.T) {
	b := setup(t)
	b.Service.Store = &camera{Store: b.db, shoot: func(string) {}, fail: errors.New("disk full")}
	j := b.pull(repo)
	if j.State != pull.Failed || j.Error == nil {
		t.Fatalf("%+v", j)
	}
	if all, _ := b.models.List(t.Context()); len(all) != 0 {
		t.Errorf("%+v", all)
	}
	before := len(b.hub.Requests())
	if _, err := b.Resume(t.Context(), j.ID); err != nil {
		t.Fatal(err)
	}
	b.whole(b.until(j.ID))
	if n := len(b.hub.Requests()) - before; n != 0 {
		t.Errorf("%d requests for what was there", n)
	}
}

// A folder of the model's name that is not the download is left alone.
func TestForeignFolder(t *testing.T) {
	b := setup(t)
	b.hub.Arm(hubtest.Fault{Kind: hubtest.Slow, Path: "model.safetensors", At: 8 << 20, Times: 1})
	mine := filepath.Join(b.models.Folder(), "qwen3-tiny-4bit")
	b.Service.Store = &camera{Store: b.db, shoot: func(step string) {
		if step == "before publishing" {
			os.MkdirAll(mine, 0o700)
			os.WriteFile(filepath.Join(mine, "mine"), nil, 0o600)
		}
	}}
	if j := b.pull(repo); j.State != pull.Failed {
		t.Errorf("%+v", j)
	}
	if _, err := os.Stat(filepath.Join(mine, "mine")); err != nil {
		t.Error(err)
	}
}

// Renamed but not listed, a download that moves to the other hub is published as
// it is, and one that is cancelled is gone.
func TestRenamedThenMovedOrCancelled(t *testing.T) {
	for name, act := range map[string]func(b *bench, j pull.Job){
		"moved": func(b *bench, j pull.Job) {
			before := len(b.hub.Requests())
			if _, err := b.Move(t.Context(), j.ID, pull.ModelScope); err != nil {
				t.Fatal(err)
			}
			b.whole(b.until(j.ID))
			if n := len(b.hub.Requests()) - before; n != 0 {
				t.Errorf("%d requests for what was there", n)
			}
		},
		"cancelled": func(b *bench, j pull.Job) {
			if err := b.Cancel(t.Context(), j.ID); err != nil {
				t.Fatal(err)
			}
			b.absent()
			b.whole(b.pull(repo))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			b.Service.Store = &camera{Store: b.db, shoot: func(string) {}, fail: errors.New("disk full")}
			j := b.pull(repo)
			if _, err := os.Stat(filepath.Join(b.models.Folder(), j.Name)); err != nil || j.State != pull.Failed {
				t.Fatalf("%s %v", j.State, err)
			}
			act(b, j)
		})
	}
}
