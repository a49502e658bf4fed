package models

import (
	"errors"
	"fmt"
	"io"
	"os"

	"qwill/engine/load"
	"qwill/engine/mlx"
	"qwill/engine/safetensors"
)

// reader copies a checkpoint's tensors into MLX's memory. Files are read, not
// mapped: one that is cut short meanwhile is an error, where a mapping would
// end the process with SIGBUS in the middle of an answer.
type reader struct {
	thread   *mlx.Thread
	scope    *mlx.Scope // owns the weights
	c        *load.Checkpoint
	files    []*os.File
	buffer   []byte
	progress func(done, total int64)
	done     int64
	err      error // the first one; later reads do nothing
}

func (r *reader) close() {
	for _, f := range r.files {
		if f != nil {
			f.Close()
		}
	}
}

var dtypes = map[safetensors.Dtype]mlx.Dtype{
	safetensors.F32: mlx.Float32, safetensors.F16: mlx.Float16, safetensors.BF16: mlx.BFloat16, safetensors.U32: mlx.Uint32,
}

func (r *reader) array(t safetensors.Located) mlx.Array {
	if r.err != nil {
		return mlx.Array{}
	}
	path := r.c.Files[t.File].Path
	f := r.files[t.File]
	if f == nil {
		var err error
		if f, err = os.Open(path); err != nil {
			r.err = load.Fault(path, t.Name, err)
			return mlx.Array{}
		}
		r.files[t.File] = f
	}
	if int64(cap(r.buffer)) < t.Bytes {
		r.buffer = make([]byte, t.Bytes)
	}
	data := r.buffer[:t.Bytes]
	if _, err := f.ReadAt(data, t.Offset); err != nil {
		if err == io.EOF {
			err = errors.New("the file ends early, it changed while the model was loading")
		}
		r.err = load.Fault(path, t.Name, err)
		return mlx.Array{}
	}
	shape := make([]int, len(t.Shape))
	for i, n := range t.Shape {
		shape[i] = int(n)
	}
	a := r.thread.FromBytes(dtypes[t.Dtype], data, shape...)
	r.scope.Adopt(a)
	r.done += t.Bytes
	if r.progress != nil {
		r.progress(r.done, r.c.WeightBytes)
	}
	return a
}

// Matrix is the weight of a module such as "model.layers.0.mlp.up_proj", as it
// is stored.
func (r *reader) Matrix(module string) mlx.Weight {
	m, ok := r.c.Matrices[module]
	if !ok {
		r.missing(module)
		return mlx.Weight{}
	}
	w := mlx.Weight{W: r.array(m.Weight)}
	if m.Form != nil {
		w.Scales, w.Biases = r.array(m.Scales), r.array(m.Biases)
		w.Bits, w.GroupSize = m.Form.Bits, m.Form.GroupSize
	}
	return w
}

// Vector is the weight of a norm, in float32.
func (r *reader) Vector(module string) mlx.Array {
	v, ok := r.c.Vectors[module]
	if !ok {
		r.missing(module)
	}
	a := r.array(v.Weight)
	if r.err != nil || a.Dtype() == mlx.Float32 {
		return a
	}
	wide := mlx.AsType(a, mlx.Float32)
	mlx.Eval(wide)
	r.scope.Adopt(wide)
	a.Free()
	return wide
}

// missing is a fault of this program: load checks what each architecture has.
func (r *reader) missing(module string) {
	if r.err == nil {
		r.err = fmt.Errorf("module %q was not checked at load", module)
	}
}
