package diag

import (
	"fmt"
	"os"
	"strings"

	"qwill/app/errs"
)

// States of a check.
const (
	OK      = "ok"
	Note    = "note"    // worth knowing, nothing is broken
	Problem = "problem" // something does not work
)

// Check is one line of the report.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	State  string `json:"state"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// Report is what the doctor found, to be read and pasted. It holds no text of
// chats, and the user's folder only as ~.
type Report struct {
	Text     string  `json:"text"`
	Checks   []Check `json:"checks"`
	Problems int     `json:"problems"`
}

func (r *Report) add(name, state, detail, hint string) {
	r.Checks = append(r.Checks, Check{Name: name, OK: state != Problem, State: state, Detail: Short(detail), Hint: Short(hint)})
	if state == Problem {
		r.Problems++
	}
}

// OK adds what is well.
func (r *Report) OK(name, format string, args ...any) {
	r.add(name, OK, fmt.Sprintf(format, args...), "")
}

// Note adds what is worth knowing.
func (r *Report) Note(name, found, hint string) { r.add(name, Note, found, hint) }

// Problem adds what does not work.
func (r *Report) Problem(name string, err error) {
	e := errs.From(err)
	found := e.Message
	if e.Detail != "" {
		found = e.Detail + ": " + found
	}
	r.add(name, Problem, found, e.Hint)
}

// Write fills in Text.
func (r *Report) Write() {
	var b strings.Builder
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "%-8s %-12s %s\n", c.State, c.Name, strings.ReplaceAll(c.Detail, "\n", "\n"+strings.Repeat(" ", 22)))
		if c.Hint != "" {
			fmt.Fprintf(&b, "%-8s %-12s -> %s\n", "", "", c.Hint)
		}
	}
	r.Text = b.String()
}

// Short writes the user's folder as ~.
func Short(text string) string {
	dir, err := os.UserHomeDir()
	if err != nil || len(dir) < 2 {
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(text, dir)
		if i < 0 {
			return b.String() + text
		}
		rest := text[i+len(dir):]
		whole := rest == "" || strings.ContainsAny(rest[:1], `/:,; "')`)
		b.WriteString(text[:i])
		if whole {
			b.WriteString("~")
		} else {
			b.WriteString(dir)
		}
		text = rest
	}
}

// Size writes bytes for people.
func Size(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f kB", float64(n)/1e3)
}
