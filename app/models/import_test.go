package models_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"qwill/app/errs"
	"qwill/app/models"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// cache lays out a repository as huggingface_hub does: blobs by their hash,
// links in a snapshot. It gives the snapshot.
func cache(t *testing.T, root, repo string) string {
	t.Helper()
	base := filepath.Join(root, "models--"+strings.ReplaceAll(repo, "/", "--"))
	snap := filepath.Join(base, "snapshots", commit)
	plain := filepath.Join(t.TempDir(), "m")
	if err := folder(plain); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{snap, filepath.Join(base, "blobs"), filepath.Join(base, "refs")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(base, "refs", "main"), []byte(commit), 0o600); err != nil {
		t.Fatal(err)
	}
	files, _ := os.ReadDir(plain)
	for _, f := range files {
		b, _ := os.ReadFile(filepath.Join(plain, f.Name()))
		git := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(b), b))
		name := hex.EncodeToString(git[:])
		if strings.HasSuffix(f.Name(), ".safetensors") {
			sum := sha256.Sum256(b)
			name = hex.EncodeToString(sum[:])
		}
		if err := os.WriteFile(filepath.Join(base, "blobs", name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join("..", "..", "blobs", name), filepath.Join(snap, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return snap
}

func empty(t *testing.T, dir string) {
	t.Helper()
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			t.Errorf("%s was left in %s", e.Name(), dir)
		}
	}
}

// A model of the cache is found, taken in without its bytes being written
// again, hashed, and outlives the cache.
func TestImportFromCache(t *testing.T) {
	b := setup(t)
	root := filepath.Join(t.TempDir(), "hub")
	t.Setenv("HF_HUB_CACHE", root)
	snap := cache(t, root, "Qwen/Qwen3-9B-MLX-4bit")
	f, err := b.InCache(t.Context(), "qwen3-9b-mlx-4bit")
	if err != nil || !f.Runs || f.Problem != nil || f.Path != snap || f.Revision != commit || f.Bytes != 5 {
		t.Fatalf("%+v %v", f, err)
	}
	m, err := b.Import(t.Context(), models.ImportOptions{Path: f.Path})
	if err != nil {
		t.Fatal(err)
	}
	if m.Name != "qwen3-9b-4bit" || m.Repo != "Qwen/Qwen3-9B-MLX-4bit" || m.Revision != commit || m.Source != "huggingface" || m.Path != filepath.Join(b.home, m.Name) {
		t.Errorf("%+v", m)
	}
	ours, _ := os.Stat(filepath.Join(m.Path, "model.safetensors"))
	theirs, _ := os.Stat(filepath.Join(snap, "model.safetensors"))
	switch m.Placement {
	case models.Shared:
		if !os.SameFile(ours, theirs) {
			t.Error("no second name of the same file")
		}
	case models.Cloned:
		if os.SameFile(ours, theirs) {
			t.Error("a clone is a file of its own")
		}
	default:
		t.Errorf("placed by %q on one disk", m.Placement)
	}
	files, err := b.db.ModelFiles(t.Context(), m.Name)
	if err != nil || len(files) != 4 {
		t.Fatalf("%+v %v", files, err)
	}
	for _, f := range files {
		if f.SHA256 == "" || f.Evidence != models.ByCache {
			t.Errorf("%+v", f)
		}
	}
	all, err := b.FoundModels(t.Context())
	if err != nil || len(all) != 1 || all[0].Installed != m.Name {
		t.Errorf("%+v %v", all, err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if v, err := b.Verify(t.Context(), m.Name, nil); err != nil || !v.OK {
		t.Errorf("after the cache went: %+v %v", v, err)
	}
}

// The folder of the repository stands for its branch main; a copy is bytes of
// our own, a link is missing without the cache and comes back with it.
func TestImportFromCacheOtherWays(t *testing.T) {
	b := setup(t)
	root := filepath.Join(t.TempDir(), "hub")
	t.Setenv("HF_HUB_CACHE", root)
	snap := cache(t, root, "a/b")
	m, err := b.Import(t.Context(), models.ImportOptions{Path: filepath.Join(root, "models--a--b"), How: models.HowCopy})
	if err != nil || m.Placement != models.Copied {
		t.Fatalf("%+v %v", m, err)
	}
	ours, _ := os.Stat(filepath.Join(m.Path, "model.safetensors"))
	if theirs, _ := os.Stat(filepath.Join(snap, "model.safetensors")); os.SameFile(ours, theirs) {
		t.Error("not a copy")
	}
	l, err := b.Import(t.Context(), models.ImportOptions{Path: snap, Name: "l", How: models.HowLink})
	if err != nil || l.Placement != models.Pointed || l.Path != snap {
		t.Fatalf("%+v %v", l, err)
	}
	if err := os.Rename(root, root+"2"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Find(t.Context(), "l"); err == nil {
		t.Error("a link without its folder")
	} else {
		code(t, err, errs.ModelMissing)
	}
	os.Rename(root+"2", root)
	if _, err := b.Find(t.Context(), "l"); err != nil {
		t.Error(err)
	}
	if err := b.Remove(t.Context(), "l"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(snap); err != nil {
		t.Error("removing a link removed what it leads to")
	}
}

// On another disk the cache is linked, by itself; shm is another file system
// than the temporary folder on most machines.
func TestCacheOnAnotherDisk(t *testing.T) {
	b := setup(t)
	root, err := os.MkdirTemp("/dev/shm", "qwill-hub-")
	if err != nil {
		t.Skip("no second file system: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	if a, c := device(t, root), device(t, filepath.Dir(b.home)); a == c {
		t.Skip("no second file system")
	}
	snap := cache(t, root, "a/b")
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: snap, Name: "c", How: models.HowClone}); err == nil {
		t.Error("cloned over two disks")
	} else {
		code(t, err, errs.Invalid)
	}
	empty(t, b.home)
	m, err := b.Import(t.Context(), models.ImportOptions{Path: snap})
	if err != nil || m.Placement != models.Pointed || m.Path != snap || m.Repo != "a/b" {
		t.Errorf("%+v %v", m, err)
	}
}

func device(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(info.Sys().(*syscall.Stat_t).Dev)
}

// What is not whole, not what its name says, leads elsewhere or is not run is
// refused, and nothing of it stays.
func TestBadCache(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, snap string)
		want  string
	}{
		"blob changed": {func(t *testing.T, snap string) {
			if err := os.WriteFile(filepath.Join(snap, "model.safetensors"), []byte("54321"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, errs.HashMismatch},
		"small file changed": {func(t *testing.T, snap string) {
			if err := os.WriteFile(filepath.Join(snap, "tokenizer.json"), []byte("[]"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, errs.HashMismatch},
		"weights still loading": {func(t *testing.T, snap string) {
			target, _ := filepath.EvalSymlinks(filepath.Join(snap, "model.safetensors"))
			os.Rename(target, target+".incomplete")
		}, errs.ModelDamaged},
		"leads out": {func(t *testing.T, snap string) {
			os.Remove(filepath.Join(snap, "tokenizer.json"))
			if err := os.Symlink("/etc/hostname", filepath.Join(snap, "tokenizer.json")); err != nil {
				t.Fatal(err)
			}
		}, errs.ModelDamaged},
		"not run": {func(t *testing.T, snap string) {
			if err := os.WriteFile(filepath.Join(snap, "config.json"), []byte(`{"model_type":"mamba"}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}, errs.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			root := filepath.Join(t.TempDir(), "hub")
			t.Setenv("HF_HUB_CACHE", root)
			snap := cache(t, root, "a/b")
			c.spoil(t, snap)
			for _, how := range []string{models.HowAuto, models.HowCopy, models.HowLink} {
				_, err := b.Import(t.Context(), models.ImportOptions{Path: snap, How: how})
				code(t, err, c.want)
			}
			empty(t, b.home)
			if all, err := b.List(t.Context()); err != nil || len(all) != 0 {
				t.Errorf("listed: %+v %v", all, err)
			}
		})
	}
}

// The variables are read as huggingface_hub reads them.
func TestCacheFolder(t *testing.T) {
	t.Setenv("HOME", "/h")
	for _, v := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"} {
		t.Setenv(v, "")
	}
	want := func(path string) {
		t.Helper()
		if got, err := models.CacheFolder(); err != nil || got != path {
			t.Errorf("%q %v, want %q", got, err, path)
		}
	}
	want("/h/.cache/huggingface/hub")
	t.Setenv("XDG_CACHE_HOME", "/x")
	want("/x/huggingface/hub")
	t.Setenv("HF_HOME", "~/hf")
	want("/h/hf/hub")
	t.Setenv("HF_HUB_CACHE", "/c")
	want("/c")
}

// A model goes over a disk to another Qwill: plain files, a list, all compared.
func TestExportImport(t *testing.T) {
	b, other, usb := setup(t), setup(t), t.TempDir()
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.gguf, Name: "tiny"}); err != nil {
		t.Fatal(err)
	}
	var last, total int64
	done, err := b.Export(t.Context(), "tiny", usb, func(d, n int64) { last, total = d, n })
	if err != nil || done.Path != filepath.Join(usb, "tiny") || done.Bytes == 0 || last != total || total != 2*done.Bytes {
		t.Fatalf("%+v %v, %d of %d", done, err, last, total)
	}
	entries, _ := os.ReadDir(done.Path)
	for _, e := range entries {
		info, _ := e.Info()
		if !info.Mode().IsRegular() || info.Sys().(*syscall.Stat_t).Nlink != 1 {
			t.Errorf("%s is no plain file", e.Name())
		}
	}
	if _, err := b.Export(t.Context(), "tiny", usb, nil); err == nil {
		t.Error("exported over what is there")
	} else {
		code(t, err, errs.Conflict)
	}
	if got := models.Exports(usb); len(got) != 1 || got[0] != done.Path {
		t.Errorf("%q", got)
	}
	m, err := other.Import(t.Context(), models.ImportOptions{Path: done.Path})
	if err != nil || m.Name != "tiny" || m.Placement != models.Copied || m.Title != "Tiny.Q4_1" {
		t.Fatalf("%+v %v", m, err)
	}
	files, err := other.db.ModelFiles(t.Context(), "tiny")
	if err != nil || len(files) != 4 || files[0].Evidence != models.ByExport {
		t.Errorf("%+v %v", files, err)
	}
	if err := os.RemoveAll(usb); err != nil {
		t.Fatal(err)
	}
	if v, err := other.Verify(t.Context(), "tiny", nil); err != nil || !v.OK {
		t.Errorf("%+v %v", v, err)
	}
}

// A flipped bit, a lost end, a lost file and a forged list are refused.
func TestBadExport(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(dir string) error
		want  string
	}{
		"flipped": {func(d string) error {
			return os.WriteFile(filepath.Join(d, "model.safetensors"), []byte("12344"), 0o600)
		}, errs.HashMismatch},
		"cut":  {func(d string) error { return os.Truncate(filepath.Join(d, "model.safetensors"), 3) }, errs.ModelDamaged},
		"lost": {func(d string) error { return os.Remove(filepath.Join(d, "tokenizer.json")) }, errs.ModelDamaged},
		"a link": {func(d string) error {
			os.Remove(filepath.Join(d, "tokenizer.json"))
			return os.Symlink("/etc/hostname", filepath.Join(d, "tokenizer.json"))
		}, errs.ModelDamaged},
		"list cut": {func(d string) error { return os.Truncate(filepath.Join(d, models.ExportFile), 20) }, errs.ModelDamaged},
		"hostile path": {func(d string) error {
			return edit(filepath.Join(d, models.ExportFile), `"tokenizer.json"`, `"../tokenizer.json"`)
		}, errs.ModelDamaged},
		"newer": {func(d string) error {
			return edit(filepath.Join(d, models.ExportFile), "qwill-model/1", "qwill-model/2")
		}, errs.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			b, other, usb := setup(t), setup(t), t.TempDir()
			if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.gguf, Name: "tiny"}); err != nil {
				t.Fatal(err)
			}
			done, err := b.Export(t.Context(), "tiny", usb, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.spoil(done.Path); err != nil {
				t.Fatal(err)
			}
			_, err = other.Import(t.Context(), models.ImportOptions{Path: done.Path})
			code(t, err, c.want)
			empty(t, other.home)
		})
	}
}

func edit(path, old, new string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !strings.Contains(string(b), old) {
		return fmt.Errorf("no %s in %s", old, b)
	}
	return os.WriteFile(path, []byte(strings.Replace(string(b), old, new, 1)), 0o600)
}

// What was changed since it was installed is not handed on, and a stopped
// export leaves nothing.
func TestExportRefused(t *testing.T) {
	b, usb := setup(t), t.TempDir()
	if _, err := b.Import(t.Context(), models.ImportOptions{Path: b.gguf, Name: "tiny"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := b.Export(ctx, "tiny", usb, func(int64, int64) { cancel() }); err == nil {
		t.Error("a cancelled export ended well")
	}
	empty(t, usb)
	if err := os.WriteFile(filepath.Join(b.home, "tiny", "model.safetensors"), []byte("54321"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := b.Export(t.Context(), "tiny", usb, nil)
	code(t, err, errs.HashMismatch)
	empty(t, usb)
	_, err = b.Export(t.Context(), "tiny", filepath.Join(usb, "nowhere"), nil)
	code(t, err, errs.Invalid)
}
