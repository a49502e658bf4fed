package wire

import (
	"context"
	"errors"
	"testing"

	"qwill/app/models"
)

// A model is tried once, also over a restart; another file at the same place is
// another model; a trial that failed to run says nothing.
func TestTrials(t *testing.T) {
	dir := t.TempDir()
	tried := 0
	apt := func(tr *trials, m models.Model, verdict bool, err error) bool {
		t.Helper()
		got, gotErr := tr.apt(m, "fast", func() (bool, error) { tried++; return verdict, err })
		if !errors.Is(gotErr, err) {
			t.Errorf("error %v, want %v", gotErr, err)
		}
		return got
	}
	m := models.Model{Path: "/m", Bytes: 7}
	first := newTrials(dir)
	apt(first, m, false, context.Canceled)
	if !apt(first, m, true, nil) || !apt(first, m, false, nil) || tried != 2 {
		t.Errorf("tried %d times", tried)
	}
	again := newTrials(dir)
	if !apt(again, m, false, nil) || tried != 2 {
		t.Errorf("tried again: %d", tried)
	}
	m.Bytes = 8
	if apt(again, m, false, nil) || tried != 3 {
		t.Errorf("another model was not tried: %d", tried)
	}
}
