// Command licences collects the licence of everything that Qwill ships into
// assets/licences.json. Run it after a dependency changed:
//
//	. build/env.sh; go run ./build/licences
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"

	"qwill/assets"
)

// allowed are the licences that fit Qwill's own, with their SPDX names.
var allowed = []string{"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD", "MPL-2.0", "Unlicense", "CC0-1.0", "OFL-1.1", "LicenseRef-Public-Domain",
	// GCC's runtime, which MLX's package for Linux brings as shared libraries.
	"GPL-3.0-or-later WITH GCC-exception-3.1", "LGPL-2.1-or-later"}

func main() {
	all, err := collect(".")
	if err == nil {
		err = write(filepath.Join("assets", assets.LicenceFile), all)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
	fmt.Printf("licences: %d parts\n", len(all))
}

func write(path string, all []assets.Licence) error {
	b, err := assets.EncodeLicences(all)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

// collect lists what is shipped from the repository's root: Qwill, the Go
// modules in its programs, the packages in its page, MLX and what lies beside
// it, the starter model.
func collect(root string) ([]assets.Licence, error) {
	modules, err := goModules(root)
	if err != nil {
		return nil, err
	}
	packages, err := npmPackages(root)
	if err != nil {
		return nil, err
	}
	others, err := fixed(root)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(others, modules, packages)
	slices.SortStableFunc(all[1:], func(a, b assets.Licence) int {
		return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	var bad []error
	for _, l := range all {
		if !slices.Contains(allowed, l.Licence) {
			bad = append(bad, fmt.Errorf("%s %s has the licence %q: it is not among those allowed", l.Name, l.Version, l.Licence))
		}
		if strings.TrimSpace(l.Text) == "" {
			bad = append(bad, fmt.Errorf("%s %s has no licence text", l.Name, l.Version))
		}
	}
	return all, errors.Join(bad...)
}

// programs are what is built, with their tags.
var programs = [][]string{{"-tags", "desktop,production,webkit2_41", "."}, {"./engine/cmd/qwill-engine"}}

// goModules lists the modules linked into the programs, on either system.
func goModules(root string) ([]assets.Licence, error) {
	type module struct{ Path, Version, Dir string }
	found := map[string]module{}
	for _, system := range []string{"linux/amd64", "darwin/arm64"} {
		for _, program := range programs {
			goos, goarch, _ := strings.Cut(system, "/")
			cmd := exec.Command("go", append([]string{"list", "-e", "-deps", "-json=Module"}, program...)...)
			cmd.Dir = root
			cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=1")
			out, err := cmd.Output()
			if err != nil {
				return nil, fmt.Errorf("list the modules of %v: %w", program, err)
			}
			for d := json.NewDecoder(bytes.NewReader(out)); ; {
				var p struct{ Module *module }
				if err := d.Decode(&p); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					return nil, err
				}
				if p.Module != nil && p.Module.Path != "qwill" {
					found[p.Module.Path] = *p.Module
				}
			}
		}
	}
	var all []assets.Licence
	for _, m := range found {
		text, err := texts(m.Dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		all = append(all, assets.Licence{Name: m.Path, Version: m.Version, Licence: classify(text), Text: text, URL: "https://pkg.go.dev/" + m.Path})
	}
	text, err := readText(root, "go.txt") // not every installation of Go brings it
	if err != nil {
		return nil, err
	}
	return append(all, assets.Licence{Name: "Go's standard library", Licence: classify(text), Text: text, URL: "https://go.dev"}), nil
}

// importName finds the packages that sources import, by statement or call.
var importName = regexp.MustCompile(`(?:from|import)\s*\(?\s*['"]([^'"./][^'"]*)['"]`)

// npmPackages lists the packages that the page's sources import, and those that
// they need themselves. It may name more than the bundle holds, never less.
func npmPackages(root string) ([]assets.Licence, error) {
	names := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(root, "frontend", "src"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".test.ts") || !slices.Contains([]string{".ts", ".svelte", ".css"}, filepath.Ext(path)) {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range importName.FindAllStringSubmatch(string(b), -1) {
			parts := strings.Split(m[1], "/")
			name := parts[0]
			if strings.HasPrefix(name, "@") && len(parts) > 1 {
				name += "/" + parts[1]
			}
			names[name] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	modules := filepath.Join(root, "frontend", "node_modules")
	var queue []string
	for name := range names {
		if _, err := os.Stat(filepath.Join(modules, name, "package.json")); err == nil { // else a word in a text
			queue = append(queue, name)
		}
	}
	if len(queue) == 0 {
		return nil, fmt.Errorf("no npm packages found: run make build first")
	}
	sort.Strings(queue)
	done := map[string]bool{}
	var all []assets.Licence
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		if done[name] || strings.HasPrefix(name, "@types/") {
			continue
		}
		done[name] = true
		dir := filepath.Join(modules, name)
		b, err := os.ReadFile(filepath.Join(dir, "package.json"))
		if err != nil {
			return nil, err
		}
		var p struct {
			Version, License, Homepage string
			Dependencies               map[string]string
		}
		if err := json.Unmarshal(b, &p); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for d := range p.Dependencies {
			queue = append(queue, d)
		}
		sort.Strings(queue)
		text, err := texts(dir)
		if errors.Is(err, errNoText) {
			if text, err = readText(root, "npm-"+strings.ReplaceAll(name, "/", "-")+".txt"); err != nil {
				return nil, fmt.Errorf("%s brings no licence text: put it into build/licences/texts: %w", name, err)
			}
		} else if err != nil {
			return nil, err
		}
		if p.License == "" {
			p.License = classify(text)
		}
		all = append(all, assets.Licence{Name: name, Version: p.Version, Licence: spdx(p.License), Text: text, URL: "https://www.npmjs.com/package/" + name})
	}
	return all, nil
}

// spdx picks the licence that is used where a package offers several.
func spdx(s string) string {
	s = strings.Trim(s, "()")
	offered := strings.Split(s, " OR ")
	for _, one := range allowed {
		if slices.Contains(offered, one) {
			return one
		}
	}
	return s
}

// pin reads a version from the set-up script, where it is pinned.
func pin(root, name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(root, "build", "setup.sh"))
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(name + `=(\S+)`).FindSubmatch(b)
	if m == nil {
		return "", fmt.Errorf("build/setup.sh pins no %s", name)
	}
	return string(m[1]), nil
}

// fixed lists what no package list names. Qwill itself comes first.
func fixed(root string) ([]assets.Licence, error) {
	mlx, err := pin(root, "mlx_version")
	if err != nil {
		return nil, err
	}
	starter, err := pin(root, "starter_version")
	if err != nil {
		return nil, err
	}
	qwill, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		return nil, err
	}
	apache := string(qwill)
	all := []assets.Licence{
		{Name: "Qwill", Licence: "Apache-2.0", Text: apache},
		{Name: "SmolLM2-135M-Instruct, the starter model", Version: starter, Licence: "Apache-2.0", Text: apache, URL: "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct"},
	}
	for _, p := range []struct{ name, version, licence, file, url string }{
		{"MLX", mlx, "MIT", "mlx.txt", "https://github.com/ml-explore/mlx"},
		{"JSON for Modern C++, in MLX", "3.11.3", "MIT", "nlohmann-json.txt", "https://github.com/nlohmann/json"},
		{"{fmt}, in MLX", "", "MIT", "fmt.txt", "https://github.com/fmtlib/fmt"},
		{"gguflib, in MLX", "", "MIT", "gguflib.txt", "https://github.com/antirez/gguf-tools"},
		{"KaTeX's fonts", "", "OFL-1.1", "katex-fonts.txt", "https://github.com/KaTeX/katex-fonts"},
		{"FP16, in gguflib", "", "MIT", "fp16.txt", "https://github.com/Maratyszcza/FP16"},
		{"BLAS and LAPACK, beside MLX on Linux", "3.10.0", "BSD-3-Clause", "lapack.txt", "https://www.netlib.org/lapack/"},
		{"libgfortran, beside MLX on Linux", "5.0.0", "GPL-3.0-or-later WITH GCC-exception-3.1", "gcc.txt", "https://gcc.gnu.org/"},
		{"libquadmath, beside MLX on Linux", "0.0.0", "LGPL-2.1-or-later", "quadmath.txt", "https://gcc.gnu.org/"},
		{"SQLite", "", "LicenseRef-Public-Domain", "sqlite.txt", "https://www.sqlite.org/"},
	} {
		text, err := readText(root, p.file)
		if err != nil {
			return nil, err
		}
		all = append(all, assets.Licence{Name: p.name, Version: p.version, Licence: p.licence, Text: text, URL: p.url})
	}
	return all, nil
}

func readText(root, name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(root, "build", "licences", "texts", name))
	return tidy(string(b)), err
}

var errNoText = errors.New("there is no licence text")

var textName = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|unlicense)([-.].*)?$`)

// texts joins the licence files of a folder.
func texts(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var all []string
	for _, e := range entries {
		if e.Type().IsRegular() && textName.MatchString(e.Name()) && !strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), ".docs") {
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return "", err
			}
			all = append(all, tidy(string(b)))
		}
	}
	if len(all) == 0 {
		return "", errNoText
	}
	return strings.Join(all, "\n\n"), nil
}

func tidy(s string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.TrimPrefix(s, "\ufeff"), "\r\n", "\n"))
}

// classify names a licence by what only its text says.
func classify(text string) string {
	flat := strings.ToLower(strings.Join(strings.Fields(text), " "))
	has := func(s string) bool { return strings.Contains(flat, s) }
	switch {
	case has("apache license version 2.0") || has("apache license, version 2.0"):
		return "Apache-2.0"
	case has("mozilla public license version 2.0") || has("mozilla public license, version 2.0"):
		return "MPL-2.0"
	case has("gnu affero") || has("gnu general public license"):
		return "GPL"
	case has("permission is hereby granted, free of charge") && has("the above copyright notice and this permission notice"):
		return "MIT"
	case has("permission to use, copy, modify, and/or distribute this software") || has("permission to use, copy, modify, and distribute this software"):
		return "ISC"
	case has("redistribution and use in source and binary forms") && (has("neither the name") || has("names of its contributors") || has("may not be used to endorse")):
		return "BSD-3-Clause"
	case has("redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	case has("this is free and unencumbered software"):
		return "Unlicense"
	}
	return "unknown"
}
