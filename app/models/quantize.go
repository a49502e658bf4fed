package models

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"qwill/engine"
)

// Quantize installs a model made of m with weights of so many bits, one scale
// for groupSize of them. progress, which may be nil, is told the percentage.
// The folder is ours and appears only when it is whole.
func (s *Service) Quantize(ctx context.Context, m Model, name string, bits, groupSize int, progress func(percent int)) (Model, error) {
	s.ops.Lock()
	defer s.ops.Unlock()
	name, err := s.free(ctx, name)
	if err != nil {
		return Model{}, err
	}
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return Model{}, fmt.Errorf("create the models folder: %w", err)
	}
	partial := filepath.Join(s.folder, fmt.Sprintf(".partial-%d-%s", os.Getpid(), name))
	defer os.RemoveAll(partial)
	p := engine.QuantizeParams{Source: m.Path, Target: partial, Bits: bits, GroupSize: groupSize}
	if _, err := s.engine.Quantize(ctx, p, func(l engine.LoadProgress) {
		if progress != nil && l.Total > 0 {
			progress(int(100 * l.Done / l.Total))
		}
	}); err != nil {
		return Model{}, err
	}
	if _, err := Inspect(partial); err != nil {
		return Model{}, err
	}
	target := filepath.Join(s.folder, name)
	if err := os.Rename(partial, target); err != nil {
		return Model{}, fmt.Errorf("put the quantized model in its place: %w", err)
	}
	q, err := Inspect(target)
	if err != nil {
		return q, err
	}
	q.Name, q.Owned = name, true
	q.Title = fmt.Sprintf("%s, %d bit", m.Title, bits)
	q.Licence = m.Licence
	return q, s.add(ctx, q)
}
