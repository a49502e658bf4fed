package models

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"qwill/app/errs"
)

// Architectures are the kinds of model that the engine runs (engine/load).
var Architectures = []string{"llama", "qwen3"}

// Runs says whether the engine runs this kind of model.
func Runs(architecture string) bool { return slices.Contains(Architectures, architecture) }

// Folder holds our own models.
func (s *Service) Folder() string { return s.folder }

// Free gives a name that can be installed under: the wanted one, or that with a
// number behind it.
func (s *Service) Free(ctx context.Context, wanted string) (string, error) {
	wanted, err := CheckName(wanted)
	if err != nil {
		return "", err
	}
	for n := 1; ; n++ {
		name := wanted
		if n > 1 {
			name = fmt.Sprintf("%s-%d", wanted, n)
		}
		if _, err = s.free(ctx, name); err == nil || n == 100 {
			return name, err
		}
	}
}

// CheckFree says why a name cannot be installed under, if so.
func (s *Service) CheckFree(ctx context.Context, name string) error {
	_, err := s.free(ctx, name)
	return err
}

// Publish makes a model of a folder that lies whole and verified in ours. It
// appears under its name by one rename; row then lists it. A kill between the
// two is made good by calling Publish again: a folder under that name which
// settled accepts is taken for the one that was renamed.
func (s *Service) Publish(ctx context.Context, partial, name string, describe func(*Model), settled func(path string) error, row func(Model) error) (Model, error) {
	s.ops.Lock()
	defer s.ops.Unlock()
	lock, err := s.lock(ctx)
	if err != nil {
		return Model{}, err
	}
	defer lock.Release()
	target := filepath.Join(s.folder, name)
	if _, err := s.disk.Lstat(partial); err == nil {
		if _, err := Inspect(partial); err != nil {
			return Model{}, renamed(err, partial, target)
		}
		if _, err := s.free(ctx, name); err != nil {
			return Model{}, err
		}
		if err := s.disk.SyncDir(partial); err != nil {
			return Model{}, err
		}
		if err := s.disk.Rename(partial, target); err != nil {
			return Model{}, fmt.Errorf("put the model in its place: %w", err)
		}
	} else if err := settled(target); err != nil {
		return Model{}, err
	}
	if err := s.disk.SyncDir(s.folder); err != nil {
		return Model{}, err
	}
	m, err := Inspect(target)
	if err != nil {
		return m, err
	}
	m.Name, m.Owned = name, true
	describe(&m)
	if err := row(m); err != nil {
		return m, err
	}
	s.tell(ctx)
	return m, nil
}

// renamed lets an error speak of the place that the user knows.
func renamed(err error, from, to string) error {
	if e, ok := errors.AsType[*errs.Error](err); ok {
		e.Detail = strings.Replace(e.Detail, from, to, 1)
	}
	return err
}
