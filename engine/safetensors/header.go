// Package safetensors reads and writes the safetensors format and the index
// that joins shards. Reading is strict, because MLX trusts what it is given:
// every size and offset is checked here before MLX sees a byte.
//
// Format: 8 bytes little-endian length of the header, the header (a JSON object
// of tensors), the tensors' bytes.
// https://huggingface.co/docs/safetensors
package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"qwill/engine/strictjson"
)

const (
	// MaxHeader is the format's own limit of the header, in bytes.
	MaxHeader = 100_000_000
	// maxDims is what MLX holds without an allocation per shape.
	maxDims = 10
	maxName = 1024
	// maxTensors is seven times what the largest unstacked mixture of experts has.
	maxTensors = 1 << 18
)

// Tensor says where one tensor lies in its file.
type Tensor struct {
	Name   string
	Dtype  Dtype
	Shape  []int64
	Offset int64 // in the file
	Bytes  int64
}

// Header is what a file contains.
type Header struct {
	Tensors  []Tensor // by offset
	Metadata map[string]string
	Size     int64 // of the file
}

// Error is a fault of a file's header; Tensor is empty when the whole is meant.
type Error struct {
	Tensor  string
	Message string
}

func (e *Error) Error() string {
	if e.Tensor == "" {
		return e.Message
	}
	return fmt.Sprintf("tensor %q: %s", e.Tensor, e.Message)
}

func bad(tensor, format string, args ...any) error {
	return &Error{Tensor: tensor, Message: fmt.Sprintf(format, args...)}
}

// ReadHeader reads and checks the header of a file of size bytes.
func ReadHeader(r io.ReaderAt, size int64) (*Header, error) {
	if size < 8 {
		return nil, bad("", "%d bytes are too few for a safetensors file", size)
	}
	var prefix [8]byte
	if _, err := r.ReadAt(prefix[:], 0); err != nil {
		return nil, fmt.Errorf("read the length of the header: %w", err)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	switch {
	case n == 0:
		return nil, bad("", "the header is empty")
	case n > MaxHeader:
		return nil, bad("", "the header claims %d bytes, more than the limit of %d", n, MaxHeader)
	case int64(n) > size-8:
		return nil, bad("", "the header claims %d bytes, the file has %d", n, size)
	}
	data := make([]byte, n)
	if _, err := r.ReadAt(data, 8); err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	return parse(data, size)
}

func parse(data []byte, size int64) (*Header, error) {
	if data[0] != '{' {
		return nil, bad("", "the header does not start with {")
	}
	if err := strictjson.Check(data, MaxHeader, 3); err != nil {
		return nil, bad("", "the header is %v", err)
	}
	members, err := strictjson.Object(data)
	if err != nil {
		return nil, bad("", "the header: %v", err)
	}
	if len(members) > maxTensors {
		return nil, bad("", "%d tensors, more than the limit of %d", len(members), maxTensors)
	}
	h := &Header{Size: size}
	base := 8 + int64(len(data))
	for _, m := range members {
		if m.Key == "__metadata__" {
			if h.Metadata, err = metadata(m.Value); err != nil {
				return nil, bad("", "__metadata__: %v", err)
			}
			continue
		}
		t, err := tensor(m.Key, m.Value, base, size)
		if err != nil {
			return nil, err
		}
		h.Tensors = append(h.Tensors, t)
	}
	slices.SortStableFunc(h.Tensors, func(a, b Tensor) int {
		if a.Offset != b.Offset {
			return int(min(max(a.Offset-b.Offset, -1), 1))
		}
		return int(min(max(a.Bytes-b.Bytes, -1), 1)) // an empty one before its neighbour
	})
	next := base
	for _, t := range h.Tensors {
		if t.Offset < next {
			return nil, bad(t.Name, "its bytes overlap another tensor's")
		}
		if t.Offset > next {
			return nil, bad(t.Name, "%d bytes before it belong to no tensor", t.Offset-next)
		}
		next += t.Bytes
	}
	if next != size {
		return nil, bad("", "%d bytes after the last tensor belong to none", size-next)
	}
	return h, nil
}

func metadata(data []byte) (map[string]string, error) {
	if strictjson.Kind(data) == "null" {
		return nil, nil // MLX writes this when it is given none
	}
	members, err := strictjson.Object(data)
	if err != nil {
		return nil, err
	}
	out := make(map[string]string, len(members))
	for _, m := range members {
		var s string
		if strictjson.Kind(m.Value) != "a string" || json.Unmarshal(m.Value, &s) != nil {
			return nil, fmt.Errorf("%q is %s, not a string", m.Key, strictjson.Kind(m.Value))
		}
		out[m.Key] = s
	}
	return out, nil
}

func tensor(name string, data []byte, base, size int64) (Tensor, error) {
	if name == "" || len(name) > maxName {
		return Tensor{}, bad("", "a tensor's name has %d bytes, 1 to %d are allowed", len(name), maxName)
	}
	members, err := strictjson.Object(data)
	if err != nil {
		return Tensor{}, bad(name, "%v", err)
	}
	fields := map[string]json.RawMessage{}
	for _, m := range members {
		switch m.Key {
		case "dtype", "shape", "data_offsets":
			fields[m.Key] = m.Value
		default:
			return Tensor{}, bad(name, "unknown field %q", m.Key)
		}
	}
	for _, k := range []string{"dtype", "shape", "data_offsets"} {
		if fields[k] == nil {
			return Tensor{}, bad(name, "%s is missing", k)
		}
	}
	t := Tensor{Name: name}
	if strictjson.Kind(fields["dtype"]) != "a string" || json.Unmarshal(fields["dtype"], &t.Dtype) != nil {
		return Tensor{}, bad(name, "dtype is %s, not a string", strictjson.Kind(fields["dtype"]))
	}
	if t.Dtype.Size() == 0 {
		return Tensor{}, bad(name, "dtype %.40q is not supported", string(t.Dtype))
	}
	if t.Shape, err = integers(fields["shape"], maxDims); err != nil {
		return Tensor{}, bad(name, "shape: %v", err)
	}
	offsets, err := integers(fields["data_offsets"], 2)
	if err != nil {
		return Tensor{}, bad(name, "data_offsets: %v", err)
	}
	if len(offsets) != 2 || offsets[0] > offsets[1] {
		return Tensor{}, bad(name, "data_offsets %v are not a beginning and an end", offsets)
	}
	if offsets[1] > size-base {
		return Tensor{}, bad(name, "it ends %d bytes behind the end of the file; perhaps the download was cut short", offsets[1]-(size-base))
	}
	want := t.Dtype.Size()
	for _, d := range t.Shape {
		if d > math.MaxInt32 {
			return Tensor{}, bad(name, "shape %v is too large", t.Shape)
		}
		if d != 0 && want > math.MaxInt64/d {
			return Tensor{}, bad(name, "shape %v overflows", t.Shape)
		}
		want *= d
	}
	t.Offset, t.Bytes = base+offsets[0], offsets[1]-offsets[0]
	if want != t.Bytes {
		return Tensor{}, bad(name, "%s of shape %v needs %d bytes, data_offsets give %d", t.Dtype, t.Shape, want, t.Bytes)
	}
	return t, nil
}

// integers reads an array of at most limit non-negative integers.
func integers(data []byte, limit int) ([]int64, error) {
	if strictjson.Kind(data) != "an array" {
		return nil, fmt.Errorf("%s, not an array", strictjson.Kind(data))
	}
	body := strings.TrimSpace(string(data))
	body = strings.TrimSpace(body[1 : len(body)-1])
	if body == "" {
		return []int64{}, nil
	}
	parts := strings.Split(body, ",")
	if len(parts) > limit {
		return nil, fmt.Errorf("%d numbers, at most %d are allowed", len(parts), limit)
	}
	out := make([]int64, len(parts))
	for i, p := range parts {
		n, err := strconv.ParseUint(strings.TrimSpace(p), 10, 63)
		if err != nil {
			return nil, fmt.Errorf("%.40q is not an integer from 0 to 2^63-1", strings.TrimSpace(p))
		}
		out[i] = int64(n)
	}
	return out, nil
}
