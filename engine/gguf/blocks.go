package gguf

import (
	"encoding/binary"
	"fmt"
	"io"

	"qwill/engine/quant"
	"qwill/engine/safetensors"
)

// part is one of the arrays that a tensor becomes.
type part int

const (
	weights part = iota
	scales
	biases
)

// affine is the form that a block type has in MLX.
func (t Type) affine() (quant.Affine, bool) {
	switch t {
	case Q4_1:
		return quant.Affine{Bits: 4, GroupSize: 32}, true
	case Q8_0:
		return quant.Affine{Bits: 8, GroupSize: 32}, true
	}
	return quant.Affine{}, false
}

// dense is the safetensors type of an unquantized type.
func (t Type) dense() safetensors.Dtype {
	return map[Type]safetensors.Dtype{F32: safetensors.F32, F16: safetensors.F16, BF16: safetensors.BF16}[t]
}

// Q4_1 stores d*q + m with q from 0 to 15: MLX's scale and bias. Elements 0 to
// 15 of a block are the low nibbles, 16 to 31 the high ones; MLX packs
// neighbours together.
//
// Q8_0 stores d*q with q from -128 to 127: MLX's unsigned q+128 with the scale
// d and the bias -128d. Both are exact: times 128 moves only the exponent. Where
// that leaves float16's range (|d| above 511), wide keeps both in float32.

// scan reports whether a Q8_0 tensor needs wide scales, and refuses scales that
// are not finite.
func (t Tensor) scan(r io.ReaderAt) (wide bool, err error) {
	_, size := t.Type.block()
	err = t.eachRow(r, nil, func(row []byte) error {
		for b := 0; b < len(row); b += int(size) {
			d := binary.LittleEndian.Uint16(row[b:])
			if !finite16(d) || t.Type == Q4_1 && !finite16(binary.LittleEndian.Uint16(row[b+2:])) {
				return &TensorError{t.Name, "a scale is not a finite number"}
			}
			// 0x6000 is 512; 128*511.75 = 65504 is float16's largest.
			wide = wide || t.Type == Q8_0 && d&0x7fff >= 0x6000
		}
		return nil
	})
	return wide, err
}

func finite16(h uint16) bool { return h&0x7c00 != 0x7c00 }

// eachRow calls f with the bytes of every row, in the order that rows gives
// (nil: as stored).
func (t Tensor) eachRow(r io.ReaderAt, rows func(i int64) int64, f func(row []byte) error) error {
	elements, size := t.Type.block()
	length := t.Cols() / elements * size
	// Whole runs of rows at a time where the order is the file's.
	n := max(1, (1<<20)/length)
	if rows != nil {
		n = 1
	}
	buf := make([]byte, n*length)
	for i := int64(0); i < t.Rows(); i += n {
		from, count := i, min(n, t.Rows()-i)
		if rows != nil {
			from = rows(i)
		}
		b := buf[:count*length]
		if _, err := r.ReadAt(b, t.Offset+from*length); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		for ; len(b) > 0; b = b[length:] {
			if err := f(b[:length]); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes one part of t in MLX's form to w.
func (t Tensor) write(w io.Writer, r io.ReaderAt, p part, wide bool, rows func(i int64) int64) error {
	var out []byte
	return t.eachRow(r, rows, func(row []byte) error {
		out = t.convert(out[:0], row, p, wide)
		_, err := w.Write(out)
		return err
	})
}

func (t Tensor) convert(out, row []byte, p part, wide bool) []byte {
	le := binary.LittleEndian
	switch {
	case t.Type == Q4_1:
		for ; len(row) > 0; row = row[20:] {
			switch p {
			case scales:
				out = append(out, row[0], row[1])
			case biases:
				out = append(out, row[2], row[3])
			default:
				q := row[4:20]
				for j := 0; j < 16; j += 2 {
					out = append(out, q[j]&15|q[j+1]<<4)
				}
				for j := 0; j < 16; j += 2 {
					out = append(out, q[j]>>4|q[j+1]&0xf0)
				}
			}
		}
	case t.Type == Q8_0:
		for ; len(row) > 0; row = row[34:] {
			d := le.Uint16(row)
			switch {
			case p == weights:
				for _, q := range row[2:34] {
					out = append(out, q^0x80)
				}
			case wide && p == scales:
				out = le.AppendUint32(out, bits32(d, 0))
			case wide:
				out = le.AppendUint32(out, bits32(d, 7)^1<<31)
			case p == scales:
				out = append(out, row[0], row[1])
			default:
				out = le.AppendUint16(out, times128(d)^1<<15)
			}
		}
	default:
		out = append(out, row...)
	}
	return out
}

// times128 multiplies a float16 by 128, exactly; the result must be in range.
func times128(h uint16) uint16 {
	sign, exponent, mantissa := h&0x8000, h>>10&31, h&0x3ff
	if exponent > 0 {
		return h + 7<<10
	}
	// Subnormal: shift until the leading bit is the hidden one, at most 7 places.
	n := uint16(7)
	for n > 0 && mantissa&0x400 == 0 {
		mantissa <<= 1
		n--
	}
	if mantissa&0x400 != 0 {
		return sign | (n+1)<<10 | mantissa&0x3ff
	}
	return sign | mantissa
}

// bits32 is a finite float16 times 2^shift as the bits of a float32.
func bits32(h uint16, shift uint32) uint32 {
	sign, exponent, mantissa := uint32(h&0x8000)<<16, uint32(h>>10&31), uint32(h&0x3ff)
	if exponent == 0 {
		if mantissa == 0 {
			return sign
		}
		for exponent = 1; mantissa&0x400 == 0; exponent-- {
			mantissa <<= 1
		}
		mantissa &= 0x3ff
	}
	return sign | (exponent+112+shift)<<23 | mantissa<<13
}
