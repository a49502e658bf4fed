package safetensors

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// File is one checked shard.
type File struct {
	Path   string
	Header *Header
}

// Folder is a checkpoint's weights: one file, or shards joined by an index.
type Folder struct {
	Files   []File
	Tensors map[string]Located
}

// Located is a tensor with the number of its file in Folder.Files.
type Located struct {
	Tensor
	File int
}

// FileError names the file in which a fault was found.
type FileError struct {
	Path string
	Err  error
}

func (e *FileError) Error() string { return filepath.Base(e.Path) + ": " + e.Err.Error() }
func (e *FileError) Unwrap() error { return e.Err }

// Open reads and checks the header of one file.
func Open(path string) (*Header, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &FileError{path, reason(err)}
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, &FileError{path, reason(err)}
	}
	if !st.Mode().IsRegular() {
		return nil, &FileError{path, errors.New("not a regular file")}
	}
	h, err := ReadHeader(f, st.Size())
	if err != nil {
		return nil, &FileError{path, err}
	}
	return h, nil
}

// OpenFolder reads and checks every header of a checkpoint: the shards that
// model.safetensors.index.json names, or model.safetensors alone. Tensors that
// are missing, unexpected, in another shard than the index says, or in two, are
// errors that name tensor and file.
func OpenFolder(dir string) (*Folder, error) {
	indexPath := filepath.Join(dir, IndexName)
	data, err := readLimited(indexPath, MaxHeader)
	if errors.Is(err, fs.ErrNotExist) {
		return openSingle(filepath.Join(dir, "model.safetensors"))
	}
	if err != nil {
		return nil, &FileError{indexPath, reason(err)}
	}
	index, err := ParseIndex(data)
	if err != nil {
		return nil, &FileError{indexPath, err}
	}
	f := &Folder{Tensors: map[string]Located{}}
	for i, name := range index.Files {
		path := filepath.Join(dir, name)
		h, err := Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &FileError{path, fmt.Errorf("%s names this file, but it is missing: %w", IndexName, fs.ErrNotExist)}
		}
		if err != nil {
			return nil, err
		}
		f.Files = append(f.Files, File{path, h})
		for _, t := range h.Tensors {
			if old, ok := f.Tensors[t.Name]; ok {
				return nil, &FileError{path, bad(t.Name, "it is in %s too", filepath.Base(f.Files[old.File].Path))}
			}
			want, ok := index.Shards[t.Name]
			if !ok {
				return nil, &FileError{path, bad(t.Name, "%s does not name it", IndexName)}
			}
			if want != name {
				return nil, &FileError{path, bad(t.Name, "%s places it in %s", IndexName, want)}
			}
			f.Tensors[t.Name] = Located{t, i}
		}
	}
	for tensor, name := range index.Shards {
		if _, ok := f.Tensors[tensor]; !ok {
			return nil, &FileError{filepath.Join(dir, name), bad(tensor, "%s places it here, but it is missing", IndexName)}
		}
	}
	return f, nil
}

func openSingle(path string) (*Folder, error) {
	h, err := Open(path)
	if err != nil {
		return nil, err
	}
	f := &Folder{Files: []File{{path, h}}, Tensors: make(map[string]Located, len(h.Tensors))}
	for _, t := range h.Tensors {
		f.Tensors[t.Name] = Located{t, 0}
	}
	return f, nil
}

// reason drops the path that os errors repeat.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("larger than the limit of %d bytes", limit)
	}
	return data, err
}
