package gguf

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"qwill/engine/load"
	"qwill/engine/proto"
	"qwill/engine/safetensors"
)

// Convert makes a folder in MLX form of a GGUF file. Weights keep every bit.
// The folder appears at target whole or not at all: it is written beside it,
// checked as any checkpoint is, synced and renamed. progress may be nil; it is
// told the bytes written.
func Convert(ctx context.Context, source, target string, progress func(done, total int64)) (proto.ImportResult, error) {
	result, err := convert(ctx, source, target, progress)
	if err != nil {
		return proto.ImportResult{}, wrap(source, err)
	}
	return result, nil
}

func convert(ctx context.Context, source, target string, progress func(done, total int64)) (proto.ImportResult, error) {
	if _, err := os.Lstat(target); err == nil {
		return proto.ImportResult{}, &proto.Error{
			Code: proto.CodeInvalid, Message: "the target folder exists already",
			ErrorData: proto.ErrorData{File: target, Hint: "choose another name"},
		}
	}
	src, err := os.Open(source)
	if err != nil {
		return proto.ImportResult{}, err
	}
	defer src.Close()
	st, err := src.Stat()
	if err != nil {
		return proto.ImportResult{}, err
	}
	if !st.Mode().IsRegular() {
		return proto.ImportResult{}, errors.New("not a regular file")
	}
	plan, err := newPlan(src, st.Size())
	if err != nil {
		return proto.ImportResult{}, err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return proto.ImportResult{}, err
	}
	// Hidden, and with the target's own prefix where that is hidden already, so
	// that whoever sweeps such names after a crash finds this one too.
	temp, err := os.MkdirTemp(filepath.Dir(target), "."+strings.TrimPrefix(filepath.Base(target), ".")+".partial-")
	if err != nil {
		return proto.ImportResult{}, err
	}
	defer os.RemoveAll(temp) // nothing is there after the rename
	bytes, err := plan.write(ctx, temp, progress)
	if err != nil {
		return proto.ImportResult{}, err
	}
	if _, err := load.Open(temp); err != nil {
		var pe *proto.Error
		if errors.As(err, &pe) {
			pe.File = source // the fault is the source's, and temp is about to go
		}
		return proto.ImportResult{}, err
	}
	if err := syncPath(temp); err != nil {
		return proto.ImportResult{}, err
	}
	if err := os.Rename(temp, target); err != nil {
		return proto.ImportResult{}, err
	}
	if err := syncPath(filepath.Dir(target)); err != nil {
		return proto.ImportResult{}, err
	}
	return proto.ImportResult{Tensors: len(plan.tensors), Bytes: bytes}, nil
}

// plan is what a folder will hold.
type plan struct {
	file    *File
	src     io.ReaderAt
	tensors []named
	wide    map[string]bool // Q8_0 tensors whose biases need float32
	json    map[string]object
}

func newPlan(src io.ReaderAt, size int64) (*plan, error) {
	f, err := Read(src, size)
	if err != nil {
		return nil, err
	}
	m := &meta{m: f.Metadata}
	const archKey = "general.architecture"
	m.arch = m.text(archKey)
	if m.err == nil && m.arch != "llama" && m.arch != "qwen3" {
		m.fail(archKey, "%.60q is not supported yet: llama and qwen3 are", m.arch)
	}
	if m.err != nil {
		return nil, m.err
	}
	p := &plan{file: f, src: src, wide: map[string]bool{}}
	for _, t := range f.Tensors {
		n, err := m.place(t)
		if err != nil {
			return nil, err
		}
		if _, ok := t.Type.affine(); ok {
			if p.wide[t.Name], err = t.scan(src); err != nil {
				return nil, err
			}
		}
		p.tensors = append(p.tensors, n)
	}
	config := m.config(f)
	if m.err != nil {
		return nil, m.err
	}
	if q := quantization(p.tensors); q != nil {
		config["quantization"], config["quantization_config"] = q, q
	}
	tokenizer, tokenizerConfig := m.tokenizer(f.tensor("token_embd.weight").Rows())
	generation := m.generation()
	if m.err != nil {
		return nil, m.err
	}
	p.json = map[string]object{
		"config.json": config, "generation_config.json": generation,
		"tokenizer.json": tokenizer, "tokenizer_config.json": tokenizerConfig,
	}
	return p, nil
}

// write fills the folder and returns the bytes written.
func (p *plan) write(ctx context.Context, dir string, progress func(done, total int64)) (int64, error) {
	var sum int64
	for name, o := range p.json {
		data, err := json.MarshalIndent(o, "", " ")
		if err != nil {
			return 0, err
		}
		if err := writeFile(filepath.Join(dir, name), func(w io.Writer) error {
			_, err := w.Write(append(data, '\n'))
			return err
		}); err != nil {
			return 0, err
		}
		sum += int64(len(data)) + 1
	}
	sources := p.sources()
	var total int64
	for _, s := range sources {
		total += s.Dtype.Size() * product(s.Shape)
	}
	meta := map[string]string{"format": "mlx", "source": p.file.describe()}
	err := writeFile(filepath.Join(dir, "model.safetensors"), func(w io.Writer) error {
		return safetensors.Write(&meter{ctx: ctx, w: w, total: total, progress: progress}, sources, meta)
	})
	if err != nil {
		return 0, err
	}
	st, err := os.Stat(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		return 0, err
	}
	return sum + st.Size(), nil
}

func (p *plan) sources() []safetensors.Source {
	var out []safetensors.Source
	for _, t := range p.tensors {
		add := func(suffix string, d safetensors.Dtype, part part, shape ...int64) {
			out = append(out, safetensors.Source{Name: t.module + suffix, Dtype: d, Shape: shape, Write: func(w io.Writer) error {
				return t.write(w, p.src, part, p.wide[t.Name], t.rows)
			}})
		}
		form, ok := t.Type.affine()
		switch {
		case ok:
			d := safetensors.F16
			if p.wide[t.Name] {
				d = safetensors.F32
			}
			add(".weight", safetensors.U32, weights, t.Rows(), form.Words(t.Cols()))
			add(".scales", d, scales, t.Rows(), form.Groups(t.Cols()))
			add(".biases", d, biases, t.Rows(), form.Groups(t.Cols()))
		case t.matrix:
			add(".weight", t.Type.dense(), weights, t.Rows(), t.Cols())
		default:
			add(".weight", t.Type.dense(), weights, t.Cols())
		}
	}
	return out
}

func product(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

// meter reports progress and stops a cancelled conversion.
type meter struct {
	ctx         context.Context
	w           io.Writer
	done, total int64
	told        int64
	progress    func(done, total int64)
}

func (m *meter) Write(b []byte) (int, error) {
	if err := m.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := m.w.Write(b)
	m.done += int64(n)
	if m.progress != nil && (m.done-m.told >= 1<<20 || m.done >= m.total) {
		m.told = m.done
		m.progress(min(m.done, m.total), m.total)
	}
	return n, err
}

// writeFile writes and syncs one file.
func writeFile(path string, fill func(w io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}

// syncPath makes a folder's entries last.
func syncPath(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// wrap makes any fault a *proto.Error that names the source, or where writing
// failed.
func wrap(source string, err error) error {
	var pe *proto.Error
	if errors.As(err, &pe) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &proto.Error{Code: proto.CodeModel, Message: "cannot import the model: " + err.Error(), ErrorData: proto.ErrorData{File: source}}
	var tensor *TensorError
	var key *KeyError
	var path *fs.PathError
	switch {
	case errors.As(err, &tensor):
		e.Field, e.Hint = tensor.Tensor, "choose an edition of the model in Q4_1, Q8_0, F16 or F32, or in MLX form"
	case errors.As(err, &key):
		e.Field, e.Hint = key.Key, "choose a Qwen3 (dense) or Llama model, or its edition in MLX form"
	case errors.As(err, &path):
		e.File, e.Message = path.Path, fmt.Sprintf("cannot import the model: %s: %v", path.Op, path.Err)
		e.Hint = "check the path, the rights and the free space"
	default:
		e.Hint = "the file may be incomplete; download it again"
	}
	return e
}
