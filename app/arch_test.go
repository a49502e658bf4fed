// Package app_test holds the house's rules: who may import whom, and why.
package app_test

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const root = ".."

// tags are those of the app with its window, so that its imports are seen.
const tags = "desktop,production,webkit2_41"

type pkg struct {
	ImportPath                         string
	Imports, Deps, CgoFiles            []string
	TestImports, XTestImports, GoFiles []string
}

// packages lists Qwill's packages for a system.
func packages(t *testing.T, goos, goarch string, patterns ...string) []pkg {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-tags", tags,
		"-json=ImportPath,Imports,Deps,CgoFiles,GoFiles,TestImports,XTestImports"}, patterns...)...)
	cmd.Dir = root
	cmd.Env = append(cmd.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// below says whether path is the package prefix or inside it.
func below(path string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

// rule forbids imports. from and to are prefixes; except are importers that may.
type rule struct {
	from   string
	to     []string
	except []string // importers
	allow  []string // imports
	why    string
}

var rules = []rule{
	{from: "qwill/engine", to: []string{"qwill/app"},
		why: "the engine must be usable, and testable, without the app: it knows models, not chats"},
	{from: "qwill/app", to: []string{"qwill/engine"}, allow: []string{"qwill/engine", "qwill/engine/proto"},
		why: "the app sees only the facade, so that everything behind it can change, and no MLX comes into the app"},
	{from: "qwill", to: []string{"github.com/wailsapp/wails"}, except: []string{"qwill/app/desktop"},
		why: "one package knows the window's library, so that a new version, or another library, touches one package"},
	{from: "qwill", to: []string{"github.com/progrium/darwinkit"}, except: []string{"qwill/app/macos"},
		why: "code against AppKit never runs on the machines that test it: it must stay in one thin package"},
	{from: "qwill", to: []string{"fyne.io/systray"}, except: []string{"qwill/app/linux"},
		why: "the tray's library clashes with Wails on a Mac"},
	{from: "qwill", to: []string{"github.com/mattn/go-sqlite3", "database/sql"}, except: []string{"qwill/app/store"},
		why: "everyone else uses the interfaces that the store implements"},
	{from: "qwill", to: []string{"qwill/engine/mlx"}, allow: []string{"qwill/engine/mlx/kernels"},
		except: []string{"qwill/engine/worker", "qwill/engine/cmd/qwill-engine", "qwill/engine/models", "qwill/engine/nn", "qwill/engine/kv",
			"qwill/engine/sample", "qwill/engine/load", "qwill/engine/generate", "qwill/engine/mlx"},
		why: "only what runs in the engine's process may touch MLX; app and host live in the other one"},
	{from: "qwill/app/write", to: []string{"qwill/app/api", "qwill/app/cli", "qwill/app/desktop"}, why: "doors use the app, never the other way round"},
	{from: "qwill/app/write/edits", to: []string{"qwill"}, why: "where an edit is meant is decided by the text alone, whatever model or door it comes from"},
	{from: "qwill/app/chat", to: []string{"qwill/app/api", "qwill/app/cli", "qwill/app/desktop", "qwill/app/store"},
		why: "a service declares the interfaces it needs; doors and the store come from outside"},
	{from: "qwill/app/command", to: []string{"qwill/app"}, allow: []string{"qwill/app/command", "qwill/app/errs"},
		why: "the registry is data that every door reads; it depends on none of them"},
	{from: "qwill/app/search", to: []string{"qwill"}, why: "how words are cut is one thing for the store's index and for what is shown of a hit; it knows neither"},
	{from: "qwill", to: []string{"qwill/app/fetch/hubtest"}, except: []string{"qwill/app/fetch/hubtest"},
		why: "a hub that misbehaves belongs to tests"},
	{from: "qwill", to: []string{"qwill/app/disk/disktest"}, except: []string{"qwill/app/disk/disktest"}, why: "a disk that fails belongs to tests"},
	{from: "qwill", to: []string{"qwill/app/keychain/keychaintest"}, except: []string{"qwill/app/keychain/keychaintest"}, why: "a keychain in memory belongs to tests"},
	{from: "qwill/app/keychain", to: []string{"qwill"}, allow: []string{"qwill/app/errs", "qwill/app/keychain"}, why: "it keeps secrets, whatever they are for"},
	{from: "qwill/app/transfer", to: []string{"qwill/app/api", "qwill/app/cli", "qwill/app/desktop", "qwill/app/store", "qwill/app/wire"},
		why: "what is read from foreign files reaches the chats only through their own checks"},
	{from: "qwill/app/privacy", to: []string{"qwill/app/api", "qwill/app/cli", "qwill/app/desktop", "qwill/app/store", "qwill/app/wire"},
		why: "a service declares the interfaces it needs; doors and the store come from outside"},
	{from: "qwill/app/history", to: []string{"qwill"}, allow: []string{"qwill/app/errs"},
		why: "a service declares the interfaces it needs; doors and the store come from outside"},
	{from: "qwill/app/diag", to: []string{"qwill/app/api", "qwill/app/cli", "qwill/app/desktop", "qwill/app/store", "qwill/app/wire", "qwill/app/chat"},
		why: "logs and reports know nothing of chats, so that they cannot tell of them"},
	{from: "qwill/app/shortcut", to: []string{"qwill"}, why: "the name of a shortcut is the same for the settings, for every system and for the page"},
	{from: "qwill", to: []string{"github.com/jezek/xgb"}, except: []string{"qwill/app/linux"},
		why: "one package knows the X server, which Wayland and the Mac do not have"},
	{from: "qwill/engine/schema", to: []string{"qwill"}, allow: []string{"qwill/engine/proto", "qwill/engine/reasoning",
		"qwill/engine/schema/automaton", "qwill/engine/schema/grammar", "qwill/engine/schema/mask"},
		why: "the form of an answer is decided on bytes and tables of tokens: it knows no model and no network"},
	{from: "qwill/app/suggest", to: []string{"qwill", "os", "net", "sync"}, except: []string{"qwill/app/suggest/live"},
		why: "when a suggestion is shown or taken is decided on events alone, so that recorded traces prove it; app/suggest/live runs it"},
	{from: "qwill/app/power", to: []string{"qwill"}, why: "it tells how the machine is; what follows from that is decided elsewhere"},
	{from: "qwill/app/linux/atspi", to: []string{"qwill"}, why: "it speaks with other programs, and knows nothing of what Qwill does with their texts"},
	{from: "qwill/app/linux/keys", to: []string{"qwill"}, why: "which keys are borrowed, and given back, is between it and the X server alone"},
	{from: "qwill/app/linux/overlay", to: []string{"qwill"}, why: "it shows a text at a place, and knows nothing of whose text it is"},
	{from: "qwill", to: []string{"github.com/go-text/typesetting", "golang.org/x/image"}, except: []string{"qwill/app/linux/overlay"},
		why: "text is set by the page, but for the one window that is not a page"},
	{from: "qwill/app/shell", to: []string{"qwill"}, why: "what the desktop asks for is plain Go, the same on every system"},
	{from: "qwill/app/disk", to: []string{"qwill"}, allow: []string{"qwill/app/disk"}, why: "it is operations on files, whatever they hold"},
	{from: "qwill", to: []string{"net/http"}, except: []string{"qwill/app/api", "qwill/app/fetch", "qwill/app/cli", "qwill/app/desktop", "qwill/app/wire", "qwill/app/errs", "qwill"},
		why: "the engine and the services open no connections; HTTP is a door"},
}

func TestImports(t *testing.T) {
	for _, goos := range []string{"linux", "darwin"} {
		goarch := map[string]string{"linux": "amd64", "darwin": "arm64"}[goos]
		all := packages(t, goos, goarch, "./...")
		if len(all) < 20 {
			t.Fatalf("%s: only %d packages found", goos, len(all))
		}
		for _, r := range rules {
			for _, violation := range r.violations(all) {
				t.Errorf("%s: %s, but %s", goos, violation, r.why)
			}
		}
	}
}

func (r rule) violations(all []pkg) []string {
	var found []string
	for _, p := range all {
		exact := r.except
		if !below(p.ImportPath, r.from) || slices.ContainsFunc(exact, func(e string) bool {
			return p.ImportPath == e || e != "qwill" && below(p.ImportPath, e)
		}) {
			continue
		}
		for _, i := range p.Imports {
			if below(i, r.to...) && !slices.Contains(r.allow, i) && i != p.ImportPath {
				found = append(found, fmt.Sprintf("%s imports %s", p.ImportPath, i))
			}
		}
	}
	return found
}

// TestRulesBite proves that each rule finds what it forbids.
func TestRulesBite(t *testing.T) {
	for _, r := range rules {
		bad := pkg{ImportPath: r.from + "/newcomer", Imports: []string{r.to[0] + "/part"}}
		if len(r.violations([]pkg{bad})) != 1 {
			t.Errorf("a %s that imports %s is not found", bad.ImportPath, bad.Imports[0])
		}
	}
}

// TestCgo keeps C where it is expected: it is what can crash a process.
func TestCgo(t *testing.T) {
	allowed := []string{"qwill/engine/mlx", "qwill/app/desktop", "qwill/app/macos"}
	for _, p := range packages(t, runtime.GOOS, runtime.GOARCH, "./...") {
		if len(p.CgoFiles) > 0 && !below(p.ImportPath, allowed...) {
			t.Errorf("%s uses cgo in %v: only %v may", p.ImportPath, p.CgoFiles, allowed)
		}
	}
}

// TestBinaries keeps the two processes apart, as sources and as built files: a
// missing or crashing library on one side must not take the other one down.
func TestBinaries(t *testing.T) {
	tests := []struct {
		pattern, file string
		deps, libs    []string // forbidden
	}{
		{".", "build/bin/qwill", []string{"qwill/engine/mlx", "qwill/engine/worker"}, []string{"libmlx", "libblas", "liblapack", "libgfortran"}},
		{"./engine/cmd/qwill-engine", "build/bin/qwill-engine",
			[]string{"github.com/wailsapp/wails/v2", "github.com/mattn/go-sqlite3", "fyne.io/systray", "qwill/app"},
			[]string{"libgtk", "libgdk", "libwebkit", "libjavascriptcore"}},
	}
	for _, tt := range tests {
		t.Run(filepath.Base(tt.file), func(t *testing.T) {
			for _, p := range packages(t, runtime.GOOS, runtime.GOARCH, tt.pattern) {
				for _, d := range p.Deps {
					if below(d, tt.deps...) {
						t.Errorf("%s depends on %s", p.ImportPath, d)
					}
				}
			}
			if runtime.GOOS != "linux" {
				return
			}
			libs := needed(t, filepath.Join(root, tt.file))
			for _, lib := range libs {
				for _, prefix := range tt.libs {
					if strings.HasPrefix(lib, prefix) {
						t.Errorf("%s links %s", tt.file, lib)
					}
				}
			}
		})
	}
}

// needed gives the libraries that a built program loads at its start.
func needed(t *testing.T, file string) []string {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatalf("%v (run make build first)", err)
	}
	defer f.Close()
	libs, err := f.ImportedLibraries()
	if err != nil {
		t.Fatal(err)
	}
	return libs
}
