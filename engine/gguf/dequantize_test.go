package gguf

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"qwill/engine/load"
	"qwill/engine/safetensors"
)

// reference dequantizes one row as ggml's dequantize_row_q4_1 and _q8_0 do:
// https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c
func reference(t Type, row []byte) []float32 {
	var out []float32
	le := binary.LittleEndian
	switch t {
	case F32:
		for ; len(row) > 0; row = row[4:] {
			out = append(out, math.Float32frombits(le.Uint32(row)))
		}
	case F16:
		for ; len(row) > 0; row = row[2:] {
			out = append(out, half(le.Uint16(row)))
		}
	case BF16:
		for ; len(row) > 0; row = row[2:] {
			out = append(out, math.Float32frombits(uint32(le.Uint16(row))<<16))
		}
	case Q4_1:
		for ; len(row) > 0; row = row[20:] {
			d, m := half(le.Uint16(row)), half(le.Uint16(row[2:]))
			block := make([]float32, 32)
			for j, q := range row[4:20] {
				block[j] = d*float32(q&15) + m
				block[j+16] = d*float32(q>>4) + m
			}
			out = append(out, block...)
		}
	case Q8_0:
		for ; len(row) > 0; row = row[34:] {
			d := half(le.Uint16(row))
			for _, q := range row[2:34] {
				out = append(out, d*float32(int8(q)))
			}
		}
	}
	return out
}

// half is the float32 of a float16, by its definition.
func half(h uint16) float32 {
	e, m := int(h>>10&31), float64(h&0x3ff)
	x := math.Ldexp(m, -24)
	if e == 31 {
		x = math.Inf(1)
		if m != 0 {
			x = math.NaN()
		}
	} else if e > 0 {
		x = math.Ldexp(1024+m, e-25)
	}
	if h&0x8000 != 0 {
		x = -x
	}
	return float32(x)
}

// stored reads row i of a matrix or vector of an MLX folder as float32.
type folderReader struct {
	t     *testing.T
	files []*os.File
}

func openFolder(t *testing.T, c *load.Checkpoint) *folderReader {
	r := &folderReader{t: t}
	for _, f := range c.Files {
		o, err := os.Open(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { o.Close() })
		r.files = append(r.files, o)
	}
	return r
}

func (r *folderReader) bytes(x safetensors.Located, row int64) []byte {
	rows := int64(1)
	if len(x.Shape) == 2 {
		rows = x.Shape[0]
	}
	b := make([]byte, x.Bytes/rows)
	if _, err := r.files[x.File].ReadAt(b, x.Offset+row*int64(len(b))); err != nil && err != io.EOF {
		r.t.Fatal(err)
	}
	return b
}

func floats(d safetensors.Dtype, b []byte) []float32 {
	return reference(map[safetensors.Dtype]Type{safetensors.F32: F32, safetensors.F16: F16, safetensors.BF16: BF16}[d], b)
}

// row is MLX's affine dequantization: scale*q + bias.
func (r *folderReader) row(m load.Matrix, i int64) []float32 {
	w := r.bytes(m.Weight, i)
	if m.Form == nil {
		return floats(m.Weight.Dtype, w)
	}
	s, b := floats(m.Scales.Dtype, r.bytes(m.Scales, i)), floats(m.Biases.Dtype, r.bytes(m.Biases, i))
	out := make([]float32, m.Cols)
	for k := range out {
		bit := k * m.Form.Bits
		word := binary.LittleEndian.Uint32(w[bit/32*4:])
		q := word >> (bit % 32) & (1<<m.Form.Bits - 1)
		g := k / m.Form.GroupSize
		out[k] = s[g]*float32(q) + b[g]
	}
	return out
}

// equal checks that the values of every stride-th row of a converted folder
// equal the source's, the q and k rows of llama put back into halves.
func equal(t *testing.T, source, target string, stride int64) {
	t.Helper()
	src, err := os.Open(source)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	st, err := src.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(src, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	c, err := load.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	r := openFolder(t, c)
	for _, x := range p.tensors {
		elements, size := x.Type.block()
		buf := make([]byte, x.Cols()/elements*size)
		heads := 0
		if c.Config.ModelType == "llama" {
			switch {
			case strings.HasSuffix(x.module, "q_proj"):
				heads = c.Config.Heads
			case strings.HasSuffix(x.module, "k_proj"):
				heads = c.Config.KVHeads
			}
		}
		for i := int64(0); i < x.Rows(); i += stride {
			from := i
			if heads > 0 {
				// llama.cpp's permute: reshape(heads, 2, dim/2).swapaxes(1, 2)
				dim := x.Rows() / int64(heads)
				h, half, j := i/dim, i%dim/(dim/2), i%(dim/2)
				from = h*dim + j*2 + half
			}
			if _, err := src.ReadAt(buf, x.Offset+from*int64(len(buf))); err != nil {
				t.Fatal(err)
			}
			want := reference(x.Type, buf)
			var got []float32
			if x.matrix {
				got = r.row(c.Matrices[x.module], i)
			} else {
				v := c.Vectors[x.module].Weight
				got = floats(v.Dtype, r.bytes(v, 0))
			}
			for k := range want {
				if got[k] != want[k] {
					t.Fatalf("%s row %d column %d: %v, the source has %v", x.module, i, k, got[k], want[k])
				}
			}
		}
	}
}
