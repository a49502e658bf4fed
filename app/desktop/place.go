package desktop

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Place is where the main window was, in points.
type Place struct {
	X         int  `json:"x"`
	Y         int  `json:"y"`
	Width     int  `json:"width"`
	Height    int  `json:"height"`
	Maximised bool `json:"maximised"`
}

// Limits of a size worth restoring.
const (
	minWidth, minHeight         = 480, 400
	defaultWidth, defaultHeight = 1080, 760
	maxSide                     = 16384
)

// readPlace gives the saved place; ok is false when there is none, or none
// that can be used.
func readPlace(file string) (p Place, ok bool) {
	data, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(data, &p) != nil {
		return Place{}, false
	}
	inside := func(v, low, high int) bool { return low <= v && v <= high }
	if !inside(p.Width, minWidth, maxSide) || !inside(p.Height, minHeight, maxSide) ||
		!inside(p.X, -maxSide, maxSide) || !inside(p.Y, -maxSide, maxSide) {
		return Place{}, false
	}
	return p, true
}

// writePlace replaces the file whole, so that a crash leaves the old one.
func writePlace(file string, p Place) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("save the window's place: %w", err)
	}
	temp := filepath.Join(filepath.Dir(file), ".window.tmp")
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return fmt.Errorf("save the window's place: %w", err)
	}
	if err := os.Rename(temp, file); err != nil {
		return fmt.Errorf("save the window's place: %w", err)
	}
	return nil
}
