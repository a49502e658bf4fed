// Command dist packs Qwill for Linux: a .deb, and an archive that runs from
// wherever it is unpacked. `make dist` runs it. The same sources give the same
// bytes: times are those of the last commit (SOURCE_DATE_EPOCH overrides).
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

type packer struct {
	root, out string
	version   string
	when      time.Time
	files     []file
}

func run() error {
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	p := &packer{root: root, out: filepath.Join(root, "build/out/dist")}
	if err := os.RemoveAll(p.out); err != nil {
		return err
	}
	if err := os.MkdirAll(p.out, 0o755); err != nil {
		return err
	}
	if p.version, p.when, err = version(root, os.Getenv); err != nil {
		return err
	}
	say("building %s", p.version)
	if err := p.programs(); err != nil {
		return err
	}
	if err := p.texts(); err != nil {
		return err
	}
	if p.files, err = plan(root, p.out); err != nil {
		return err
	}
	deb, err := p.deb()
	if err != nil {
		return err
	}
	archive, err := p.archive()
	if err != nil {
		return err
	}
	for _, path := range []string{deb, archive} {
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		fmt.Printf("%s  %.1f MB\n", rel, float64(info.Size())/1e6)
	}
	return nil
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "dist: "+format+"\n", args...) }

// command gives what a program printed.
func (p *packer) command(dir string, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(p.when.Unix(), 10))
	cmd.Env = append(cmd.Env, env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", name, err, &stderr)
	}
	return out, nil
}

// version is the tag of the last commit, else the next version with the
// commit's day and id, which dpkg sorts before the version itself.
func version(root string, env func(string) string) (string, time.Time, error) {
	data, err := os.ReadFile(filepath.Join(root, "wails.json"))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("read the version: %w", err)
	}
	var wails struct {
		Info struct {
			ProductVersion string `json:"productVersion"`
		} `json:"info"`
	}
	if err := json.Unmarshal(data, &wails); err != nil {
		return "", time.Time{}, fmt.Errorf("read the version from wails.json: %w", err)
	}
	git := func(args ...string) string {
		cmd := exec.Command("git", args...)
		cmd.Dir = root
		out, _ := cmd.Output() // an archive without git has neither
		return strings.TrimSpace(string(out))
	}
	when := time.Unix(0, 0)
	for _, s := range []string{git("log", "-1", "--format=%ct"), env("SOURCE_DATE_EPOCH")} {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			when = time.Unix(n, 0)
		}
	}
	v := wails.Info.ProductVersion
	if id := git("rev-parse", "--short=8", "HEAD"); id != "" && git("tag", "--points-at", "HEAD", "v"+v) == "" {
		v += "~git" + when.UTC().Format("20060102") + "." + id
	}
	if !regexp.MustCompile(`^[0-9][A-Za-z0-9.+~]*$`).MatchString(v) {
		return "", when, fmt.Errorf("%q is no version for a package", v)
	}
	return v, when, nil
}

// programs builds both without a path of this machine in them; libmlx is found
// beside the engine.
func (p *packer) programs() error {
	flags := []string{"-Wl,-rpath,$ORIGIN/../mlx/lib"}
	for flag := range strings.FieldsSeq(os.Getenv("CGO_LDFLAGS")) { // build/env.sh's, but for the places on this machine
		if !strings.HasPrefix(flag, "-Wl,-rpath,") {
			flags = append(flags, flag)
		}
	}
	env := []string{"CGO_LDFLAGS=" + strings.Join(flags, " ")}
	for name, args := range map[string][]string{
		"qwill":        {"-tags", "desktop,production,webkit2_41", "."},
		"qwill-engine": {"./engine/cmd/qwill-engine"},
	} {
		args = append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X qwill/app/wire.Version=" + p.version,
			"-o", filepath.Join(p.out, name)}, args...)
		if _, err := p.command(p.root, env, "go", args...); err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(p.out, name))
		if err != nil {
			return err
		}
		if bytes.Contains(data, []byte(p.root+"/")) {
			return fmt.Errorf("%s holds a path of this machine: %s", name, p.root)
		}
	}
	return nil
}

// texts packs the man page and the list of changes, as Debian wants them.
func (p *packer) texts() error {
	for from, to := range map[string]string{"build/linux/qwill.1": "qwill.1.gz", "CHANGELOG.md": "NEWS.gz"} {
		data, err := os.ReadFile(filepath.Join(p.root, from))
		if err != nil {
			return err
		}
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(data); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(p.out, to), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// stage lays the files out below dir.
func (p *packer) stage(dir string, files []file) error {
	for _, f := range files {
		to := filepath.Join(dir, f.to)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if f.link != "" {
			if err := os.Symlink(f.link, to); err != nil {
				return err
			}
			continue
		}
		if err := copyFile(f.source(p.root), to, f.mode()); err != nil {
			return fmt.Errorf("pack %s: %w", f.to, err)
		}
	}
	return nil
}

func copyFile(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Chmod(mode), out.Close())
}

// settle gives everything below dir the package's time and plain modes.
func (p *packer) settle(dir string) error {
	return filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.Mode()&os.ModeSymlink != 0 {
			return err
		}
		if info.IsDir() {
			if err := os.Chmod(path, 0o755); err != nil {
				return err
			}
		}
		return os.Chtimes(path, p.when, p.when)
	})
}

func (p *packer) deb() (string, error) {
	dir := filepath.Join(p.out, "deb")
	if err := p.stage(dir, p.files); err != nil {
		return "", err
	}
	needs, err := p.needs(dir)
	if err != nil {
		return "", err
	}
	var size int64
	var sums []string
	for _, f := range p.files {
		if f.link != "" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, f.to))
		if err != nil {
			return "", err
		}
		size += (int64(len(data)) + 1023) / 1024
		sums = append(sums, fmt.Sprintf("%x  %s\n", md5.Sum(data), f.to))
	}
	slices.SortFunc(sums, func(a, b string) int { return strings.Compare(a[34:], b[34:]) })
	control := fmt.Sprintf(`Package: qwill
Version: %s
Architecture: amd64
Maintainer: The Qwill authors <qwill@localhost>
Installed-Size: %d
Depends: %s
Recommends: dbus-user-session | dbus-x11, xdg-utils, fonts-noto-cjk | fonts-wqy-zenhei
Suggests: xdg-desktop-portal, at-spi2-core
Section: editors
Priority: optional
Description: private writing and chat with models on this machine
 Qwill rewrites, proofreads, summarizes and translates text, and chats, with
 Qwen3 models that run on this computer. It has a chat window, a quick prompt
 that one shortcut opens in every program, a command line and a local server
 with OpenAI's protocol.
 .
 A small starter model comes with it, so that it works in the first minute.
`, p.version, size, needs)
	if err := os.MkdirAll(filepath.Join(dir, "DEBIAN"), 0o755); err != nil {
		return "", err
	}
	for name, text := range map[string]string{"control": control, "md5sums": strings.Join(sums, "")} {
		if err := os.WriteFile(filepath.Join(dir, "DEBIAN", name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	if err := p.settle(dir); err != nil {
		return "", err
	}
	deb := filepath.Join(p.out, fmt.Sprintf("qwill_%s_amd64.deb", p.version))
	// The model does not compress: a fast method loses nothing.
	if _, err := p.command(p.out, nil, "dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", dir, deb); err != nil {
		return "", err
	}
	return deb, os.RemoveAll(dir)
}

// needs asks dpkg-shlibdeps which packages hold the libraries that ours load.
func (p *packer) needs(dir string) (string, error) {
	work := filepath.Join(p.out, "shlibs")
	if err := os.MkdirAll(filepath.Join(work, "debian"), 0o755); err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := os.WriteFile(filepath.Join(work, "debian/control"), []byte("Source: qwill\n\nPackage: qwill\nArchitecture: amd64\n"), 0o644); err != nil {
		return "", err
	}
	args := []string{"-O", "--ignore-missing-info", "--warnings=0"}
	for _, f := range p.files {
		if f.exec || strings.Contains(f.to, ".so") {
			args = append(args, "-e"+filepath.Join(dir, f.to))
		}
		if strings.Contains(f.to, ".so") {
			args = append(args, "-l"+filepath.Dir(filepath.Join(dir, f.to)))
		}
	}
	out, err := p.command(work, nil, "dpkg-shlibdeps", args...)
	if err != nil {
		return "", err
	}
	list, ok := strings.CutPrefix(strings.TrimSpace(string(out)), "shlibs:Depends=")
	if !ok || !strings.Contains(list, "libwebkit2gtk") {
		return "", fmt.Errorf("dpkg-shlibdeps gave %q", out)
	}
	return list, nil
}

// archive is for systems without dpkg: unpack it anywhere, run bin/qwill.
func (p *packer) archive() (string, error) {
	name := "qwill-" + p.version + "-linux-x86_64"
	dir := filepath.Join(p.out, "archive")
	var files []file
	for _, f := range p.files {
		if !f.deb {
			f.to = name + strings.TrimPrefix(f.to, "usr")
			files = append(files, f)
		}
	}
	if err := p.stage(dir, files); err != nil {
		return "", err
	}
	if err := p.settle(dir); err != nil {
		return "", err
	}
	path := filepath.Join(p.out, name+".tar.gz")
	if _, err := p.command(p.out, nil, "tar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner",
		"--mtime=@"+strconv.FormatInt(p.when.Unix(), 10), "--format=gnu", "-I", "gzip -n1", "-C", dir, "-cf", path, name); err != nil {
		return "", err
	}
	return path, os.RemoveAll(dir)
}
