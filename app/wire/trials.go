package wire

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"qwill/app/models"
	"qwill/engine"
)

// trials remembers which models can be asked for edits, so that each is tried
// once. They are kept in the cache: what is lost is tried again.
type trials struct {
	file string

	mu   sync.Mutex
	seen map[string]bool // nil: not read yet
}

func newTrials(cache string) *trials {
	return &trials{file: filepath.Join(cache, "proofreading.json")}
}

// trialVersion names what is tried; another prompt wants another verdict.
const trialVersion = 1

// apt gives what is known of a model, else what try finds out.
func (t *trials) apt(m models.Model, mode engine.Mode, try func() (bool, error)) (bool, error) {
	key := fmt.Sprintf("%d %s %d %s %s", trialVersion, m.Path, m.Bytes, m.Revision, mode)
	t.mu.Lock()
	t.read()
	apt, known := t.seen[key]
	t.mu.Unlock()
	if known {
		return apt, nil
	}
	apt, err := try()
	if err != nil {
		return false, fmt.Errorf("try the model at a short text: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen[key] = apt
	b, err := json.Marshal(t.seen)
	if err == nil {
		err = os.WriteFile(t.file, b, 0o600)
	}
	if err != nil {
		slog.Warn("trial of a model not remembered", "error", err)
	}
	return apt, nil
}

func (t *trials) read() {
	if t.seen != nil {
		return
	}
	t.seen = map[string]bool{}
	if b, err := os.ReadFile(t.file); err == nil && json.Unmarshal(b, &t.seen) != nil {
		t.seen = map[string]bool{} // written half: tried again
	}
}
