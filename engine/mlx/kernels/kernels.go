//go:build cgo

// Package kernels compiles the x86 kernels behind MLX's custom primitives and
// gives the tests a way to call them. Importing it (for its C symbols, see
// kernels.h) is all that engine/mlx does with it.
package kernels

/*
#cgo CXXFLAGS: -std=c++20 -O3 -Wno-psabi -Wno-maybe-uninitialized
#cgo LDFLAGS: -lpthread
#include <stdlib.h>
#include "kernels.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// DType is the element type of scales, biases, dense weights or a KV cache.
type DType int

// Element types, as in kernels.h.
const (
	F32  DType = 0
	F16  DType = 1
	BF16 DType = 2
)

// Mode says how activations enter a quantized product.
type Mode int

// Exact keeps float32 activations; Fast rounds them to int8 in blocks of 32; Wide
// to int16 where there are few rows.
const (
	Exact Mode = 0
	Fast  Mode = 1
	Wide  Mode = 2
)

// ISA names the instruction set in use: avx512vnni, avx512, avx2 or portable.
func ISA() string { return C.GoString(C.qk_isa()) }

// UseISA makes another instruction set current; it fails where the machine
// lacks it.
func UseISA(name string) error {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	return status("use "+name, C.qk_use_isa(s))
}

// SetThreads sets the size of the kernels' pool, the caller included.
func SetThreads(n int) { C.qk_set_threads(C.int(n)) }

// Threads returns the size of the pool.
func Threads() int { return int(C.qk_threads()) }

// Matrix is a weight matrix [N, K]: Bits 4 or 8 in MLX's affine layout, or 0
// for dense elements of type DType in W.
type Matrix struct {
	W, Scales, Biases []byte
	DType             DType
	Bits, Group, N    int
}

// MatMul multiplies x [M, K] by each matrix transposed; the results are [M, N].
func MatMul(mode Mode, x []float32, mats []Matrix, m, k int) ([][]float32, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	address := func(b []byte) unsafe.Pointer {
		if len(b) == 0 {
			return nil
		}
		pin.Pin(&b[0])
		return unsafe.Pointer(&b[0])
	}
	list := make([]C.struct_qk_matrix, len(mats))
	outs := make([][]float32, len(mats))
	for i, mat := range mats {
		outs[i] = make([]float32, m*mat.N)
		pin.Pin(&outs[i][0])
		list[i] = C.struct_qk_matrix{
			w: address(mat.W), scales: address(mat.Scales), biases: address(mat.Biases),
			dtype: C.int(mat.DType), bits: C.int(mat.Bits), group_size: C.int(mat.Group),
			N: C.int64_t(mat.N), out: (*C.float)(&outs[i][0]),
		}
	}
	rc := C.qk_matmul_multi(C.int(mode), floats(x), &list[0], C.int(len(list)), C.int64_t(m), C.int64_t(k))
	return outs, status("multiply matrices", rc)
}

// Attention is causal grouped-query attention of q [L, H, D] over the cache
// buffers k and v [KVH, capacity, D] of which offset+L keys are filled.
func Attention(q []float32, k, v []byte, dt DType, l, h, kvh, d, offset, capacity int, scale float32) ([]float32, error) {
	out := make([]float32, l*h*d)
	rc := C.qk_attention(floats(q), unsafe.Pointer(&k[0]), unsafe.Pointer(&v[0]), C.int(dt), floats(out),
		C.int64_t(l), C.int64_t(h), C.int64_t(kvh), C.int64_t(d), C.int64_t(offset), C.int64_t(capacity), C.float(scale))
	return out, status("attend", rc)
}

// AddRMSNorm returns x+residual and its RMS norm, rows of length k. A nil
// residual gives the norm of x alone.
func AddRMSNorm(x, residual, weight []float32, k int, eps float32) (sum, norm []float32, err error) {
	norm = make([]float32, len(x))
	m := C.int64_t(len(x) / k)
	if residual == nil {
		rc := C.qk_rms_norm(floats(x), floats(weight), floats(norm), m, C.int64_t(k), C.float(eps))
		return x, norm, status("normalise", rc)
	}
	sum = make([]float32, len(x))
	rc := C.qk_add_rms_norm(floats(x), floats(residual), floats(weight), floats(sum), floats(norm), m, C.int64_t(k), C.float(eps))
	return sum, norm, status("add and normalise", rc)
}

// NormRope is the rotary embedding of x [L, H, D] after an optional norm.
func NormRope(x, weight []float32, eps float32, invFreq []float32, l, h, d, offset int) ([]float32, error) {
	out := make([]float32, len(x))
	rc := C.qk_norm_rope(floats(x), floats(weight), C.float(eps), floats(invFreq), floats(out),
		C.int64_t(l), C.int64_t(h), C.int64_t(d), C.int64_t(offset))
	return out, status("rotate", rc)
}

// SwiGLU returns silu(gate) * up.
func SwiGLU(gate, up []float32) ([]float32, error) {
	out := make([]float32, len(gate))
	rc := C.qk_swiglu(floats(gate), floats(up), floats(out), C.int64_t(len(gate)))
	return out, status("gate", rc)
}

func floats(s []float32) *C.float {
	if len(s) == 0 {
		return nil
	}
	return (*C.float)(&s[0])
}

func status(what string, rc C.int) error {
	switch rc {
	case 0:
		return nil
	case C.QK_UNSUPPORTED:
		return fmt.Errorf("%s: these arguments are not supported", what)
	case C.QK_NO_MEMORY:
		return fmt.Errorf("%s: out of memory", what)
	default:
		return fmt.Errorf("%s: the kernel failed (%d)", what, int(rc))
	}
}
