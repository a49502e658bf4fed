// Package gguf reads llama.cpp's model files, strictly, and converts them to
// folders in MLX form without losing a bit.
//
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
package gguf

import (
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
)

const defaultAlignment = 32

// File is a checked description of a GGUF file.
type File struct {
	Version  uint32
	Metadata map[string]any // see reader.value for the types
	Tensors  []Tensor
	size     int64
}

// Tensor says where a matrix (or a vector: Rows 1) lies.
type Tensor struct {
	Name   string
	Type   Type
	Dims   []int64 // as GGUF orders them: the row's length first
	Offset int64   // in the file
	Bytes  int64
}

// Cols is the length of a row.
func (t Tensor) Cols() int64 { return t.Dims[0] }

// Rows is the number of rows.
func (t Tensor) Rows() int64 {
	n := int64(1)
	for _, d := range t.Dims[1:] {
		n *= d
	}
	return n
}

// TensorError names the tensor that is at fault.
type TensorError struct{ Tensor, Message string }

func (e *TensorError) Error() string { return fmt.Sprintf("tensor %q: %s", e.Tensor, e.Message) }

// Read reads and checks the description of a file of size bytes. Types of
// tensors that Qwill cannot convert are errors of *TensorError.
func Read(src io.ReaderAt, size int64) (*File, error) {
	r := newReader(src, size)
	if magic := r.uint(4); r.err != nil || magic != 0x46554747 {
		return nil, fmt.Errorf("not a GGUF file")
	}
	f := &File{Version: uint32(r.uint(4)), Metadata: map[string]any{}, size: size}
	if r.err == nil && f.Version != 2 && f.Version != 3 {
		if v := bits.ReverseBytes32(f.Version); v == 2 || v == 3 {
			return nil, fmt.Errorf("a GGUF file for big-endian machines is not supported")
		}
		return nil, fmt.Errorf("version %d of GGUF is not supported: 2 and 3 are", f.Version)
	}
	tensors, keys := r.uint(8), r.uint(8)
	if tensors > maxTensors {
		r.fail("%d tensors, more than the limit of %d", tensors, maxTensors)
	}
	if keys > maxKeys {
		r.fail("%d metadata keys, more than the limit of %d", keys, maxKeys)
	}
	for i := uint64(0); i < keys && r.err == nil; i++ {
		key := r.text(maxKey)
		if r.err == nil && !validKey(key) {
			r.fail("metadata key %.80q is not valid", key)
		}
		if _, ok := f.Metadata[key]; ok {
			r.fail("metadata key %.80q is given twice", key)
		}
		kind := uint32(r.uint(4))
		if v := r.value(kind, 0); r.err == nil {
			f.Metadata[key] = v
		} else {
			r.err = fmt.Errorf("metadata key %.80q: %w", key, r.err)
		}
	}
	seen := map[string]bool{}
	for i := uint64(0); i < tensors && r.err == nil; i++ {
		t, err := r.tensor()
		if r.err == nil && err != nil {
			return nil, err
		}
		if r.err == nil && seen[t.Name] {
			return nil, &TensorError{t.Name, "it is given twice"}
		}
		seen[t.Name] = true
		f.Tensors = append(f.Tensors, t)
	}
	if r.err != nil {
		return nil, r.err
	}
	return f, f.place(r.pos)
}

func (r *reader) tensor() (Tensor, error) {
	t := Tensor{Name: r.text(maxKey)}
	bad := func(format string, args ...any) (Tensor, error) {
		return t, &TensorError{t.Name, fmt.Sprintf(format, args...)}
	}
	if r.err == nil && !validKey(t.Name) {
		return bad("its name is not valid")
	}
	n := r.uint(4)
	if n < 1 || n > 4 {
		return bad("%d dimensions, 1 to 4 are allowed", n)
	}
	for range n {
		d := r.uint(8)
		if r.err == nil && (d < 1 || d > math.MaxInt32) {
			return bad("a dimension of %d", d)
		}
		t.Dims = append(t.Dims, int64(d))
	}
	t.Type = Type(r.uint(4))
	offset := r.uint(8)
	if r.err != nil {
		return t, nil
	}
	elements, bytes := t.Type.block()
	if elements == 0 {
		return bad("%v is not supported: Q4_1, Q8_0, F16, BF16 and F32 are; take an edition of the model in one of these, or in MLX form", t.Type)
	}
	if t.Dims[0]%elements != 0 {
		return bad("rows of %d elements do not divide into blocks of %d", t.Dims[0], elements)
	}
	t.Bytes = t.Dims[0] / elements * bytes
	for _, d := range t.Dims[1:] {
		if t.Bytes > math.MaxInt64/d {
			return bad("dimensions %v overflow", t.Dims)
		}
		t.Bytes *= d
	}
	if offset > math.MaxInt64/2 {
		return bad("it lies at %d, outside the file", offset)
	}
	t.Offset = int64(offset)
	return t, nil
}

// place turns offsets into positions in the file and checks them; end is the
// first byte after the description.
func (f *File) place(end int64) error {
	alignment := int64(defaultAlignment)
	if v, ok := f.Metadata["general.alignment"]; ok {
		n, ok := v.(uint64)
		if !ok || n < 1 || n > 1<<20 || n&(n-1) != 0 {
			return fmt.Errorf("general.alignment: %v is not a power of 2 up to 2^20", v)
		}
		alignment = int64(n)
	}
	base := (end + alignment - 1) / alignment * alignment
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if t.Offset%alignment != 0 {
			return &TensorError{t.Name, fmt.Sprintf("its offset %d is not a multiple of %d", t.Offset, alignment)}
		}
		t.Offset += base
		if t.Offset > f.size || t.Bytes > f.size-t.Offset {
			return &TensorError{t.Name, fmt.Sprintf("it ends %d bytes behind the end of the file; perhaps the download was cut short", t.Offset+t.Bytes-f.size)}
		}
	}
	order := slices.Clone(f.Tensors)
	slices.SortFunc(order, func(a, b Tensor) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
	for i := 1; i < len(order); i++ {
		if order[i].Offset < order[i-1].Offset+order[i-1].Bytes {
			return &TensorError{order[i].Name, fmt.Sprintf("its bytes overlap those of %q", order[i-1].Name)}
		}
	}
	return nil
}
