// Package paths says where Qwill keeps its files.
package paths

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
)

// HomeVariable moves everything below one folder when it is set.
const HomeVariable = "QWILL_HOME"

// Paths holds absolute folders; Ensure creates them.
type Paths struct {
	Data   string // database and its backups
	Models string // our own model folders
	Logs   string
	Cache  string // what may be deleted at any time
	// Web are the folders, named after the program, in which the web view keeps
	// what the page stores. It knows nothing of HomeVariable: none there.
	Web []string
}

// Resolve reads QWILL_HOME, else the places that the system prescribes.
func Resolve() (Paths, error) {
	home := os.Getenv(HomeVariable)
	if home == "" {
		data := filepath.Join(xdg.DataHome, "qwill")
		return Paths{
			Data:   data,
			Models: filepath.Join(data, "models"),
			Logs:   filepath.Join(xdg.StateHome, "qwill", "logs"),
			Cache:  filepath.Join(xdg.CacheHome, "qwill"),
			Web:    []string{data, filepath.Join(xdg.CacheHome, "qwill")},
		}, nil
	}
	abs, err := filepath.Abs(home)
	if err != nil {
		return Paths{}, fmt.Errorf("read %s: %w", HomeVariable, err)
	}
	return Under(abs), nil
}

// Under places everything below one absolute folder.
func Under(home string) Paths {
	return Paths{
		Data:   filepath.Join(home, "data"),
		Models: filepath.Join(home, "models"),
		Logs:   filepath.Join(home, "logs"),
		Cache:  filepath.Join(home, "cache"),
	}
}

// Ensure creates the folders, readable by their owner only.
func (p Paths) Ensure() error {
	for _, dir := range []string{p.Data, p.Models, p.Logs, p.Cache} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("create Qwill's folder: %w", err)
		}
	}
	return nil
}

// Database is the file with chats, settings and the list of models.
func (p Paths) Database() string { return filepath.Join(p.Data, "qwill.db") }

// Backups receives damaged databases.
func (p Paths) Backups() string { return filepath.Join(p.Data, "backups") }

// Instance is locked by the one process that shows the interface.
func (p Paths) Instance() string { return filepath.Join(p.Data, "instance.lock") }
