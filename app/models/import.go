package models

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"qwill/app/disk"
	"qwill/app/errs"
)

// ImportOptions say what to import and how.
type ImportOptions struct {
	Path string // a GGUF file, a folder in MLX form, an exported folder, or a snapshot in the cache of Hugging Face
	Name string // to install under; "" makes one of the path's
	How  string // HowAuto, HowLink, HowClone or HowCopy
	// Progress, which may be nil, hears of the bytes hashed, copied or not.
	Progress func(done, total int64)
}

// Import installs a GGUF file, which is converted, or a folder in MLX form: one
// of the user's own stays where it is unless o says otherwise; what lies in the
// cache of Hugging Face is cloned or linked by file; an exported folder is
// copied. Every byte is hashed before the model is listed, and compared where
// something is known of it: the cache's names of blobs, the export's list.
func (s *Service) Import(ctx context.Context, o ImportOptions) (Model, error) {
	if o.Name != "" {
		if _, err := s.free(ctx, o.Name); err != nil { // before anything is read
			return Model{}, err
		}
	}
	if strings.TrimSpace(o.Path) == "" {
		return Model{}, errs.InvalidField("path", "A path is needed.").Try("give a .gguf file or a folder in MLX form")
	}
	switch o.How {
	case HowAuto, HowLink, HowClone, HowCopy:
	default:
		return Model{}, errs.InvalidField("how", "%.40q is no way to import.", o.How).Try("use link, clone or copy")
	}
	path, err := absolute(o.Path)
	if err != nil {
		return Model{}, err
	}
	o.Path = path
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Model{}, errs.New(errs.Invalid, 400, "There is no such file or folder.").At(path).Try("check the path")
	case err != nil:
		return Model{}, errs.New(errs.Invalid, 400, "It cannot be read: %v.", err).At(path).Try("check its permissions")
	}
	if !info.IsDir() {
		return s.importGGUF(ctx, o)
	}
	folder, repo, revision, inCache := snapshot(path)
	o.Path = folder
	if list, err := readExport(folder); err == nil {
		return s.importExport(ctx, o, list)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Model{}, err
	}
	m, err := Inspect(folder)
	if err != nil {
		return m, err
	}
	if o.Name, err = s.nameFor(ctx, o.Name, defaultName(repo, folder)); err != nil {
		return m, err
	}
	describe := func(m *Model) {}
	if inCache {
		if !Runs(m.Architecture) {
			return m, errUnrunnable(m.Architecture, folder)
		}
		describe = func(m *Model) {
			m.Title, m.Repo, m.Source = TitleOf(repo), repo, "huggingface"
			if hex40.MatchString(revision) {
				m.Revision = revision
			}
		}
	}
	if o.How == HowLink || o.How == HowAuto && !inCache {
		return s.importLink(ctx, o, m, inCache, describe)
	}
	known, err := modelFiles(folder)
	if err != nil {
		return m, err
	}
	m, err = s.bring(ctx, o, known, inCache, describe)
	if o.How == HowAuto && errors.Is(err, errOther) { // another file system, or one that links nothing
		m, _ = Inspect(folder)
		return s.importLink(ctx, o, m, inCache, describe)
	}
	if errors.Is(err, errOther) {
		return m, errs.New(errs.Invalid, 422, "The files cannot be cloned or linked: they lie on another disk than Qwill's models.").At(folder).
			Try("use --how copy, or --how link to leave them there").Because(err)
	}
	return m, err
}

// defaultName makes an installed name of a repository's or a folder's.
func defaultName(repo, path string) string {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		name = filepath.Base(path)
	}
	if _, short, ok := strings.Cut(repo, "/"); ok {
		name = short
	}
	name = strings.ReplaceAll(strings.ToLower(name), "-mlx", "")
	name = strings.Map(func(r rune) rune {
		if _, err := CheckName("a" + string(r)); err != nil {
			return '-'
		}
		return r
	}, name)
	name = strings.Trim(name, "-_.")
	for len(name) > nameLimit-4 {
		name = name[:len(name)-1]
	}
	if name = strings.ToValidUTF8(name, ""); name == "" {
		return "model"
	}
	return name
}

// nameFor checks a wanted name, or makes a free one of another.
func (s *Service) nameFor(ctx context.Context, wanted, fallback string) (string, error) {
	if wanted == "" {
		return s.Free(ctx, fallback)
	}
	return s.free(ctx, wanted)
}

func (s *Service) importGGUF(ctx context.Context, o ImportOptions) (Model, error) {
	s.ops.Lock()
	defer s.ops.Unlock()
	name, err := s.nameFor(ctx, o.Name, defaultName("", o.Path))
	if err != nil {
		return Model{}, err
	}
	if err := checkGGUF(o.Path); err != nil {
		return Model{}, err
	}
	if _, _, _, ok := snapshot(filepath.Dir(o.Path)); ok {
		from, expect, err := original(filepath.Dir(o.Path), filepath.Base(o.Path))
		if err != nil {
			return Model{}, diskFault(err, o.Path, "read the model")
		}
		sum, err := Hash(ctx, from, counted(o.Progress, []FileHash{{Bytes: size(from)}}))
		if err != nil {
			return Model{}, diskFault(err, from, "read the model")
		}
		if _, err := settle(filepath.Base(o.Path), sum, expect, from); err != nil {
			return Model{}, err
		}
	}
	m, err := s.convert(ctx, o.Path, name)
	if err != nil {
		return m, err
	}
	m.Title = strings.TrimSuffix(filepath.Base(o.Path), filepath.Ext(o.Path))
	m.Name = name
	if _, repo, revision, ok := snapshot(filepath.Dir(o.Path)); ok {
		m.Repo, m.Source = repo, "huggingface"
		if hex40.MatchString(revision) {
			m.Revision = revision
		}
	}
	return m, s.add(ctx, m)
}

// size gives a file's length in bytes, 0 if unknown.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// importLink lists a folder that stays where it is. In a cache its files are
// compared with their blobs' names.
func (s *Service) importLink(ctx context.Context, o ImportOptions, m Model, inCache bool, describe func(*Model)) (Model, error) {
	files, err := modelFiles(o.Path)
	if err != nil {
		return m, err
	}
	tell := counted(o.Progress, files)
	for i, f := range files {
		from, expect := filepath.Join(o.Path, f.Path), FileHash{}
		if inCache {
			if from, expect, err = original(o.Path, f.Path); err != nil {
				return m, diskFault(err, filepath.Join(o.Path, f.Path), "read the model")
			}
		}
		sum, err := Hash(ctx, from, tell)
		if err != nil {
			return m, diskFault(err, from, "read the model")
		}
		if files[i], err = settle(f.Path, sum, expect, from); err != nil {
			return m, err
		}
	}
	s.ops.Lock()
	defer s.ops.Unlock()
	if m.Name, err = s.free(ctx, o.Name); err != nil {
		return m, err
	}
	m.Placement = Pointed
	describe(&m)
	if err := s.store.AddModel(ctx, m, files); err != nil {
		return m, err
	}
	s.tell(ctx)
	return m, nil
}

// counted gives a function that adds up bytes for a progress of so many files.
func counted(progress func(done, total int64), files []FileHash) func(int64) {
	var done, total int64
	for _, f := range files {
		total += f.Bytes
	}
	return func(n int64) {
		done += n
		if progress != nil {
			progress(min(done, total), total)
		}
	}
}

// settle compares a file's hashes with what is known of it.
func settle(path string, sum Sums, expect FileHash, at string) (FileHash, error) {
	f := FileHash{Path: path, Bytes: sum.Bytes, SHA256: sum.SHA256, GitSHA1: expect.GitSHA1, Evidence: expect.Evidence}
	if expect.SHA256 != "" && expect.SHA256 != sum.SHA256 || expect.GitSHA1 != "" && expect.GitSHA1 != sum.GitSHA1 {
		where := map[string]string{ByCache: "what its name in the cache says", ByExport: "what was exported"}[expect.Evidence]
		return f, errs.New(errs.HashMismatch, 422, "The file %s is not %s: its hash differs.", path, where).At(at).
			Try("download the model again, or export it again")
	}
	return f, nil
}

// bring makes a folder of our own of the files at o.Path, which appears under
// its name when all of them are there and hashed. It fails with errOther when
// nothing can be shared and no copy was asked for. What known holds of hashes
// is compared.
func (s *Service) bring(ctx context.Context, o ImportOptions, known []FileHash, inCache bool, describe func(*Model)) (Model, error) {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return Model{}, diskFault(err, s.folder, "create the models folder")
	}
	partial, err := os.MkdirTemp(s.folder, fmt.Sprintf(".partial-%d-%s-*", os.Getpid(), o.Name))
	if err != nil {
		return Model{}, diskFault(err, s.folder, "make a folder for the model")
	}
	defer os.RemoveAll(partial)
	if o.How == HowCopy {
		if err := room(s.folder, known); err != nil {
			return Model{}, err
		}
	}
	tell, touched := counted(o.Progress, known), time.Now()
	step := func(n int64) {
		tell(n)
		if now := time.Now(); now.Sub(touched) > time.Minute { // or a start elsewhere takes it for a leftover
			touched = now
			os.Chtimes(partial, now, now)
		}
	}
	placement := ""
	files := make([]FileHash, len(known))
	for i, f := range known {
		from, expect := filepath.Join(o.Path, f.Path), f
		if inCache {
			if from, expect, err = original(o.Path, f.Path); err != nil {
				return Model{}, diskFault(err, filepath.Join(o.Path, f.Path), "read the model")
			}
		} else if from, err = filepath.EvalSymlinks(from); err != nil {
			return Model{}, diskFault(err, filepath.Join(o.Path, f.Path), "read the model")
		}
		sum, way, err := place(ctx, from, filepath.Join(partial, f.Path), o.How, step)
		if errors.Is(err, errOther) {
			return Model{}, err
		}
		if err != nil {
			return Model{}, diskFault(err, from, "import the model")
		}
		if files[i], err = settle(f.Path, sum, expect, from); err != nil {
			return Model{}, err
		}
		placement = way
	}
	m, err := s.Publish(ctx, partial, o.Name, func(m *Model) { m.Placement = placement; describe(m) },
		func(string) error { return fs.ErrNotExist }, func(m Model) error { return s.store.AddModel(ctx, m, files) })
	if err != nil && m.Path != "" && m.Path == filepath.Join(s.folder, o.Name) && m.Owned {
		os.RemoveAll(m.Path) // renamed, but not listed
	}
	return m, err
}

// place brings one file to target and hashes what lies there then.
func place(ctx context.Context, from, target, how string, tell func(int64)) (Sums, string, error) {
	if how == HowCopy {
		sum, err := copyFile(ctx, from, target, tell)
		return sum, Copied, err
	}
	way, err := share(from, target)
	if err != nil {
		return Sums{}, "", err
	}
	sum, err := Hash(ctx, target, tell)
	return sum, way, err
}

// spare is what stays free on a disk that is filled, in bytes.
const spare = 64 << 20

// room refuses early what the disk cannot take.
func room(folder string, files []FileHash) error {
	need := int64(spare)
	for _, f := range files {
		need += f.Bytes
	}
	have, err := disk.OS.Free(folder)
	if err != nil || have >= need { // where nobody knows, the writing itself tells
		return nil
	}
	return errs.New(errs.DiskFull, 507, "There is not enough space: %s are needed and %s are free.", megabytes(need), megabytes(have)).At(folder).
		Try("free some space there, or choose another disk")
}

func megabytes(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%.0f MB", max(float64(n)/1e6, 1))
}
