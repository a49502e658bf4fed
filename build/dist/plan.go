package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// file is one file of the package.
type file struct {
	to   string // below the root of the installed system
	from string // below the repository, or "" for a link
	link string // what a symbolic link points to
	exec bool
	deb  bool // only in the .deb: its places are absolute
}

// iconSizes are those of build/icons.
var iconSizes = []int{16, 22, 24, 32, 48, 64, 128, 256, 512}

// lib is where Qwill lies whole, as it does in build/: bin/ beside what bin/
// needs, so that the same program runs from an unpacked archive.
const lib = "usr/lib/qwill"

// plan lists what is packed. Programs come from out, built for it; what was
// fetched from the build folder below root.
func plan(root, out string) ([]file, error) {
	all := []file{
		{to: lib + "/bin/qwill", from: filepath.Join(out, "qwill"), exec: true},
		{to: lib + "/bin/qwill-engine", from: filepath.Join(out, "qwill-engine"), exec: true},
		{to: "usr/bin/qwill", link: "../lib/qwill/bin/qwill"},
		{to: "usr/share/man/man1/qwill.1.gz", from: filepath.Join(out, "qwill.1.gz")},
		{to: "usr/share/doc/qwill/copyright", from: "build/linux/copyright"},
		{to: "usr/share/doc/qwill/LICENSE", from: "LICENSE"},
		{to: "usr/share/doc/qwill/NEWS.gz", from: filepath.Join(out, "NEWS.gz")},
		{to: "usr/share/applications/org.qwill.Qwill.desktop", from: "build/linux/org.qwill.Qwill.desktop", deb: true},
		{to: "usr/share/dbus-1/services/org.qwill.Qwill.service", from: "build/linux/org.qwill.Qwill.service", deb: true},
		{to: "usr/share/metainfo/org.qwill.Qwill.metainfo.xml", from: "build/linux/org.qwill.Qwill.metainfo.xml", deb: true},
	}
	for _, size := range iconSizes {
		all = append(all, file{to: fmt.Sprintf("usr/share/icons/hicolor/%dx%d/apps/org.qwill.Qwill.png", size, size),
			from: fmt.Sprintf("build/linux/icons/%d.png", size)})
	}
	// libmlx looks for its own libraries in ../../mlx_cpu.libs.
	for to, pattern := range map[string]string{
		lib + "/mlx/lib":             "build/.deps/mlx/lib/*.so",
		lib + "/mlx_cpu.libs":        "build/.deps/mlx_cpu.libs/*.so*",
		lib + "/share/qwill/starter": "build/.deps/starter/*",
	} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("pack %s: nothing is there (run make setup first)", pattern)
		}
		for _, path := range found {
			from, err := filepath.Rel(root, path)
			if err != nil {
				return nil, err
			}
			all = append(all, file{to: to + "/" + filepath.Base(path), from: from})
		}
	}
	return all, nil
}

// source gives the path of a file's contents.
func (f file) source(root string) string {
	if filepath.IsAbs(f.from) {
		return f.from
	}
	return filepath.Join(root, f.from)
}

// mode is the same for everyone, whatever the fetched files have.
func (f file) mode() os.FileMode {
	if f.exec {
		return 0o755
	}
	return 0o644
}
