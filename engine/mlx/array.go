package mlx

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"runtime"
	"unsafe"
)

// Array is a handle to an array or to a node of the graph that will compute
// it. The zero Array is absent: optional arguments take it. Copies share one
// handle.
type Array struct{ n *node }

// maxDims is MLX's own inline limit of dimensions.
const maxDims = 10

// OK reports whether a is present and not freed.
func (a Array) OK() bool { return a.n != nil && a.n.c != nil }

// ptr is the C handle, for an argument that must be present.
func (a Array) ptr(op string) C.qm_array {
	if a.n == nil {
		fail(op, "an argument is absent")
	}
	if a.n.c == nil {
		fail(op, "an argument was already freed with its scope")
	}
	return a.n.c
}

// opt is the C handle, or nil for an absent argument.
func (a Array) opt(op string) C.qm_array {
	if a.n == nil {
		return nil
	}
	return a.ptr(op)
}

// out turns the result of a C call into an Array of the current scope.
func (t *Thread) out(op string, c C.qm_array) Array {
	if c == nil {
		panic(lastError(op))
	}
	return t.add(c)
}

func cints(v []int) (*C.int, C.int) {
	if len(v) == 0 {
		return nil, 0
	}
	b := make([]C.int, len(v))
	for i, x := range v {
		if int(int32(x)) != x {
			fail("shape", "%d does not fit in 32 bits", x)
		}
		b[i] = C.int(x)
	}
	return &b[0], C.int(len(b))
}

func elements(op string, shape []int) int {
	n := 1
	for _, d := range shape {
		if d < 0 || (d > 0 && n > (1<<58)/d) {
			fail(op, "bad shape %v", shape)
		}
		n *= d
	}
	return n
}

// FromBytes copies row-major elements in machine byte order.
func (t *Thread) FromBytes(d Dtype, data []byte, shape ...int) Array {
	const op = "from_bytes"
	if want := elements(op, shape) * d.Size(); !d.Valid() || want != len(data) {
		fail(op, "%v of shape %v needs %d bytes, got %d", d, shape, want, len(data))
	}
	p, n := cints(shape)
	return t.out(op, C.qm_from_data(unsafe.Pointer(unsafe.SliceData(data)), C.size_t(len(data)), C.int(d), p, n))
}

func fromSlice[T any](t *Thread, d Dtype, data []T, shape []int) Array {
	if len(shape) == 0 {
		shape = []int{len(data)}
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), len(data)*d.Size())
	return t.FromBytes(d, b, shape...)
}

// FromFloat32 copies data; without a shape the result is a vector.
func (t *Thread) FromFloat32(data []float32, shape ...int) Array {
	return fromSlice(t, Float32, data, shape)
}

// FromInt32 copies data; without a shape the result is a vector.
func (t *Thread) FromInt32(data []int32, shape ...int) Array { return fromSlice(t, Int32, data, shape) }

// FromUint32 copies data; without a shape the result is a vector.
func (t *Thread) FromUint32(data []uint32, shape ...int) Array {
	return fromSlice(t, Uint32, data, shape)
}

// FromInts copies token ids as an int32 vector.
func (t *Thread) FromInts(data []int) Array {
	b := make([]int32, len(data))
	for i, x := range data {
		b[i] = int32(x)
	}
	return t.FromInt32(b)
}

// Full is an array of one repeated value.
func (t *Thread) Full(d Dtype, value float64, shape ...int) Array {
	elements("full", shape)
	p, n := cints(shape)
	return t.out("full", C.qm_full(C.double(value), C.int(d), p, n))
}

// Zeros is Full of 0.
func (t *Thread) Zeros(d Dtype, shape ...int) Array { return t.Full(d, 0, shape...) }

// Scalar is an array without dimensions.
func (t *Thread) Scalar(d Dtype, value float64) Array { return t.Full(d, value) }

// Arange is start, start+step, … below stop.
func (t *Thread) Arange(d Dtype, start, stop, step float64) Array {
	return t.out("arange", C.qm_arange(C.double(start), C.double(stop), C.double(step), C.int(d)))
}

// Key makes an explicit random key of shape [2]; MLX's hidden random state is
// never used.
func (t *Thread) Key(seed uint64) Array { return t.out("key", C.qm_key(C.uint64_t(seed))) }

// Thread is the thread a belongs to.
func (a Array) Thread() *Thread {
	a.ptr("thread")
	return a.n.t
}

func (a Array) describe() *node {
	p := a.ptr("info")
	if a.n.described {
		return a.n
	}
	var d, nd C.int
	var dims [maxDims]C.int
	if C.qm_info(p, &d, &nd, &dims[0], maxDims) != 0 {
		panic(lastError("info"))
	}
	a.n.dtype = Dtype(d)
	a.n.shape = make([]int, nd)
	for i := range a.n.shape {
		a.n.shape[i] = int(dims[i])
	}
	a.n.described = true
	return a.n
}

// Shape is the sizes of the dimensions; do not change it.
func (a Array) Shape() []int { return a.describe().shape }

// Dim is one size; negative i counts from the end.
func (a Array) Dim(i int) int {
	s := a.Shape()
	if i < 0 {
		i += len(s)
	}
	if i < 0 || i >= len(s) {
		fail("dim", "no dimension %d in shape %v", i, s)
	}
	return s[i]
}

// Dtype is the element type.
func (a Array) Dtype() Dtype { return a.describe().dtype }

// Len is the number of elements.
func (a Array) Len() int { return elements("len", a.Shape()) }

// Bytes is the size of the elements in memory.
func (a Array) Bytes() int64 { return int64(a.Len()) * int64(a.Dtype().Size()) }

func (a Array) String() string {
	if !a.OK() {
		return "array(absent)"
	}
	return fmt.Sprintf("array(%v %v)", a.Dtype(), a.Shape())
}

// Free frees a before its scope closes.
func (a Array) Free() {
	if !a.OK() {
		return
	}
	a.n.owner.drop(a.n)
	C.qm_free(a.n.c)
	a.n.c = nil
	a.n.t.live--
}

// Replace makes a the array b was; b is used up. The one handle of a cache
// buffer stays the same while its contents move on.
func (a Array) Replace(b Array) {
	a.ptr("replace")
	b.ptr("replace")
	if a.n == b.n {
		return
	}
	a.n.c, b.n.c = b.n.c, a.n.c
	a.n.described = false
	b.Free()
}

func read[T any](a Array, d Dtype) []T {
	const op = "read"
	out := make([]T, a.Len())
	if len(out) == 0 {
		return out
	}
	if C.qm_read(a.ptr(op), C.int(d), unsafe.Pointer(&out[0]), C.size_t(len(out)*d.Size())) != 0 {
		panic(lastError(op))
	}
	return out
}

// Float32s evaluates a and copies it out, converted.
func (a Array) Float32s() []float32 { return read[float32](a, Float32) }

// Int32s evaluates a and copies it out, converted.
func (a Array) Int32s() []int32 { return read[int32](a, Int32) }

// Uint32s evaluates a and copies it out, converted.
func (a Array) Uint32s() []uint32 { return read[uint32](a, Uint32) }

// RawBytes evaluates a and copies its elements as they are.
func (a Array) RawBytes() []byte {
	out := make([]byte, a.Bytes())
	if len(out) > 0 && C.qm_read(a.ptr("read"), C.int(a.Dtype()), unsafe.Pointer(&out[0]), C.size_t(len(out))) != 0 {
		panic(lastError("read"))
	}
	return out
}

func (a Array) one() Array {
	if n := a.Len(); n != 1 {
		fail("item", "%d elements where one is wanted", n)
	}
	return a
}

// Item is the value of an array of one element.
func (a Array) Item() float32 { return a.one().Float32s()[0] }

// Int is the value of an array of one integer.
func (a Array) Int() int { return int(a.one().Int32s()[0]) }

func eval(op string, async C.int, arrays []Array) {
	ptrs := make([]C.qm_array, 0, len(arrays))
	for _, a := range arrays {
		if a.n != nil {
			ptrs = append(ptrs, a.ptr(op))
		}
	}
	if len(ptrs) > 0 && C.qm_eval(&ptrs[0], C.size_t(len(ptrs)), async) != 0 {
		panic(lastError(op))
	}
	runtime.KeepAlive(arrays)
}

// Eval computes arrays and waits. Absent ones are skipped.
func Eval(arrays ...Array) { eval("eval", 0, arrays) }

// AsyncEval starts computing arrays; reading one waits for it.
func AsyncEval(arrays ...Array) { eval("async_eval", 1, arrays) }

// Synchronize waits for everything started on the thread.
func (t *Thread) Synchronize() {
	if C.qm_synchronize() != 0 {
		panic(lastError("synchronize"))
	}
}
