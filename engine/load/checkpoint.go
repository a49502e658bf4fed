// Package load turns a checkpoint folder into a checked config and named
// tensors. It is pure Go and reads no weights: only when everything fits
// together does MLX see the files. Every fault is a *proto.Error that names the
// file, the field or tensor, and what to do.
package load

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"qwill/engine/proto"
	"qwill/engine/quant"
	"qwill/engine/safetensors"
)

// Checkpoint is a folder whose config and headers fit together.
type Checkpoint struct {
	Dir      string
	Config   Config
	Files    []safetensors.File
	Matrices map[string]Matrix // by module
	Vectors  map[string]Vector // by module

	Parameters  int64
	WeightBytes int64 // of the tensors used
}

// Open checks the checkpoint in dir.
func Open(dir string) (*Checkpoint, error) {
	configPath := filepath.Join(dir, "config.json")
	config, err := openConfig(configPath)
	if err != nil {
		return nil, wrap(configPath, err)
	}
	folder, err := safetensors.OpenFolder(dir)
	if err != nil {
		return nil, wrap(dir, err)
	}
	bare(config, folder)
	c := &Checkpoint{
		Dir: dir, Config: *config, Files: folder.Files,
		Matrices: map[string]Matrix{}, Vectors: map[string]Vector{},
	}
	if err := c.match(folder); err != nil {
		return nil, err
	}
	return c, nil
}

// bare gives the tensors of a model without a head, as Qwen3-Embedding's own
// files are, the names that they have in a whole one. Its head is never used.
func bare(config *Config, folder *safetensors.Folder) {
	const prefix = "model."
	if _, ok := folder.Tensors["embed_tokens.weight"]; !ok {
		return
	}
	all := make(map[string]safetensors.Located, len(folder.Tensors))
	for name, t := range folder.Tensors {
		if !strings.HasPrefix(name, prefix) && !strings.HasPrefix(name, "lm_head.") {
			name = prefix + name
		}
		all[name] = t
	}
	folder.Tensors = all
	if _, ok := all["lm_head.weight"]; !ok {
		config.Tied = true
	}
}

func openConfig(path string) (*Config, error) {
	data, err := ReadFile(path, maxConfigBytes)
	if err != nil {
		return nil, err
	}
	return ParseConfig(data)
}

// ReadFile reads a whole regular file of at most limit bytes.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil {
		return nil, err
	} else if !st.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	} else if st.Size() > limit {
		return nil, fmt.Errorf("%d bytes, more than the limit of %d", st.Size(), limit)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("more than the limit of %d bytes", limit)
	}
	return data, err
}

// match finds every module's tensors and checks their types and shapes against
// the config; whatever else lies in the files must be known to be of no use.
func (c *Checkpoint) match(folder *safetensors.Folder) error {
	used := map[string]bool{}
	take := func(name string) (safetensors.Located, bool) {
		t, ok := folder.Tensors[name]
		if ok {
			used[name] = true
			c.WeightBytes += t.Bytes
		}
		return t, ok
	}
	fault := func(t safetensors.Located, name, hint, format string, args ...any) error {
		file := filepath.Join(c.Dir, "model.safetensors")
		if len(c.Files) > 0 {
			file = c.Files[t.File].Path
		}
		return modelError(file, name, hint, format, args...)
	}
	const again = "download the model again"
	for _, m := range c.Config.modules() {
		name := m.name + ".weight"
		w, ok := take(name)
		if !ok {
			return fault(w, name, "config.json asks for this tensor; "+again, "tensor %q is missing", name)
		}
		if m.cols == 0 {
			if !float(w.Dtype) || len(w.Shape) != 1 || w.Shape[0] != int64(m.rows) {
				return fault(w, name, again, "tensor %q is %s of shape %v, config.json needs floating point of shape [%d]", name, w.Dtype, w.Shape, m.rows)
			}
			c.Vectors[m.name] = Vector{Name: name, Weight: w}
			c.Parameters += int64(m.rows)
			continue
		}
		scales, hasScales := take(m.name + ".scales")
		biases, hasBiases := take(m.name + ".biases")
		form, err := c.form(m, w.Dtype, hasScales, hasBiases)
		if err != nil {
			return fault(w, name, "the files do not belong together; "+again, "%v", err)
		}
		if form != nil {
			err = form.CheckShapes(int64(m.rows), int64(m.cols), w.Shape, scales.Shape, biases.Shape)
			if err == nil && (!float(scales.Dtype) || scales.Dtype != biases.Dtype) {
				err = fmt.Errorf("scales are %s and biases %s, one floating-point type is wanted", scales.Dtype, biases.Dtype)
			}
		} else if !float(w.Dtype) {
			err = fmt.Errorf("type %s is not supported: F32, F16, BF16 and affine quantization are", w.Dtype)
		} else if len(w.Shape) != 2 || w.Shape[0] != int64(m.rows) || w.Shape[1] != int64(m.cols) {
			err = fmt.Errorf("shape %v, config.json needs [%d, %d]", w.Shape, m.rows, m.cols)
		}
		if err != nil {
			return fault(w, name, "weights and config.json do not fit together; "+again, "tensor %q: %v", name, err)
		}
		c.Matrices[m.name] = Matrix{Module: m.name, Rows: m.rows, Cols: m.cols, Weight: w, Form: form, Scales: scales, Biases: biases}
		c.Parameters += int64(m.rows) * int64(m.cols)
	}
	for name, t := range folder.Tensors {
		if !used[name] && !c.stray(name) {
			return fault(t, name, "the model may be of another architecture than config.json says", "tensor %q is not part of a %s model", name, c.Config.ModelType)
		}
	}
	return nil
}

// form decides how a matrix is stored and whether config.json agrees.
func (c *Checkpoint) form(m module, d safetensors.Dtype, scales, biases bool) (*quant.Affine, error) {
	form, named := c.Config.Quant.For(m.name)
	switch {
	case !scales && !biases && d != safetensors.U32:
		if form != nil && named {
			return nil, fmt.Errorf("config.json gives %q %v, but its weight is %s", m.name, *form, d)
		}
		return nil, nil // dense, as mlx-lm leaves layers it cannot quantize
	case form == nil:
		return nil, fmt.Errorf("tensor %q is quantized, but config.json does not say how", m.name+".weight")
	case !scales:
		return nil, fmt.Errorf("tensor %q is missing", m.name+".scales")
	case !biases:
		return nil, fmt.Errorf("tensor %q is missing", m.name+".biases")
	case d != safetensors.U32:
		return nil, fmt.Errorf("tensor %q has type %s, quantized weights are U32", m.name+".weight", d)
	}
	return form, nil
}

// stray reports tensors that older exporters leave behind.
func (c *Checkpoint) stray(name string) bool {
	return c.Config.Tied && strings.HasPrefix(name, "lm_head.") || strings.HasSuffix(name, ".rotary_emb.inv_freq")
}

func float(d safetensors.Dtype) bool {
	return d == safetensors.F32 || d == safetensors.F16 || d == safetensors.BF16
}

// Quantization describes the weights for people.
func (c *Checkpoint) Quantization() string {
	counts := map[string]int64{}
	best := ""
	for _, m := range c.Matrices {
		s := strings.ToLower(string(m.Weight.Dtype))
		if m.Form != nil {
			s = m.Form.String()
		}
		counts[s] += int64(m.Rows) * int64(m.Cols)
		if best == "" || counts[s] > counts[best] || counts[s] == counts[best] && s < best {
			best = s
		}
	}
	return best
}

func modelError(file, field, hint, format string, args ...any) *proto.Error {
	return &proto.Error{
		Code: proto.CodeModel, Message: fmt.Sprintf(format, args...),
		ErrorData: proto.ErrorData{File: file, Field: field, Hint: hint},
	}
}

// wrap makes any fault under path a *proto.Error that names it.
func wrap(path string, err error) error {
	const again = "the download may be incomplete; download the model again"
	var pe *proto.Error
	if errors.As(err, &pe) {
		return err
	}
	var file *safetensors.FileError
	if errors.As(err, &file) {
		path, err = file.Path, file.Err
	}
	var tensor *safetensors.Error
	var field *fieldError
	var q *quant.FieldError
	switch {
	case errors.Is(err, fs.ErrNotExist) && filepath.Base(path) == "config.json":
		return modelError(path, "", "choose the folder of a model in MLX form: config.json, tokenizer.json and .safetensors files", "the file is missing")
	case errors.Is(err, fs.ErrNotExist):
		return modelError(path, "", again, "the file is missing")
	case errors.As(err, &tensor):
		return modelError(path, tensor.Tensor, again, "%v", err)
	case errors.As(err, &field):
		hint := "take the config.json that belongs to the weights"
		if field.field == "model_type" {
			hint = "choose a Qwen3 (dense) or Llama model"
		}
		return modelError(path, field.field, hint, "%v", err)
	case errors.As(err, &q):
		return modelError(path, q.Field, "choose an edition quantized to 4 or 8 bits (affine), or an unquantized one", "%v", err)
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return modelError(path, "", again, "%v", err)
}

// Fault is an error of one tensor found while its file was read.
func Fault(path, tensor string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err // the path is named already
	}
	return wrap(path, &safetensors.Error{Tensor: tensor, Message: err.Error()})
}
