package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
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
		sum, n, err := HashFile(ctx, filepath.Join(m.Path, f.Path), tell)
		state := FileOK
		switch {
		case errors.Is(err, fs.ErrNotExist):
			state = FileMissing
		case err != nil && ctx.Err() != nil:
			return v, context.Cause(ctx)
		case err != nil:
			return v, errs.New(errs.ModelDamaged, 422, "The file cannot be read: %v.", err).At(filepath.Join(m.Path, f.Path)).
				Try("check the drive, then download the model again")
		case first:
			known[i].SHA256, known[i].Bytes, state = sum, n, FileRecorded
		case sum != f.SHA256:
			state = FileChanged
		}
		done = at
		tell(f.Bytes)
		v.OK = v.OK && state != FileChanged && state != FileMissing
		v.Files = append(v.Files, VerifiedFile{f.Path, f.Bytes, state})
	}
	if first {
		return v, s.store.SetModelFiles(ctx, m.Name, known)
	}
	return v, nil
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

// HashFile gives a file's SHA-256 in hex and its length; tell hears of the
// bytes as they are read.
func HashFile(ctx context.Context, path string, tell func(n int64)) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	buf := make([]byte, hashStep)
	var total int64
	for {
		if ctx.Err() != nil {
			return "", total, context.Cause(ctx)
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		total += int64(n)
		if tell != nil && n > 0 {
			tell(int64(n))
		}
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), total, nil
		}
		if err != nil {
			return "", total, err
		}
	}
}
