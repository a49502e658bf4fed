// Package diag tells what happened, and never what was written: log files and
// crash reports without any text of a user, and the doctor's report. Nothing
// of it leaves this machine.
package diag

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// LevelVariable chooses what the log holds: debug, info, warn, error.
const LevelVariable = "QWILL_LOG"

// Crashes is how many crash reports are kept.
const Crashes = 10

// Log is a process's log below the logs folder.
type Log struct {
	dir   string
	file  *file
	crash *os.File
	mu    sync.Mutex
	last  time.Time // of the last report, whose names are times
}

// Level reads LevelVariable; what it does not know is warn.
func Level() slog.Level {
	var l slog.Level
	if l.UnmarshalText([]byte(os.Getenv(LevelVariable))) != nil {
		return slog.LevelWarn
	}
	return l
}

// Terminal is a log for people: the same entries, cleaned the same way, since
// what a desktop's program writes to stderr ends in the system's journal.
func Terminal(w io.Writer, level slog.Level) slog.Handler {
	return handler{slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})}
}

// Open begins the log NAME.log in dir, catches crashes of this process, and
// files those of earlier ones.
func Open(dir, name string) (*Log, error) {
	f, err := openFile(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	l := &Log{dir: dir, file: f}
	l.collect()
	l.crash, err = os.OpenFile(filepath.Join(dir, fmt.Sprintf("%s%d", runningPrefix, os.Getpid())), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err == nil {
		err = debug.SetCrashOutput(l.crash, debug.CrashOptions{})
	}
	if err != nil {
		f.close()
		return nil, fmt.Errorf("prepare for crash reports: %w", err)
	}
	return l, nil
}

// Handler writes to the file, and to others beside it.
func (l *Log) Handler(others ...slog.Handler) slog.Handler {
	return slog.NewMultiHandler(append(others, handler{slog.NewJSONHandler(l.file, &slog.HandlerOptions{Level: Level()})})...)
}

// Close ends the log.
func (l *Log) Close() error {
	_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
	l.crash.Close()
	return errors.Join(os.Remove(l.crash.Name()), l.file.close())
}

// runningPrefix begins the file that receives a crash of the process whose
// number follows.
const runningPrefix = "running-"

// crashPrefix begins the name of a crash report; the time follows.
const crashPrefix = "crash-"

// collect turns what dead processes left into reports.
func (l *Log) collect() {
	left, err := filepath.Glob(filepath.Join(escape(l.dir), runningPrefix+"*"))
	if err != nil {
		return
	}
	for _, path := range left {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(path), runningPrefix))
		if err == nil && pid != os.Getpid() && alive(pid) {
			continue
		}
		info, err := os.Stat(path)
		if err == nil && info.Size() > 0 {
			if b, err := os.ReadFile(path); err == nil {
				l.report("qwill", info.ModTime(), "it ended by itself", strings.Split(string(b), "\n"))
			}
		}
		_ = os.Remove(path)
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// Crashed files the death of the engine's process with what it wrote last.
func (l *Log) Crashed(cause string, stderr []string) {
	l.report("qwill-engine", time.Now(), cause, stderr)
}

func (l *Log) report(program string, at time.Time, cause string, lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at = at.UTC().Truncate(time.Millisecond)
	if !at.After(l.last) {
		at = l.last.Add(time.Millisecond)
	}
	l.last = at
	text := fmt.Sprintf("%s, %s: %s\n%s\n", program, at.Format(time.RFC3339), strings.Join(Scrub([]string{cause}), " "), strings.Join(Scrub(lines), "\n"))
	path := filepath.Join(l.dir, crashPrefix+at.Format("20060102T150405.000Z")+".txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		slog.Warn("crash report not written", "error", err)
	}
	all := reports(l.dir)
	for _, old := range all[:max(0, len(all)-Crashes)] {
		_ = os.Remove(old)
	}
}

// reports lists the crash reports, oldest first.
func reports(dir string) []string {
	all, _ := filepath.Glob(filepath.Join(escape(dir), crashPrefix+"*.txt")) // sorted by name, so by time
	return all
}

// Empty drops what the log and the reports hold; the log goes on.
func (l *Log) Empty() error {
	err := l.file.empty()
	for _, path := range reports(l.dir) {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}
