package models

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"qwill/app/disk"
	"qwill/app/errs"
)

// ExportFile is the list that Qwill writes beside exported files.
const ExportFile = "qwill-model.json"

// exportFormat is the version of that list.
const exportFormat = "qwill-model/1"

// exportPrefix marks a folder that is not whole. No dot: some systems hide it
// from the one who wonders where the space went.
const exportPrefix = "qwill-unfinished-"

// Export is the list: what the model is, and every file with its hash.
type Export struct {
	Format   string       `json:"format"`
	Name     string       `json:"name"`
	Title    string       `json:"title"`
	Repo     string       `json:"repo,omitempty"`
	Revision string       `json:"revision,omitempty"`
	Source   string       `json:"source,omitempty"`
	Licence  string       `json:"licence,omitempty"`
	Files    []ExportLine `json:"files"`
}

// ExportLine is one file.
type ExportLine struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Exported says where a model was exported to.
type Exported struct {
	Model string `json:"model"`
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// Export copies an installed model to a folder of its name below folder, such
// as a USB disk, with the list of its hashes. Plain files only: FAT and exFAT
// have no links. The folder gets its name when all of it is there and read
// back whole; a full or pulled disk leaves none. Files that are not what was
// hashed at their installation are refused.
func (s *Service) Export(ctx context.Context, name, folder string, progress func(done, total int64)) (Exported, error) {
	m, err := s.Find(ctx, name)
	if err != nil {
		return Exported{}, err
	}
	if folder == "" {
		return Exported{}, errs.InvalidField("folder", "A folder is needed.").Try("give one on the other disk, such as /media/usb")
	}
	if folder, err = absolute(folder); err != nil {
		return Exported{}, err
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return Exported{}, errs.New(errs.Invalid, 400, "There is no such folder.").At(folder).Try("make it first, and check that the disk is connected")
	}
	target := filepath.Join(folder, m.Name)
	if _, err := os.Lstat(target); err == nil {
		return Exported{}, errs.New(errs.Conflict, 409, "A file or folder of this name is there already.").At(target).Try("remove it, or choose another folder")
	}
	known, err := s.store.ModelFiles(ctx, m.Name)
	if err != nil {
		return Exported{}, err
	}
	if len(known) == 0 {
		if known, err = modelFiles(m.Path); err != nil {
			return Exported{}, err
		}
	}
	if err := room(folder, known); err != nil {
		return Exported{}, err
	}
	list := Export{Format: exportFormat, Name: m.Name, Title: m.Title, Repo: m.Repo, Revision: m.Revision, Source: m.Source, Licence: m.Licence}
	partial := filepath.Join(folder, exportPrefix+m.Name)
	if err := os.RemoveAll(partial); err != nil { // of an earlier try
		return Exported{}, diskFault(err, partial, "export the model")
	}
	if err := s.exportTo(ctx, m, known, &list, partial, progress); err == nil {
		err = os.Rename(partial, target)
		if err == nil {
			err = disk.OS.SyncDir(folder)
		}
		if err == nil {
			var n int64
			for _, f := range list.Files {
				n += f.Bytes
			}
			return Exported{m.Name, target, n}, nil
		}
		os.RemoveAll(partial)
		return Exported{}, diskFault(err, target, "export the model")
	} else {
		os.RemoveAll(partial)
		return Exported{}, diskFault(err, partial, "export the model")
	}
}

// exportTo fills the unfinished folder; the list comes last.
func (s *Service) exportTo(ctx context.Context, m Model, known []FileHash, list *Export, partial string, progress func(done, total int64)) error {
	if err := os.Mkdir(partial, 0o700); err != nil {
		return err
	}
	tell := counted(progress, append(known, known...)) // written, then read back
	for _, f := range known {
		sum, err := copyFile(ctx, filepath.Join(m.Path, f.Path), filepath.Join(partial, f.Path), tell)
		if err != nil {
			return err
		}
		if f.SHA256 != "" && f.SHA256 != sum.SHA256 {
			return errs.New(errs.HashMismatch, 422, "The file %s of %s is not what it was when it was installed.", f.Path, m.Name).At(filepath.Join(m.Path, f.Path)).
				Try("remove the model and download it again")
		}
		list.Files = append(list.Files, ExportLine{f.Path, sum.Bytes, sum.SHA256})
	}
	for _, f := range list.Files {
		sum, err := Hash(ctx, filepath.Join(partial, f.Path), tell)
		if err != nil {
			return err
		}
		if sum.SHA256 != f.SHA256 {
			return errs.New(errs.HashMismatch, 422, "The disk gives back other bytes of %s than were written.", f.Path).At(filepath.Join(partial, f.Path)).
				Try("use another disk")
		}
	}
	b, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(partial, ExportFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(append(b, '\n')); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return disk.OS.SyncDir(partial)
}

// readExport reads the list of an exported folder; fs.ErrNotExist without one.
func readExport(folder string) (Export, error) {
	var list Export
	path := filepath.Join(folder, ExportFile)
	f, err := os.Open(path)
	if err != nil {
		return list, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return list, diskFault(err, path, "read the list of the exported model")
	}
	bad := func(why string) (Export, error) {
		return list, errs.New(errs.ModelDamaged, 422, "The list of the exported model is damaged: %s.", why).At(path).Try("export the model again")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&list); err != nil {
		return bad("it is no JSON that Qwill wrote")
	}
	if list.Format != exportFormat {
		return list, errs.New(errs.Unsupported, 422, "The exported model is in a form that this Qwill does not know: %.40q.", list.Format).At(path).
			Try("use the Qwill that exported it, or a newer one")
	}
	if len(list.Files) == 0 {
		return bad("it names no files")
	}
	seen := map[string]bool{}
	for _, l := range list.Files {
		if l.Path != filepath.Base(l.Path) || !Needed(l.Path) || seen[l.Path] || l.Bytes < 0 || !hex64.MatchString(l.SHA256) {
			return bad(fmt.Sprintf("its line of %.80q is none", l.Path))
		}
		seen[l.Path] = true
	}
	return list, nil
}

// Exports gives the exported models at path: itself, or the folders in it.
func Exports(path string) []string {
	if _, err := readExport(path); err == nil {
		return []string{path}
	}
	found, _ := filepath.Glob(filepath.Join(escape(path), "*", ExportFile))
	for i, f := range found {
		found[i] = filepath.Dir(f)
	}
	return found
}

// importExport copies an exported model in, or clones it where it lies on the
// same disk, and compares every file with the list. A link would break when
// the disk is pulled, so it is made only when it is asked for.
func (s *Service) importExport(ctx context.Context, o ImportOptions, list Export) (Model, error) {
	known := make([]FileHash, len(list.Files))
	for i, l := range list.Files {
		known[i] = FileHash{Path: l.Path, Bytes: l.Bytes, SHA256: l.SHA256, Evidence: ByExport}
		info, err := os.Lstat(filepath.Join(o.Path, l.Path))
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() != l.Bytes) {
			return Model{}, errs.New(errs.ModelDamaged, 422, "The exported file %s is missing or not whole.", l.Path).At(filepath.Join(o.Path, l.Path)).
				Try("export the model again")
		}
		if err != nil {
			return Model{}, diskFault(err, filepath.Join(o.Path, l.Path), "read the exported model")
		}
	}
	m, err := Inspect(o.Path)
	if err != nil {
		return m, err
	}
	fallback := list.Name
	if _, err := CheckName(fallback); err != nil {
		fallback = defaultName("", o.Path)
	}
	if o.Name, err = s.nameFor(ctx, o.Name, fallback); err != nil {
		return m, err
	}
	describe := func(m *Model) {
		m.Title, m.Repo, m.Revision, m.Source, m.Licence = list.Title, list.Repo, list.Revision, list.Source, list.Licence
	}
	if o.How == HowLink {
		return s.importLink(ctx, o, m, false, describe)
	}
	if o.How == HowAuto {
		o.How = HowCopy
	}
	return s.bring(ctx, o, known, false, describe)
}
