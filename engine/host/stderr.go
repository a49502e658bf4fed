package host

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
)

const (
	stderrLines = 200  // kept
	stderrWidth = 1000 // bytes kept of a line
)

// stderrLog keeps the last lines that the child wrote to stderr and passes each
// on to the log. It never fails and never blocks the child.
type stderrLog struct {
	log *slog.Logger

	mu    sync.Mutex
	part  []byte // unfinished line
	lines []string
}

// Write implements io.Writer.
func (s *stderrLog) Write(p []byte) (int, error) {
	n := len(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		piece := p
		if i >= 0 {
			piece = p[:i]
		}
		if room := stderrWidth - len(s.part); room > 0 {
			s.part = append(s.part, piece[:min(room, len(piece))]...)
		}
		if i < 0 {
			break
		}
		s.endLine()
		p = p[i+1:]
	}
	return n, nil
}

func (s *stderrLog) endLine() {
	line := strings.TrimRight(strings.ToValidUTF8(string(s.part), "\uFFFD"), "\r")
	s.part = s.part[:0]
	if line == "" {
		return
	}
	if len(s.lines) == stderrLines {
		s.lines = append(s.lines[:0], s.lines[1:]...)
	}
	s.lines = append(s.lines, line)
	if s.log != nil {
		s.log.Debug("engine", "stderr", line)
	}
}

// Lines gives the last lines, oldest first.
func (s *stderrLog) Lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

// fatalPrefixes start the line that tells why a Go or C++ program died; what
// follows it is a stack trace.
var fatalPrefixes = []string{"panic:", "fatal error:", "terminate called", "what():", "SIG", "qwill-engine:"}

// Cause gives the line that says best why the child ended: the last one that
// looks like a fatal message, else the last one that is not an entry of the
// child's log, which tells what went well.
func (s *stderrLog) Cause() string {
	s.mu.Lock()
	if len(s.part) > 0 {
		s.endLine()
	}
	s.mu.Unlock()
	lines := s.Lines()
	for i := len(lines) - 1; i >= 0; i-- {
		for _, p := range fatalPrefixes {
			if strings.HasPrefix(strings.TrimSpace(lines[i]), p) {
				return strings.TrimSpace(lines[i])
			}
		}
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if !strings.HasPrefix(lines[i], "time=") {
			return lines[i]
		}
	}
	return ""
}
