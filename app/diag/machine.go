package diag

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"qwill/app/errs"
	"qwill/app/filelock"
	"qwill/app/paths"
)

// Machine reports the versions of Qwill and of the system.
func Machine(r *Report, version string) {
	r.OK("version", "qwill %s, %s/%s, %s", version, runtime.GOOS, runtime.GOARCH, runtime.Version())
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		r.OK("system", "%s, %s %s", system(), unix.ByteSliceToString(u.Sysname[:]), unix.ByteSliceToString(u.Release[:]))
	}
}

// system is the distribution's name.
func system() string {
	f, err := os.Open("/etc/os-release")
	if err != nil {
		return runtime.GOOS
	}
	defer f.Close()
	for lines := bufio.NewScanner(io.LimitReader(f, 64<<10)); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"`)
		}
	}
	return runtime.GOOS
}

// Folders reports where things are, and whether there is room.
func Folders(r *Report, p paths.Paths) {
	if err := p.Ensure(); err != nil {
		r.Problem("folders", errs.New(errs.Database, 500, "%v.", err).Try("make the folder writable for you, or set %s to another one", paths.HomeVariable))
		return
	}
	for _, f := range []struct{ name, path string }{{"data", p.Data}, {"models", p.Models}, {"logs", p.Logs}, {"cache", p.Cache}} {
		if err := unix.Access(f.path, unix.W_OK|unix.X_OK); err != nil {
			r.Problem(f.name, errs.New(errs.Database, 500, "The folder cannot be written.").At(f.path).Try("give yourself the right to write there: chmod u+rwx"))
			continue
		}
		var fs unix.Statfs_t
		if err := unix.Statfs(f.path, &fs); err != nil {
			r.OK(f.name, "%s", f.path)
			continue
		}
		free := int64(fs.Bavail) * int64(fs.Bsize)
		if f.name == "data" && free < 100<<20 {
			r.Note(f.name, fmt.Sprintf("%s, only %s free", f.path, Size(free)), "free some space, so that chats can be saved")
			continue
		}
		r.OK(f.name, "%s, %s used, %s free", f.path, Size(used(f.path)), Size(free))
	}
}

// used adds up the files below a folder.
func used(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				n += info.Size()
			}
		}
		return nil
	})
	return n
}

// Instance reports whether Qwill is open.
func Instance(r *Report, p paths.Paths) {
	lock, err := filelock.Try(p.Instance())
	switch {
	case errors.Is(err, filelock.ErrHeld):
		r.OK("instance", "Qwill is open now")
	case err != nil:
		r.Problem("instance", err)
	default:
		lock.Release()
		r.OK("instance", "Qwill is not open now")
	}
}

// lastErrors is how many entries of the log the report shows.
const lastErrors = 5

// Logs reports the last errors and the crash reports, which hold no text of
// chats.
func Logs(r *Report, dir string) {
	all, err := filepath.Glob(filepath.Join(escape(dir), "*.log"))
	if err != nil {
		return
	}
	type entry struct {
		Time  time.Time `json:"time"`
		Level string    `json:"level"`
		Msg   string    `json:"msg"`
		Error struct {
			Code string `json:"code"`
			Type string `json:"type"`
		} `json:"error"`
	}
	var found []entry
	for _, path := range all {
		for _, line := range tail(path, 256<<10) {
			var e entry
			// Of an error that is no group only the message is of use.
			if json.Unmarshal([]byte(line), &e) == nil || e.Msg != "" {
				if e.Level == "ERROR" || e.Level == "WARN" {
					found = append(found, e)
				}
			}
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].Time.Before(found[j].Time) })
	if len(found) == 0 {
		r.OK("log", "no errors")
	} else {
		var lines []string
		for _, e := range found[max(0, len(found)-lastErrors):] {
			lines = append(lines, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s", e.Time.UTC().Format(time.RFC3339), e.Level, e.Msg, e.Error.Code, e.Error.Type)), " "))
		}
		r.Note("log", fmt.Sprintf("%d warnings and errors, the last ones:\n%s", len(found), strings.Join(lines, "\n")), "")
	}
	crashes := reports(dir)
	if len(crashes) == 0 {
		r.OK("crashes", "none")
		return
	}
	var lines []string
	for _, path := range crashes {
		head := tail(path, 0)
		if len(head) > 0 {
			lines = append(lines, filepath.Base(path)+": "+head[0])
		}
	}
	r.Note("crashes", strings.Join(lines, "\n"), "the reports lie in "+dir+"; they are sent nowhere")
}

// tail gives the lines at a file's end, within so many bytes; 0 is all.
func tail(path string, bytes int64) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && bytes > 0 && info.Size() > bytes {
		if _, err := f.Seek(-bytes, io.SeekEnd); err != nil {
			return nil
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}
