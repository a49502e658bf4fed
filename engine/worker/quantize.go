package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"qwill/engine/load"
	"qwill/engine/mlx"
	"qwill/engine/proto"
	"qwill/engine/quant"
	"qwill/engine/safetensors"
)

const (
	shardBytes = 5 << 30  // of weights in a file, as mlx-lm's
	blockBytes = 32 << 20 // of a tensor read at once, which bounds the memory
)

// stopper makes a context's end a canceller.
type stopper context.CancelFunc

func (s stopper) Cancel() { s() }

// quantize makes a quantized folder. Matrices are quantized by MLX itself, some
// rows at a time: groups lie within a row, so the parts are those of the whole.
func (w *Worker) quantize(p proto.QuantizeParams) (proto.ImportResult, error) {
	bad := func(field, format string, args ...any) (proto.ImportResult, error) {
		return proto.ImportResult{}, &proto.Error{Code: proto.CodeInvalid, Message: fmt.Sprintf(format, args...), ErrorData: proto.ErrorData{Field: field}}
	}
	form := quant.Affine{Bits: p.Bits, GroupSize: p.GroupSize}
	switch err := form.Check(); {
	case !filepath.IsAbs(p.Source):
		return bad("source", "source must be an absolute path")
	case !filepath.IsAbs(p.Target):
		return bad("target", "target must be an absolute path")
	case err != nil:
		return bad("bits", "%v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := w.register(p.ID, stopper(cancel)); err != nil {
		return proto.ImportResult{}, err
	}
	defer w.unregister(p.ID)
	r, err := quantizeFolder(ctx, w.thread, p.Source, p.Target, form, func(done, total int64) {
		w.notify(proto.NotifyLoad, proto.LoadProgress{Path: p.Target, Done: done, Total: total})
	})
	switch {
	case ctx.Err() != nil && err != nil:
		err = &proto.Error{Code: proto.CodeCancelled, Message: "cancelled"}
	case errors.Is(err, syscall.ENOSPC):
		err = &proto.Error{Code: proto.CodeInvalid, Message: "the disk is full: the quantized model does not fit",
			ErrorData: proto.ErrorData{File: filepath.Dir(p.Target), Hint: "make room, or choose fewer bits"}}
	}
	return r, err
}

// quantizeFolder writes target whole or not at all: beside it, checked as any
// checkpoint is, synced and renamed.
func quantizeFolder(ctx context.Context, t *mlx.Thread, source, target string, form quant.Affine, progress func(done, total int64)) (proto.ImportResult, error) {
	var none proto.ImportResult
	if _, err := os.Lstat(target); err == nil {
		return none, &proto.Error{Code: proto.CodeInvalid, Message: "the target folder exists already",
			ErrorData: proto.ErrorData{File: target, Hint: "choose another name"}}
	}
	c, err := load.Open(source)
	if err != nil {
		return none, err
	}
	q := &quantizer{ctx: ctx, thread: t, c: c, form: form, progress: progress}
	if err := q.plan(); err != nil {
		return none, err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return none, err
	}
	temp, err := os.MkdirTemp(filepath.Dir(target), "."+strings.TrimPrefix(filepath.Base(target), ".")+".partial-")
	if err != nil {
		return none, err
	}
	defer os.RemoveAll(temp) // nothing is there after the rename
	if err := q.write(temp); err != nil {
		return none, err
	}
	if err := errors.Join(ctx.Err(), syncFolder(temp)); err != nil {
		return none, err
	}
	if err := os.Rename(temp, target); err != nil {
		return none, err
	}
	return proto.ImportResult{Tensors: q.tensors, Bytes: q.done}, syncFolder(filepath.Dir(target))
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// quantizer streams a checkpoint through MLX.
type quantizer struct {
	ctx      context.Context
	thread   *mlx.Thread
	c        *load.Checkpoint
	form     quant.Affine
	progress func(done, total int64)

	config      map[string]json.RawMessage
	cast        safetensors.Dtype // what config.json says the weights are in; "" leaves them
	parts       [][]piece         // by shard
	tensors     int
	done, total int64
}

// piece is one weight and what becomes of it.
type piece struct {
	in  safetensors.Located
	out []safetensors.Source // the weight, and scales and biases where it is quantized
}

var floats = map[string]safetensors.Dtype{"float32": safetensors.F32, "float16": safetensors.F16, "bfloat16": safetensors.BF16}

var mlxTypes = map[safetensors.Dtype]mlx.Dtype{safetensors.F32: mlx.Float32, safetensors.F16: mlx.Float16, safetensors.BF16: mlx.BFloat16}

// plan decides what is written, as mlx-lm's convert does: weights in the type
// that config.json names, every matrix quantized whose rows hold whole groups,
// files of at most 5 GB.
func (q *quantizer) plan() error {
	data, err := load.ReadFile(filepath.Join(q.c.Dir, "config.json"), 4<<20)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &q.config); err != nil {
		return err
	}
	var dtype string
	_ = json.Unmarshal(q.config["torch_dtype"], &dtype) // absent or of another kind: left as it is
	q.cast = floats[dtype]
	var all []piece
	for name, v := range q.c.Vectors {
		d := q.dtype(v.Weight)
		all = append(all, piece{v.Weight, []safetensors.Source{{Name: name + ".weight", Dtype: d, Shape: v.Weight.Shape}}})
	}
	for name, m := range q.c.Matrices {
		if m.Form != nil {
			return &proto.Error{Code: proto.CodeInvalid, Message: "the model is quantized already: " + m.Form.String(),
				ErrorData: proto.ErrorData{File: q.c.Dir, Hint: "take the edition in bf16, f16 or f32"}}
		}
		d, rows, cols := q.dtype(m.Weight), int64(m.Rows), int64(m.Cols)
		if cols%int64(q.form.GroupSize) != 0 {
			all = append(all, piece{m.Weight, []safetensors.Source{{Name: name + ".weight", Dtype: d, Shape: m.Weight.Shape}}})
			continue
		}
		groups := []int64{rows, cols / int64(q.form.GroupSize)}
		all = append(all, piece{m.Weight, []safetensors.Source{
			{Name: name + ".weight", Dtype: safetensors.U32, Shape: []int64{rows, cols * int64(q.form.Bits) / 32}},
			{Name: name + ".scales", Dtype: d, Shape: groups},
			{Name: name + ".biases", Dtype: d, Shape: groups}}})
	}
	slices.SortFunc(all, func(a, b piece) int { return strings.Compare(a.out[0].Name, b.out[0].Name) })
	room := int64(0)
	for _, p := range all {
		n := int64(0)
		for _, o := range p.out {
			n += bytesOf(o)
		}
		if n > room {
			q.parts = append(q.parts, nil)
			room = shardBytes
		}
		room -= n
		q.total += n
		q.tensors += len(p.out)
		q.parts[len(q.parts)-1] = append(q.parts[len(q.parts)-1], p)
	}
	return nil
}

func (q *quantizer) dtype(t safetensors.Located) safetensors.Dtype {
	if q.cast != "" {
		return q.cast
	}
	return t.Dtype
}

func bytesOf(s safetensors.Source) int64 {
	n := s.Dtype.Size()
	for _, d := range s.Shape {
		n *= d
	}
	return n
}

func (q *quantizer) write(dir string) error {
	index := map[string]string{}
	for i, part := range q.parts {
		name := "model.safetensors"
		if len(q.parts) > 1 {
			name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(q.parts))
		}
		if err := q.shard(filepath.Join(dir, name), part); err != nil {
			return err
		}
		for _, p := range part {
			for _, o := range p.out {
				index[o.Name] = name
			}
		}
	}
	if len(q.parts) > 1 {
		if err := writeJSON(filepath.Join(dir, safetensors.IndexName), map[string]any{"metadata": map[string]int64{"total_size": q.total}, "weight_map": index}); err != nil {
			return err
		}
	}
	form := map[string]any{"group_size": q.form.GroupSize, "bits": q.form.Bits, "mode": "affine"}
	config := map[string]any{}
	for k, v := range q.config {
		config[k] = v
	}
	config["quantization"], config["quantization_config"] = form, form
	if q.c.Config.Tied {
		config["tie_word_embeddings"] = true // of files without a head it need not be said
	}
	if err := writeJSON(filepath.Join(dir, "config.json"), config); err != nil {
		return err
	}
	if err := copySmall(q.c.Dir, dir); err != nil {
		return err
	}
	_, err := load.Open(dir) // what this engine cannot read is not published
	return err
}

// shard writes one file; what lies in it where is decided first.
func (q *quantizer) shard(path string, part []piece) error {
	var all []safetensors.Source
	for _, p := range part {
		all = append(all, p.out...)
	}
	ordered, head, at, err := safetensors.Layout(all, map[string]string{"format": "mlx"})
	if err != nil {
		return err
	}
	offsets := map[string]int64{}
	for i, o := range ordered {
		offsets[o.Name] = at[i]
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(head); err != nil {
		return err
	}
	for _, p := range part {
		if err := q.stream(f, p, offsets); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// stream reads p some rows at a time and writes what becomes of them.
func (q *quantizer) stream(f *os.File, p piece, offsets map[string]int64) error {
	src, err := os.Open(q.c.Files[p.in.File].Path)
	if err != nil {
		return err
	}
	defer src.Close()
	rows := p.in.Shape[0]
	step := max(1, blockBytes/(p.in.Bytes/rows))
	buffer := make([]byte, min(step, rows)*(p.in.Bytes/rows))
	for at := int64(0); at < rows; at += step {
		if err := q.ctx.Err(); err != nil {
			return err
		}
		n := min(step, rows-at)
		data := buffer[:n*(p.in.Bytes/rows)]
		if _, err := src.ReadAt(data, p.in.Offset+at*(p.in.Bytes/rows)); err != nil {
			return load.Fault(src.Name(), p.in.Name, err)
		}
		out, err := q.block(p, data, int(n))
		if err != nil {
			return err
		}
		for i, o := range p.out {
			if _, err := f.WriteAt(out[i], offsets[o.Name]+at*(bytesOf(o)/rows)); err != nil {
				return err
			}
			q.done += int64(len(out[i]))
		}
		q.progress(q.done, q.total)
	}
	return nil
}

// block gives the bytes of some rows' weight, or weight, scales and biases.
func (q *quantizer) block(p piece, data []byte, rows int) (out [][]byte, err error) {
	shape := []int{rows}
	if len(p.in.Shape) == 2 {
		shape = append(shape, int(p.in.Shape[1]))
	}
	err = q.thread.Do(func() error {
		return mlx.Try(func() {
			s := q.thread.Enter()
			defer s.Close()
			a := mlx.AsType(q.thread.FromBytes(mlxTypes[p.in.Dtype], data, shape...), mlxTypes[q.dtype(p.in)])
			if len(p.out) == 1 {
				out = [][]byte{a.RawBytes()}
				return
			}
			w := mlx.Quantize(a, q.form.GroupSize, q.form.Bits)
			out = [][]byte{w.W.RawBytes(), w.Scales.RawBytes(), w.Biases.RawBytes()}
		})
	})
	return out, err
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "    ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o600)
}

// maxSmall bounds a file that is copied beside the weights, in bytes.
const maxSmall = 128 << 20

// copySmall copies what belongs to a model beside its weights and config.json:
// tokenizer, template, settings, card and licence.
func copySmall(from, to string) error {
	names := []string{"README.md", "LICENSE", filepath.Join("1_Pooling", "config.json")}
	for _, pattern := range []string{"*.json", "*.jinja", "*.txt"} {
		found, err := fs.Glob(os.DirFS(from), pattern)
		if err != nil {
			return err
		}
		names = append(names, found...)
	}
	for _, name := range names {
		if name == "config.json" || name == safetensors.IndexName {
			continue
		}
		b, err := load.ReadFile(filepath.Join(from, name), maxSmall)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(target, b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
