package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Source is a tensor to write; Write gives exactly the bytes that Dtype and
// Shape need, little-endian and row-major.
type Source struct {
	Name  string
	Dtype Dtype
	Shape []int64
	Write func(w io.Writer) error
}

// Write writes a whole file.
func Write(w io.Writer, tensors []Source, meta map[string]string) error {
	tensors, head, at, err := Layout(tensors, meta)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for i, t := range tensors {
		c := &counter{w: w}
		if err := t.Write(c); err != nil {
			return fmt.Errorf("write tensor %q: %w", t.Name, err)
		}
		if n := at[i+1] - at[i]; c.n != n {
			return fmt.Errorf("write tensor %q: %d bytes given, %d needed", t.Name, c.n, n)
		}
	}
	return nil
}

// Layout gives the beginning of a file and where in it each tensor's bytes begin;
// the last of at is the file's size. Tensors are ordered by falling element size,
// then name, so that every one is aligned to its elements.
func Layout(tensors []Source, meta map[string]string) (ordered []Source, beginning []byte, at []int64, err error) {
	tensors = slices.Clone(tensors)
	slices.SortFunc(tensors, func(a, b Source) int {
		if d := b.Dtype.Size() - a.Dtype.Size(); d != 0 {
			return int(d)
		}
		return strings.Compare(a.Name, b.Name)
	})
	var head bytes.Buffer
	head.WriteByte('{')
	if meta == nil {
		meta = map[string]string{}
	}
	m, err := json.Marshal(meta)
	if err != nil {
		return nil, nil, nil, err
	}
	fmt.Fprintf(&head, `"__metadata__":%s`, m)
	var offset int64
	at = append(at, 0)
	for _, t := range tensors {
		n := t.Dtype.Size()
		for _, d := range t.Shape {
			n *= d
		}
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, nil, nil, err
		}
		shape, err := json.Marshal(append([]int64{}, t.Shape...))
		if err != nil {
			return nil, nil, nil, err
		}
		fmt.Fprintf(&head, `,%s:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, t.Dtype, shape, offset, offset+n)
		offset += n
		at = append(at, offset)
	}
	head.WriteByte('}')
	for head.Len()%8 != 0 {
		head.WriteByte(' ')
	}
	if head.Len() > MaxHeader {
		return nil, nil, nil, fmt.Errorf("a header of %d bytes is over the limit", head.Len())
	}
	beginning = binary.LittleEndian.AppendUint64(nil, uint64(head.Len()))
	beginning = append(beginning, head.Bytes()...)
	for i := range at {
		at[i] += int64(len(beginning))
	}
	return tensors, beginning, at, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
