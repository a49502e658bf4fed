// Package darwincheck type-checks Qwill's macOS code on any machine: it reads
// the packages as the go command lists them for darwin/arm64 and checks them
// with go/types. C is not seen (FakeImportC), so cgo files must stay tiny.
package darwincheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Tags are the build tags of the app with its window.
const Tags = "desktop,production"

// Result is what was checked.
type Result struct {
	Errors   []error
	Packages map[string]*types.Package // by import path, dependencies included
}

type listed struct {
	ImportPath, Dir   string
	GoFiles, CgoFiles []string
	ImportMap         map[string]string
	Module            *struct{ Main bool }
	Error             *struct{ Err string }
}

// Packages of others never depend on ours, so each is checked once.
var (
	others = map[string]*types.Package{}
	fset   = token.NewFileSet()
)

// Check type-checks the patterns in the module at dir. Overlay replaces files
// by path relative to dir. The error is for what kept it from checking; what
// it found is in Result.Errors. Not for use by several goroutines at once.
func Check(dir string, overlay map[string]string, patterns ...string) (*Result, error) {
	packages, err := list(dir, patterns)
	if err != nil {
		return nil, err
	}
	replaced := map[string]string{}
	for path, text := range overlay {
		replaced[filepath.Join(dir, path)] = text
	}
	r := &Result{Packages: map[string]*types.Package{"unsafe": types.Unsafe}}
	for _, p := range packages { // dependencies come first
		if p.ImportPath == "unsafe" {
			continue
		}
		ours := p.Module != nil && p.Module.Main
		if known := others[p.ImportPath]; known != nil && !ours {
			r.Packages[p.ImportPath] = known
			continue
		}
		if p.Error != nil && ours {
			r.Errors = append(r.Errors, fmt.Errorf("%s: %s", p.ImportPath, p.Error.Err))
		}
		var files []*ast.File
		for _, name := range append(p.GoFiles, p.CgoFiles...) {
			path := filepath.Join(p.Dir, name)
			var source any
			if text, ok := replaced[path]; ok {
				source = text
			}
			f, err := parser.ParseFile(fset, path, source, parser.SkipObjectResolution)
			if err != nil {
				if ours {
					r.Errors = append(r.Errors, err)
				}
				continue
			}
			files = append(files, f)
		}
		config := types.Config{
			Importer:         importer{r.Packages, p.ImportMap},
			FakeImportC:      true,
			IgnoreFuncBodies: !ours, // of others only the declarations matter
			Sizes:            types.SizesFor("gc", "arm64"),
			Error: func(err error) {
				// A field of a C struct has no type here; that is no mistake.
				if ours && (len(p.CgoFiles) == 0 || !strings.Contains(err.Error(), "invalid type")) {
					r.Errors = append(r.Errors, err)
				}
			},
		}
		checked, _ := config.Check(p.ImportPath, fset, files, nil) // errors went to config.Error
		r.Packages[p.ImportPath] = checked
		if !ours {
			others[p.ImportPath] = checked
		}
	}
	return r, nil
}

func list(dir string, patterns []string) ([]listed, error) {
	args := append([]string{"list", "-e", "-deps", "-tags", Tags,
		"-json=ImportPath,Dir,GoFiles,CgoFiles,ImportMap,Module,Error"}, patterns...)
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("list the packages for darwin/arm64: %w\n%s", err, &stderr)
	}
	var packages []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("read go list's output: %w", err)
		}
		packages = append(packages, p)
	}
}

// importer finds packages that were checked before.
type importer struct {
	packages map[string]*types.Package
	renamed  map[string]string // the standard library's vendored packages
}

func (i importer) Import(path string) (*types.Package, error) {
	if to, ok := i.renamed[path]; ok {
		path = to
	}
	if p := i.packages[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("package %s is not among the dependencies", path)
}

// Ours gives the import paths below a prefix.
func (r *Result) Ours(prefix string) []string {
	var paths []string
	for path := range maps.Keys(r.Packages) {
		if path == prefix || len(path) > len(prefix) && path[:len(prefix)+1] == prefix+"/" {
			paths = append(paths, path)
		}
	}
	return paths
}
