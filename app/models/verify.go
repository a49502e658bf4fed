package models

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"qwill/app/errs"
)

// States of a verified file.
const (
	FileOK       = "ok"
	FileChanged  = "changed"
	FileMissing  = "missing"
	FileRecorded = "recorded" // no hash was known of it: now there is one
)

// Verification says whether a model's files are what they were.
type Verification struct {
	Model string         `json:"model"`
	OK    bool           `json:"ok"` // no file is changed or missing
	Files []VerifiedFile `json:"files"`
}

// VerifiedFile is one file of it.
type VerifiedFile struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
	State string `json:"state"`
}

// Verify hashes every file of a model again and compares. Of models that were
// never hashed, such as linked folders, the hashes are kept for the next time.
// progress hears of bytes done and in all; it may be nil.
func (s *Service) Verify(ctx context.Context, name string, progress func(done, total int64)) (Verification, error) {
	v := Verification{OK: true, Files: []VerifiedFile{}}
	m, err := s.Find(ctx, name)
	if err != nil {
		return v, err
	}
	v.Model = m.Name
	known, err := s.store.ModelFiles(ctx, m.Name)
	if err != nil {
		return v, err
	}
	first := len(known) == 0
	if first {
		if known, err = modelFiles(m.Path); err != nil {
			return v, err
		}
	}
	if v.Files, err = check(ctx, m.Path, known, first, progress); err != nil {
		return v, err
	}
	for _, f := range v.Files {
		v.OK = v.OK && f.State != FileChanged && f.State != FileMissing
	}
	if first {
		return v, s.store.SetModelFiles(ctx, m.Name, known)
	}
	return v, nil
}

// check hashes files below a folder and compares them with what is known of
// them; with record it fills that in instead.
func check(ctx context.Context, folder string, known []FileHash, record bool, progress func(done, total int64)) ([]VerifiedFile, error) {
	files := []VerifiedFile{}
	var done, total int64
	for _, f := range known {
		total += f.Bytes
	}
	tell := func(n int64) {
		done += n
		if progress != nil {
			progress(min(done, total), total)
		}
	}
	for i, f := range known {
		at := done
		sum, err := Hash(ctx, filepath.Join(folder, f.Path), tell)
		state := FileOK
		switch {
		case errors.Is(err, fs.ErrNotExist) && !record:
			state = FileMissing
		case err != nil && ctx.Err() != nil:
			return files, context.Cause(ctx)
		case err != nil:
			return files, errs.New(errs.ModelDamaged, 422, "The file cannot be read: %v.", err).At(filepath.Join(folder, f.Path)).
				Try("check the drive, then download the model again")
		case record:
			known[i].SHA256, known[i].Bytes, state = sum.SHA256, sum.Bytes, FileRecorded
		case sum.SHA256 != f.SHA256 || f.GitSHA1 != "" && sum.GitSHA1 != f.GitSHA1:
			state = FileChanged
		}
		done = at
		tell(f.Bytes)
		files = append(files, VerifiedFile{f.Path, f.Bytes, state})
	}
	return files, nil
}

// hashed gives the files of a model's folder with the hashes of all their bytes.
func hashed(ctx context.Context, folder string) ([]FileHash, error) {
	known, err := modelFiles(folder)
	if err != nil {
		return nil, err
	}
	_, err = check(ctx, folder, known, true, nil)
	return known, err
}

// modelFiles lists the plain files of a model's folder that belong to it.
func modelFiles(folder string) ([]FileHash, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("read the model's folder: %w", err)
	}
	var all []FileHash
	for _, e := range entries {
		// Linked files count as what they lead to: so is the Hugging Face cache laid out.
		info, err := os.Stat(filepath.Join(folder, e.Name()))
		if err != nil || !info.Mode().IsRegular() || !Needed(e.Name()) {
			continue
		}
		all = append(all, FileHash{Path: e.Name(), Bytes: info.Size()})
	}
	slices.SortFunc(all, func(a, b FileHash) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// Needed says whether a file of a repository belongs to an installed model:
// weights, configuration, tokenizer, template and licence.
func Needed(path string) bool {
	switch path {
	case "config.json", "generation_config.json", "model.safetensors.index.json",
		"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
		"chat_template.jinja", "chat_template.json":
		return true
	}
	if strings.ContainsAny(path, `/\`) || strings.HasPrefix(path, ".") {
		return false
	}
	upper := strings.ToUpper(path)
	return strings.HasSuffix(path, ".safetensors") || strings.HasPrefix(upper, "LICENSE") || strings.HasPrefix(upper, "LICENCE") || strings.HasPrefix(upper, "NOTICE")
}

// hashStep is how much is hashed between two looks at ctx.
const hashStep = 1 << 20

// Sums are a file's hashes in hex, and its length.
type Sums struct {
	SHA256, GitSHA1 string
	Bytes           int64
}

// Hash reads a file to its end; tell hears of the bytes as they are read. Git's
// blob hash is computed of small files only: hubs give it of no others.
func Hash(ctx context.Context, path string, tell func(n int64)) (Sums, error) {
	f, err := os.Open(path)
	if err != nil {
		return Sums{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Sums{}, err
	}
	h := NewHasher(info.Size())
	buf := make([]byte, hashStep)
	for {
		if ctx.Err() != nil {
			return Sums{}, context.Cause(ctx)
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if tell != nil && n > 0 {
			tell(int64(n))
		}
		if errors.Is(err, io.EOF) {
			return h.Sums(), nil
		}
		if err != nil {
			return Sums{}, err
		}
	}
}

// gitLimit is the size in bytes up to which git's blob hash is computed: the
// hubs keep larger files in LFS, which they hash by SHA-256.
const gitLimit = 64 << 20

// Hasher computes both hashes of a stream of so many bytes.
type Hasher struct {
	sha, git hash.Hash
	n        int64
}

// NewHasher begins one for size bytes.
func NewHasher(size int64) *Hasher {
	h := &Hasher{sha: sha256.New()}
	if size <= gitLimit {
		h.git = sha1.New()
		fmt.Fprintf(h.git, "blob %d\x00", size)
	}
	return h
}

// Write takes the next bytes; it never fails.
func (h *Hasher) Write(b []byte) (int, error) {
	h.sha.Write(b)
	if h.git != nil {
		h.git.Write(b)
	}
	h.n += int64(len(b))
	return len(b), nil
}

// Sums are those of the bytes so far.
func (h *Hasher) Sums() Sums {
	s := Sums{SHA256: hex.EncodeToString(h.sha.Sum(nil)), Bytes: h.n}
	if h.git != nil {
		s.GitSHA1 = hex.EncodeToString(h.git.Sum(nil))
	}
	return s
}
