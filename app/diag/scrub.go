package diag

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

func typeName(v any) string { return fmt.Sprintf("%T", v) }

func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// keep are the lines of a dying program that cannot hold anybody's text: places
// in the program and words of the system.
var keep = []*regexp.Regexp{
	regexp.MustCompile(`^goroutine \d+ .*\[[\pL\pN ,.()-]+\]:$`),
	regexp.MustCompile(`^\s+\S+\.(go|s|c|cpp|h):\d+( \+0x[0-9a-f]+)?$`),
	regexp.MustCompile(`^(panic: |fatal error: )?runtime error: [\pL\pN ,\[\]:()<>=!-]*$`),
	regexp.MustCompile(`^fatal error: [\pL\pN ,:()-]*$`),
	regexp.MustCompile(`^\[signal SIG[A-Z]+: [\pL ]+ code=\S+ addr=\S+ pc=\S+\]$`),
	regexp.MustCompile(`^SIG[A-Z]+: [\pL ]+$`),
	regexp.MustCompile(`^PC=0x\S+ m=\d+ sigcode=\d+( addr=\S+)?$`),
	regexp.MustCompile(`^signal [\pL ]+$`),
	regexp.MustCompile(`^exit code -?\d+$`),
	regexp.MustCompile(`^it (ended|was closed|did not answer|did not say hello)$`),
	regexp.MustCompile(`^terminate called [\pL ]*'[\pL\pN:_]+'$`),
	regexp.MustCompile(`^terminate called recursively$`),
	regexp.MustCompile(`error while loading shared libraries: [\w.+-]+(: cannot open shared object file)?`),
	regexp.MustCompile(`^created by [\w./*()\[\]-]+( in goroutine \d+)?$`),
	regexp.MustCompile(`^[a-z0-9]+ +0x[0-9a-f]+$`), // a register
}

var (
	call   = regexp.MustCompile(`^([\w./*()\[\],-]+)\((0x|\{|\.\.\.|_).*\)$`) // of a trace, with its arguments
	noArgs = regexp.MustCompile(`^[\w./*()\[\],-]+\(\)$`)
	entry  = regexp.MustCompile(`^time=(\S+) level=([A-Z]+) msg=("[^"]*"|\S+)`)
	what   = regexp.MustCompile(`^what\(\): +(\[[\w:]+\])`)
	dying  = regexp.MustCompile(`^(panic|fatal error): `)
)

// Scrub keeps of a program's last lines what tells where it died and drops what
// may hold text of a user: messages, arguments, anything unknown.
func Scrub(lines []string) []string {
	var out []string
	dropped := 0
	for _, line := range lines {
		line = strings.TrimRight(line, " \r")
		kept, ok := scrubLine(line)
		if !ok {
			dropped++
			continue
		}
		if kept == "" {
			continue
		}
		if dropped > 0 {
			out = append(out, fmt.Sprintf("(%d lines left out)", dropped))
			dropped = 0
		}
		out = append(out, kept)
	}
	if dropped > 0 {
		out = append(out, fmt.Sprintf("(%d lines left out)", dropped))
	}
	return out
}

func scrubLine(line string) (kept string, ok bool) {
	if len(line) > 1000 {
		return "", false
	}
	bare := strings.TrimSpace(line)
	for _, re := range keep {
		if re.MatchString(line) || re.MatchString(bare) {
			return home(line), true
		}
	}
	// A cause is several things in a row: signal killed: panic: …
	if first, rest, found := strings.Cut(bare, ": "); found && (strings.HasPrefix(first, "signal ") || strings.HasPrefix(first, "exit code ")) {
		if k, ok := scrubLine(first); ok {
			if r, ok := scrubLine(rest); ok {
				return k + ": " + r, true
			}
			return k + ": " + leftOut, true
		}
	}
	switch {
	case bare == "":
		return "", true
	case entry.MatchString(line):
		return entry.FindString(line), true
	case noArgs.MatchString(bare):
		return bare, true
	case call.MatchString(bare):
		return call.FindStringSubmatch(bare)[1] + "(…)", true
	case what.MatchString(bare):
		return what.FindString(bare) + " " + leftOut, true
	case dying.MatchString(bare):
		return dying.FindString(bare) + leftOut, true
	}
	return "", false
}

// home drops the folders of the machine that built or runs the program.
func home(line string) string {
	i := strings.Index(line, "/")
	if i < 0 || !strings.HasPrefix(line, "\t") {
		return line
	}
	dir, base := filepath.Split(line[i:])
	return "\t" + filepath.Join("…", filepath.Base(filepath.Clean(dir)), base)
}
