package privacy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qwill/app/paths"
)

// Parts are what Erase works on. Files of the running process, such as its
// log, are emptied by their owners.
type Parts struct {
	Paths paths.Paths
	// Window says that a window is open: its web view has its files in use.
	Window bool
	// Stop ends all that writes, and drops what the engine remembers.
	Stop func(ctx context.Context) error
	// Chats erases everything in the database but models and settings.
	Chats func(ctx context.Context) error
	// Logs empties this process's own log; nil when it has none.
	Logs func() error
	// Models removes every model; nil leaves them.
	Models func(ctx context.Context) error
	// Settings gives every setting its default; nil leaves them.
	Settings func(ctx context.Context) error
}

// Erase erases everything that was written or recorded, and counts the bytes
// that came free. It goes on after a failure, so that as much as possible is
// gone, and tells all failures.
func Erase(ctx context.Context, p Parts) (freed int64, err error) {
	before := size(p)
	for _, step := range []func(context.Context) error{p.Stop, p.Chats, p.Models, p.Settings} {
		if step != nil {
			err = errors.Join(err, step(ctx))
		}
	}
	if p.Logs != nil {
		err = errors.Join(err, p.Logs())
	}
	ownLog := func(name string) bool {
		return p.Logs != nil && (name == "qwill.log" || strings.HasPrefix(name, "running-")) // its owner has emptied it
	}
	inUse := func(name string) bool { return p.Window && slices.Contains(webFiles, name) }
	err = errors.Join(err, empty(p.Paths.Logs, ownLog), empty(p.Paths.Cache, inUse), os.RemoveAll(p.Paths.Backups()))
	if !p.Window {
		for _, dir := range p.Paths.Web {
			for _, name := range webFiles {
				err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
			}
		}
	}
	return max(0, before-size(p)), err
}

// webFiles are what WebKitGTK keeps below the folders named after the program.
// They hold what the page keeps for itself, such as the options of a command.
var webFiles = []string{"localstorage", "storage", "databases", "mediakeys", "serviceworkers", "deviceidhashsalts", "itp",
	"hsts-storage.sqlite", "WebKitCache", "CacheStorage", "applications"}

// empty removes what lies in a folder, which stays, but for what is kept.
func empty(dir string, keep func(name string) bool) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("empty a folder: %w", err)
	}
	var all error
	for _, e := range entries {
		if !keep(e.Name()) {
			all = errors.Join(all, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return all
}

// size adds up the files that Erase concerns.
func size(p Parts) (n int64) {
	for _, dir := range []string{p.Paths.Data, p.Paths.Logs, p.Paths.Cache, p.Paths.Models} {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil
			}
			if dir == p.Paths.Data && strings.HasPrefix(path, p.Paths.Models+string(filepath.Separator)) {
				return fs.SkipDir // counted by itself
			}
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
			return nil
		})
	}
	return n
}
