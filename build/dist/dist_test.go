package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qwill/app/command"
	"qwill/app/linux"
	"qwill/app/shell"
)

const root = "../.."

// built are the files of the plan that only a build for the package makes.
var built = []string{"qwill", "qwill-engine", "qwill.1.gz", "NEWS.gz"}

func TestPlan(t *testing.T) {
	abs, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	files, err := plan(abs, "/out")
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	for _, f := range files {
		places = append(places, f.to)
		if f.link != "" {
			target := filepath.Join(filepath.Dir(f.to), f.link)
			if !slices.ContainsFunc(files, func(o file) bool { return o.to == target }) {
				t.Errorf("%s points to %s, which is not packed", f.to, target)
			}
			continue
		}
		if filepath.Dir(f.from) == "/out" {
			if !slices.Contains(built, filepath.Base(f.from)) {
				t.Errorf("nothing builds %s", f.from)
			}
			continue
		}
		if info, err := os.Stat(f.source(abs)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", f.to, err)
		}
	}
	for _, want := range []string{
		"usr/bin/qwill", "usr/lib/qwill/bin/qwill", "usr/lib/qwill/bin/qwill-engine", "usr/lib/qwill/mlx/lib/libmlx.so",
		"usr/lib/qwill/mlx_cpu.libs/libblas*", "usr/lib/qwill/mlx_cpu.libs/liblapack*", "usr/lib/qwill/mlx_cpu.libs/libgfortran*",
		"usr/lib/qwill/mlx_cpu.libs/libquadmath*", "usr/lib/qwill/share/qwill/starter/*.gguf", "usr/lib/qwill/share/qwill/starter/LICENSE",
		"usr/share/applications/org.qwill.Qwill.desktop", "usr/share/dbus-1/services/org.qwill.Qwill.service",
		"usr/share/metainfo/org.qwill.Qwill.metainfo.xml", "usr/share/icons/hicolor/48x48/apps/org.qwill.Qwill.png",
		"usr/share/icons/hicolor/512x512/apps/org.qwill.Qwill.png", "usr/share/man/man1/qwill.1.gz", "usr/share/doc/qwill/copyright",
	} {
		if !slices.ContainsFunc(places, func(p string) bool { ok, _ := filepath.Match(want, p); return ok }) {
			t.Errorf("%s is not packed", want)
		}
	}
	if len(places) > 40 {
		t.Errorf("%d files are packed, more than are known: %v", len(places), places)
	}
	if slices.Sort(places); len(slices.Compact(places)) != len(files) {
		t.Error("a place is taken twice")
	}
}

func TestIcons(t *testing.T) {
	for _, size := range iconSizes {
		data, err := os.ReadFile(filepath.Join(root, fmt.Sprintf("build/linux/icons/%d.png", size)))
		if err != nil {
			t.Fatal(err)
		}
		c, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil || c.Width != size || c.Height != size {
			t.Errorf("%d.png is %d × %d, %v", size, c.Width, c.Height, err)
		}
	}
}

// section gives the keys of one group of a file in the form of .desktop files.
func section(t *testing.T, text, name string) map[string]string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "["+name+"]\n")
	if !ok {
		t.Fatalf("there is no group %s", name)
	}
	keys := map[string]string{}
	for line := range strings.SplitSeq(rest, "\n") {
		if strings.HasPrefix(line, "[") {
			break
		}
		if key, value, ok := strings.Cut(line, "="); ok {
			keys[key] = value
		}
	}
	return keys
}

// doer accepts what the real one would.
type doer struct{}

func (doer) Show(shell.Surface) {}
func (doer) Clipboard() string  { return "" }
func (doer) StopWriting()       {}
func (doer) Unload()            {}
func (doer) Quit()              {}

func TestDesktopFile(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "build/linux", linux.ID+".desktop"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	main := section(t, text, "Desktop Entry")
	if main["DBusActivatable"] != "true" || main["Icon"] != linux.ID {
		t.Errorf("entry %v", main)
	}
	var commands []shell.Command
	for _, c := range command.All() {
		commands = append(commands, shell.Command{ID: c.ID, Title: c.Title})
	}
	for action := range strings.SplitSeq(strings.TrimSuffix(main["Actions"], ";"), ";") {
		keys := section(t, text, "Desktop Action "+action)
		id := strings.Replace(action, "command-", "command.", 1)
		if want := "qwill --action " + id; keys["Exec"] != want {
			t.Errorf("%s runs %q, want %q", action, keys["Exec"], want)
		}
		if !shell.Do(id, commands, doer{}) {
			t.Errorf("Qwill has no action %s", id)
		}
		if keys["Name"] == "" || keys["Name[zh_CN]"] == "" {
			t.Errorf("%s has the names %v", action, keys)
		}
	}

	service, err := os.ReadFile(filepath.Join(root, "build/linux", linux.ID+".service"))
	if err != nil {
		t.Fatal(err)
	}
	if s := section(t, string(service), "D-BUS Service"); s["Name"] != linux.Name("") || s["Exec"] != "/usr/bin/qwill --"+linux.Background {
		t.Errorf("service %v", s)
	}

	info, err := os.ReadFile(filepath.Join(root, "build/linux", linux.ID+".metainfo.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var component struct {
		ID         string `xml:"id"`
		Launchable string `xml:"launchable"`
	}
	if err := xml.Unmarshal(info, &component); err != nil || component.ID != linux.ID || component.Launchable != linux.ID+".desktop" {
		t.Errorf("component %+v, %v", component, err)
	}
}

// The desktops' own checkers, where they are installed.
func TestValidators(t *testing.T) {
	base := filepath.Join(root, "build/linux", linux.ID)
	for _, args := range [][]string{
		{"desktop-file-validate", base + ".desktop"},
		{"appstreamcli", "validate", "--no-net", base + ".metainfo.xml"},
	} {
		t.Run(args[0], func(t *testing.T) {
			out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
			if errors.Is(err, exec.ErrNotFound) {
				t.Skip("is not installed")
			}
			if err != nil || bytes.Contains(out, []byte("error:")) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	dir := t.TempDir()
	none := func(string) string { return "" }
	if _, _, err := version(dir, none); err == nil {
		t.Error("a version without wails.json")
	}
	write := func(v string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "wails.json"), []byte(`{"info":{"productVersion":"`+v+`"}}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("1.2.3 or so")
	if _, _, err := version(dir, none); err == nil {
		t.Error("a version with blanks")
	}
	write("1.2.3")
	epoch := func(string) string { return "1700000000" }
	if v, when, err := version(dir, epoch); err != nil || v != "1.2.3" || !when.Equal(time.Unix(1700000000, 0)) {
		t.Errorf("without git: %q, %v, %v", v, when, err)
	}
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"}, args...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	git("commit", "-q", "--allow-empty", "-m", "first")
	if v, _, err := version(dir, none); err != nil || !strings.HasPrefix(v, "1.2.3~git20260102.") {
		t.Errorf("between versions: %q, %v", v, err)
	}
	git("tag", "v1.2.3")
	if v, _, err := version(dir, none); err != nil || v != "1.2.3" {
		t.Errorf("tagged: %q, %v", v, err)
	}
}

// A package of small files in place of the built ones, twice: the same bytes.
func TestReproducible(t *testing.T) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("dpkg-deb is not installed")
	}
	var sums [2][]byte
	for i := range sums {
		dir := t.TempDir()
		p := &packer{root: dir, out: dir, version: "1.2.3", when: time.Unix(1700000000, 0)}
		if err := os.WriteFile(filepath.Join(dir, "a"), []byte("a"), os.FileMode(0o600+i*0o44)); err != nil {
			t.Fatal(err)
		}
		p.files = []file{{to: lib + "/bin/qwill", from: "a", exec: true}, {to: "usr/bin/qwill", link: "../lib/qwill/bin/qwill"},
			{to: "usr/share/doc/qwill/copyright", from: "a"}, {to: "usr/share/only", from: "a", deb: true}}
		archive, err := p.archive()
		if err != nil {
			t.Fatal(err)
		}
		if sums[i], err = os.ReadFile(archive); err != nil {
			t.Fatal(err)
		}
		list, err := exec.Command("tar", "-tvf", archive).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"-rwxr-xr-x", "qwill-1.2.3-linux-x86_64/bin/qwill -> ../lib/qwill/bin/qwill", "0/0"} {
			if !bytes.Contains(list, []byte(want)) {
				t.Errorf("the archive lacks %q:\n%s", want, list)
			}
		}
		if bytes.Contains(list, []byte("only")) {
			t.Errorf("the archive holds what only the .deb may:\n%s", list)
		}
		time.Sleep(1100 * time.Millisecond) // another second
	}
	if !bytes.Equal(sums[0], sums[1]) {
		t.Error("the same sources gave two archives")
	}
}
