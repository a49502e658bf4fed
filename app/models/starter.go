package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"qwill/app/errs"
)

// StarterVariable names the starter's GGUF file, or the folder that holds it.
const StarterVariable = "QWILL_STARTER"

func describeStarter(m *Model) {
	m.Name, m.Starter, m.Owned = StarterName, true, true
	m.Title = "SmolLM2 135M (starter)"
	m.Note = "A small model for the first minute, not for serious writing: it answers simple questions but leaves errors uncorrected."
}

// FindStarter looks for the starter's GGUF file: in QWILL_STARTER, in the share
// folder beside an installed binary, in the build folder.
func FindStarter() (string, error) {
	var tried []string
	if v := os.Getenv(StarterVariable); v != "" {
		tried = []string{v}
	} else if self, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		dir := filepath.Dir(self)
		tried = []string{
			filepath.Join(dir, "starter"),
			filepath.Join(dir, "..", "share", "qwill", "starter"),
			filepath.Join(dir, "..", "Resources", "starter"),
			filepath.Join(dir, "..", ".deps", "starter"),
		}
	}
	for _, path := range tried {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if !info.IsDir() {
			return path, nil
		}
		if found, _ := filepath.Glob(filepath.Join(escape(path), "*.gguf")); len(found) > 0 {
			return found[0], nil
		}
	}
	e := errs.New(errs.NoModel, 409, "The starter model's file was not found.").
		Try("run make, or set %s to its .gguf file, or import a model with: qwill models import PATH --name NAME", StarterVariable)
	if len(tried) > 0 {
		e = e.At(tried[len(tried)-1])
	}
	return "", e
}

func (s *Service) removedMark() string { return filepath.Join(s.folder, ".starter-removed") }

// EnsureStarter installs the starter, once: not when it is there, not again
// after the user removed it. Processes that start together convert it once.
func (s *Service) EnsureStarter(ctx context.Context) error {
	s.ops.Lock()
	defer s.ops.Unlock()
	if there, err := s.hasStarter(ctx); there || err != nil {
		return err
	}
	if _, err := os.Stat(s.removedMark()); err == nil {
		return nil
	}
	lock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.Release()
	if there, err := s.hasStarter(ctx); there || err != nil {
		return err
	}
	target := filepath.Join(s.folder, StarterName)
	m, err := Inspect(target)
	if err != nil { // not left there whole by an earlier database
		if err := os.RemoveAll(target); err != nil {
			return err
		}
		source, err := s.starter()
		if err != nil {
			return err
		}
		if m, err = s.convert(ctx, source, StarterName); err != nil {
			return err
		}
		if err := steadyStarter(target); err != nil {
			return err
		}
	}
	describeStarter(&m)
	return s.add(ctx, m)
}

// steadyStarter gives the starter the sampling that its makers publish (the
// model card of SmolLM2-135M-Instruct), which the GGUF file lacks, and a penalty
// without which a model of this size runs in circles until the context is full.
func steadyStarter(folder string) error {
	path := filepath.Join(folder, "generation_config.json")
	data, err := os.ReadFile(path)
	config := map[string]any{}
	if err == nil {
		err = json.Unmarshal(data, &config)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("prepare the starter model: %w", err)
	}
	config["temperature"], config["top_p"] = 0.2, 0.9
	config["repetition_penalty"] = 1.1
	if data, err = json.MarshalIndent(config, "", " "); err != nil {
		return fmt.Errorf("prepare the starter model: %w", err)
	}
	// Written beside and renamed: a kill leaves the old file or the new one.
	if err = os.WriteFile(path+".new", append(data, '\n'), 0o600); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return fmt.Errorf("prepare the starter model: %w", err)
	}
	return nil
}

func (s *Service) hasStarter(ctx context.Context) (bool, error) {
	all, err := s.store.Models(ctx)
	if err != nil {
		return false, err
	}
	_, ok := pick(all, StarterName, "")
	return ok, nil
}
